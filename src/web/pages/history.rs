//! How one tree and locale came along: a chart, and the runs it is of.

use crate::domain::LocaleCode;
use crate::store::{HistoryRow, Life, OverviewPoint, Place};
use crate::web::Web;
use crate::web::chart::{Chart, Overview, Shape, Stop};
use crate::web::error::PageError;
use crate::web::format::{Format, Here, Shown, address};
use crate::web::highlight::{Highlight, highlights};
use crate::web::period::Period;
use crate::web::shown::Time;
use crate::web::table::Table;
use crate::web::wanted::Wanted;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use serde::Serialize;
use std::ops::Range;
use utoipa::ToSchema;

/// So many runs are in the table of the page; JSON and CSV have all.
const ROWS: usize = 100;

#[derive(Template, Serialize)]
#[template(path = "pages/history.html")]
struct Page {
    tree: String,
    locale: String,
    starttime: Time,
    endtime: Time,
    of: &'static str,
    /// Newest first; the last may be older than the range, which begins with it.
    runs: Vec<RunShown>,
    highlights: Vec<Highlight>,
    /// What was asked for and is not there.
    note: Option<&'static str>,
    #[serde(skip)]
    chart: Chart,
    /// The whole life, to choose another time from.
    #[serde(skip)]
    overview: Overview,
    #[serde(skip)]
    zooms: Vec<Zoom>,
    #[serde(skip)]
    other_unit: Zoom,
    #[serde(skip)]
    here: Here,
}

/// One run of the history.
#[derive(Serialize, ToSchema)]
#[schema(as = HistoryPoint)]
pub(in crate::web) struct RunShown {
    run: i64,
    srctime: Time,
    missing: i64,
    obsolete: i64,
    unchanged: i64,
    missing_w: i64,
    unchanged_w: i64,
    errors: i64,
    completion: i64,
}

/// A link to the same in another way.
pub(super) struct Zoom {
    pub(super) word: &'static str,
    pub(super) href: String,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Strings,
    Words,
}

pub(crate) async fn show(State(web): State<Web>, wanted: Wanted, format: Format) -> Result<Response, PageError> {
    let (tree, locale) = (wanted.one("tree").to_owned(), wanted.one("locale").to_owned());
    if tree.is_empty() || locale.is_empty() {
        return Err(PageError::BadRequest("The address needs tree= and locale=.".to_owned()));
    }
    let (unit, now) = (Unit::read(&wanted)?, web.clock.now());
    let period = Period::read(&wanted, now)?;
    let life = life(&web, &tree, &locale).await?;
    let rows = web.store.history(life.place, period.range()).await?;
    let whole = Period::around(life.first, life.last, now);
    let points = overview(&web, life.place, (period, whole), &rows).await?;
    let asked = Asked { tree, locale, unit, period, whole, wanted };
    format.answer(&asked.page(&rows, &points, now))
}

/// The whole life as few points; where all of it is shown, its runs are what was read already.
async fn overview(
    web: &Web,
    place: Place,
    (period, whole): (Period, Period),
    rows: &[HistoryRow],
) -> Result<Vec<OverviewPoint>, PageError> {
    if period.covers(whole) {
        return Ok(rows.iter().map(OverviewPoint::from).collect());
    }
    Ok(web.store.overview(place, whole.range()).await?)
}

pub(in crate::web) async fn life(web: &Web, tree: &str, locale: &str) -> Result<Life, PageError> {
    let never = || PageError::NotFound(format!("The locale {locale} was never compared for the tree {tree}."));
    let code: LocaleCode = locale.parse().map_err(|_| never())?;
    web.store.life(tree, &code).await?.ok_or_else(never)
}

/// What a request asks for.
struct Asked {
    tree: String,
    locale: String,
    unit: Unit,
    period: Period,
    /// From the first run until the end of today.
    whole: Period,
    wanted: Wanted,
}

impl Asked {
    fn page(self, rows: &[HistoryRow], points: &[OverviewPoint], now: Timestamp) -> Page {
        let (highlights, are_whole) = highlights(&self.wanted, now);
        let chart = self.chart(rows, &highlights, now);
        Page {
            starttime: Time::of_seconds(self.period.from, now),
            endtime: Time::of_seconds(self.period.until, now),
            of: self.unit.name(),
            runs: rows.iter().rev().map(|row| RunShown::of(row, now)).collect(),
            note: (!are_whole)
                .then_some("A highlight needs a start, a later end and a class: good, bad, warn or calm. Others are left out."),
            chart,
            overview: self.overview(points),
            zooms: zooms(self.period, self.whole, |period| self.at(period, self.unit).address()),
            other_unit: Zoom { word: self.unit.other().name(), href: self.at(self.period, self.unit.other()).address() },
            here: self.at(self.period, self.unit),
            highlights,
            tree: self.tree,
            locale: self.locale,
        }
    }

    /// The page of another period, or of the other unit.
    fn at(&self, period: Period, unit: Unit) -> Here {
        let (from, until) = period.names();
        let here = Here::at("/dashboard/history").with_table();
        let here = here.and("tree", &self.tree).and("locale", &self.locale).and("starttime", from).and("endtime", until);
        let here = here.and("of", if unit == Unit::Words { unit.name() } else { "" });
        self.wanted.beginning_with("hl-").fold(here, |here, (rest, value)| here.and(format!("hl-{rest}"), value))
    }

