//! How many locales of a tree are at how many missing strings, over time; and the best of them.

use super::history::{Zoom, zooms};
use crate::web::Web;
use crate::web::board::{Board, Count};
use crate::web::chart::{Chart, Shape};
use crate::web::error::PageError;
use crate::web::format::{Format, Here, Shown, address};
use crate::web::period::Period;
use crate::web::shares::{Shares, last_of_days};
use crate::web::shown::Time;
use crate::web::table::Table;
use crate::web::wanted::Wanted;
use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use jiff::Timestamp;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::HashMap;

const TOP: usize = 10;
const MOST_LOCALES: usize = 500;
const MOST_MISSING: usize = 1_000_000_000;
/// So many days are in the table of the page; JSON and CSV have all.
const DAYS: usize = 400;

#[derive(Template, Serialize)]
#[template(path = "pages/tree_status.html")]
struct Page {
    tree: String,
    starttime: Time,
    endtime: Time,
    /// A locale is good with at most so many strings missing.
    bound: usize,
    hide_bad: bool,
    /// For each day on which something changed, newest first, the counts at its end.
    days: Vec<DayShown>,
    /// The locales with the least missing at the end of the range.
    top_locales: Vec<LocaleShown>,
    #[serde(skip)]
    chart: Chart,
    #[serde(skip)]
    zooms: Vec<Zoom>,
    #[serde(skip)]
    bad: Zoom,
    #[serde(skip)]
    top: usize,
    #[serde(skip)]
    here: Here,
}

#[derive(Serialize)]
struct DayShown {
    date: String,
    good: usize,
    bad: usize,
}

#[derive(Serialize)]
struct LocaleShown {
    locale: String,
    missing: i64,
    #[serde(skip)]
    width: i64,
    #[serde(skip)]
    href: String,
}

/// What a request asks for.
struct Asked {
    tree: String,
    period: Period,
    bound: usize,
    hide_bad: bool,
    top: usize,
}

pub(crate) async fn show(
    State(web): State<Web>,
    path: Result<Path<String>, PathRejection>,
    wanted: Wanted,
    format: Format,
) -> Result<Response, PageError> {
    let code = path.map(|Path(code)| code).unwrap_or_default();
    let now = web.clock.now();
    let board = web.boards.now(now).await?;
    let tree = board.tree(&code).ok_or_else(|| PageError::NotFound("There is no tree of that name.".to_owned()))?;
    let asked = Asked::read(code, &wanted, now)?;
    let bound = i64::try_from(asked.bound).unwrap_or(i64::MAX);
    let counted = board.counted(Count { tree, range: asked.period.range(), bound }).await?;
    let last = board.rows.iter().filter(|row| row.place.tree == tree).map(|row| row.srctime).max().unwrap_or(counted.first);
    let best = asked.best(&board, &counted.missing);
    format.answer(&asked.page(&counted.shares, best, Period::around(counted.first, last, now), now))
}

impl Asked {
    fn read(tree: String, wanted: &Wanted, now: Timestamp) -> Result<Asked, PageError> {
        Ok(Asked {
            tree,
            period: Period::read(wanted, now)?,
            bound: wanted.number("bound", 0, 0..=MOST_MISSING)?,
            hide_bad: wanted.has("hideBad"),
            top: wanted.number("top_locales", TOP, 0..=MOST_LOCALES)?,
        })
    }

    /// The locales with the least missing, those that are alike by name.
    fn best(&self, board: &Board, missing: &HashMap<i64, i64>) -> Vec<LocaleShown> {
        let of_tree = board.rows.iter().filter(|row| row.tree == self.tree);
        let mut best: Vec<(i64, &str)> =
            of_tree.filter_map(|row| Some((*missing.get(&row.place.locale)?, row.locale.as_str()))).collect();
        best.sort_unstable();
        best.truncate(self.top);
        let most = best.last().map_or(1, |(missing, _)| (*missing).max(1));
        let shown = |(missing, locale): (i64, &str)| LocaleShown {
            locale: locale.to_owned(),
            missing,
            width: missing * 1000 / most,
            href: address("/dashboard/history", &[("tree", &self.tree), ("locale", locale)]),
        };
        best.into_iter().map(shown).collect()
    }

    fn page(self, shares: &[Shares], top_locales: Vec<LocaleShown>, whole: Period, now: Timestamp) -> Page {
        let other = if self.hide_bad { "show the others" } else { "hide the others" };
        let day = |share: &Shares| DayShown { date: date(share.at), good: share.good, bad: share.bad };
        Page {
            starttime: Time::of_seconds(self.period.from, now),
            endtime: Time::of_seconds(self.period.until, now),
            bound: self.bound,
            hide_bad: self.hide_bad,
            days: last_of_days(shares).iter().rev().map(day).collect(),
            top_locales,
            chart: self.chart(shares),
            zooms: zooms(self.period, whole, |period| self.at(period, self.hide_bad).address()),
            bad: Zoom { word: other, href: self.at(self.period, !self.hide_bad).address() },
            top: self.top,
            here: self.at(self.period, self.hide_bad),
            tree: self.tree,
        }
    }

    fn at(&self, period: Period, hide_bad: bool) -> Here {
        let (from, until) = period.names();
        let number = |number: usize, usual: usize| if number == usual { String::new() } else { number.to_string() };
        let here = Here::at(&format!("/dashboard/tree-status/{}", self.tree)).with_table();
        let here = here.and("starttime", from).and("endtime", until).and("bound", number(self.bound, 0));
        here.and("hideBad", if hide_bad { "1" } else { "" }).and("top_locales", number(self.top, TOP))
    }

    fn chart(&self, shares: &[Shares]) -> Chart {
        let of = |count: fn(&Shares) -> usize| -> Vec<(i64, i64)> {
            shares.iter().map(|share| (share.at, i64::try_from(count(share)).unwrap_or(i64::MAX))).collect()
        };
        let (good, bad) = (of(|share| share.good), if self.hide_bad { Vec::new() } else { of(|share| share.bad) });
        let most = good.iter().chain(&bad).map(|(_, count)| *count).max().unwrap_or_default();
        let title = format!("locales of {} with at most {} missing, and with more, over time", self.tree, self.bound);
        let chart = Chart::over(&self.period.range(), title, "locales", most).with("good", Shape::Area, &good);
        if self.hide_bad { chart } else { chart.with("bad", Shape::Line, &bad) }
    }
}

fn date(second: i64) -> String {
    crate::web::shown::calendar(second).map(|at| at.strftime("%Y-%m-%d").to_string()).unwrap_or_default()
}

impl Page {
    /// What the form does not ask for itself.
    fn carried(&self) -> Vec<(Cow<'static, str>, String)> {
        self.here.carried(&["bound", "top_locales"])
    }

    /// The days in the table of the page.
    fn newest(&self) -> &[DayShown] {
        &self.days[..self.days.len().min(DAYS)]
    }
}

impl Shown for Page {
    fn table(&self) -> Option<Table> {
        let mut table = Table::of(&["date", "good", "bad"]);
        self.days.iter().for_each(|day| table.add(vec![day.date.clone(), day.good.to_string(), day.bad.to_string()]));
        Some(table)
    }
}