    fn chart(&self, rows: &[HistoryRow], highlights: &[Highlight], now: Timestamp) -> Chart {
        let of = |count: fn(&HistoryRow) -> i64| -> Vec<(i64, i64)> { rows.iter().map(|row| (row.srctime, count(row))).collect() };
        let (missing, unchanged) = match self.unit {
            Unit::Strings => (of(|row| row.missing), of(|row| row.unchanged)),
            Unit::Words => (of(|row| row.missing_w), of(|row| row.unchanged_w)),
        };
        let obsolete = if self.unit == Unit::Strings { of(|row| row.obsolete) } else { Vec::new() };
        let most = |points: &[(i64, i64)]| points.iter().map(|(_, count)| *count).max().unwrap_or_default();
        let title = format!("{} of {} for {} over time", self.unit.name(), self.tree, self.locale);
        let (left, right) = self.unit.scales();
        let mut chart = Chart::over(&self.period.range(), title, left, most(&missing).max(most(&obsolete)));
        for highlight in highlights {
            chart = chart.shaded(highlight.class, &highlight.span(), highlight.words());
        }
        // Of several runs at one time only the last counts.
        let counting = rows.chunk_by(|one, next| one.srctime == next.srctime).filter_map(<[HistoryRow]>::last);
        let stops = counting.map(|row| self.stop(row, now)).collect();
        chart
            .and_at_the_right(right, most(&unchanged))
            .with_at_the_right("unchanged", Shape::Area, &unchanged)
            .with("missing", Shape::Area, &missing)
            .with("obsolete", Shape::Line, &obsolete)
            .marked(stops)
    }

    fn overview(&self, points: &[OverviewPoint]) -> Overview {
        let missing = |point: &OverviewPoint| if self.unit == Unit::Words { point.missing_w } else { point.missing };
        let counts: Vec<(i64, i64)> = points.iter().map(|point| (point.srctime, missing(point))).collect();
        let ((first, last), (from, until)) = (self.whole.names(), self.period.names());
        let title = format!("missing {} from {first} until {last}; shown: from {from} until {until}", self.unit.name());
        let at = |span: &Range<i64>| self.at(Period { from: span.start, until: span.end }, self.unit).address();
        Overview::over(&self.whole.range(), title, &counts).showing(&self.period.range(), at)
    }

    fn stop(&self, row: &HistoryRow, now: Timestamp) -> Stop {
        let (count, more) = match self.unit {
            Unit::Strings => (row.missing, format!("{} obsolete, {} unchanged", row.obsolete, row.unchanged)),
            Unit::Words => (row.missing_w, format!("{} unchanged", row.unchanged_w)),
        };
        let title = format!("{}: {count} missing, {more}", Time::of_seconds(row.srctime, now).utc());
        Stop { at: row.srctime, count, href: compare(row.run), title }
    }
}

/// Links to other spans of time.
pub(super) fn zooms(period: Period, whole: Period, address: impl Fn(Period) -> String) -> Vec<Zoom> {
    let whole = Some(whole).filter(|whole| *whole != period);
    let spans = [
        ("earlier", period.earlier()),
        ("later", period.later()),
        ("wider", period.wider()),
        ("narrower", period.narrower()),
        ("everything", whole),
    ];
    spans.into_iter().filter_map(|(word, period)| Some(Zoom { word, href: address(period?) })).collect()
}

fn compare(run: i64) -> String {
    address("/dashboard/compare", &[("run", &run.to_string())])
}

impl Unit {
    fn read(wanted: &Wanted) -> Result<Unit, PageError> {
        match wanted.one("of") {
            "words" => Ok(Unit::Words),
            "" if wanted.has("words") => Ok(Unit::Words),
            "" | "strings" => Ok(Unit::Strings),
            _ => Err(PageError::BadRequest("The history can be of=strings or of=words.".to_owned())),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Unit::Strings => "strings",
            Unit::Words => "words",
        }
    }

    fn other(self) -> Unit {
        match self {
            Unit::Strings => Unit::Words,
            Unit::Words => Unit::Strings,
        }
    }

    /// What is written at the scales.
    fn scales(self) -> (&'static str, &'static str) {
        match self {
            Unit::Strings => ("missing and obsolete strings", "unchanged strings"),
            Unit::Words => ("missing words", "unchanged words"),
        }
    }
}

impl RunShown {
    pub(in crate::web) fn of(row: &HistoryRow, now: Timestamp) -> RunShown {
        RunShown {
            run: row.run,
            srctime: Time::of_seconds(row.srctime, now),
            missing: row.missing,
            obsolete: row.obsolete,
            unchanged: row.unchanged,
            missing_w: row.missing_w,
            unchanged_w: row.unchanged_w,
            errors: row.errors,
            completion: row.completion,
        }
    }

    fn href(&self) -> String {
        compare(self.run)
    }
}

impl Page {
    fn has_words(&self) -> bool {
        self.of == Unit::Words.name()
    }

    /// The runs in the table of the page.
    fn newest(&self) -> &[RunShown] {
        &self.runs[..self.runs.len().min(ROWS)]
    }
}

impl Shown for Page {
    fn table(&self) -> Option<Table> {
        let mut table =
            Table::of(&["run", "srctime", "missing", "obsolete", "unchanged", "missing_w", "unchanged_w", "errors", "completion"]);
        for run in &self.runs {
            let counts = [run.missing, run.obsolete, run.unchanged, run.missing_w, run.unchanged_w];
            let more = [run.errors, run.completion];
            let numbers = counts.into_iter().chain(more).map(|number| number.to_string());
            table.add([run.run.to_string(), run.srctime.machine()].into_iter().chain(numbers).collect());
        }
        Some(table)
    }
}
