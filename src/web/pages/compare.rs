//! One comparison: its counts, what was compared, and the details, fetched when somebody looks.

use super::{Asked, read};
use crate::domain::Counts;
use crate::fetch::Looked;
use crate::store::{RunRevision, RunRow};
use crate::web::Web;
use crate::web::details::{self, Class, Entry, File};
use crate::web::error::PageError;
use crate::web::format::{Format, Here, Shown, address};
use crate::web::run::RunShown;
use crate::web::shown::{Time, signed, upstream};
use crate::web::table::{Table, text};
use crate::web::tree::{Part, grown};
use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Deserialize)]
pub(crate) struct Params {
    /// The number of the run.
    #[serde(default)]
    run: String,
    /// Only entries of this class.
    #[serde(default)]
    show: String,
    /// Only files and entries that contain this text.
    #[serde(default)]
    q: String,
}

#[derive(Template, Serialize)]
#[template(path = "pages/compare.html")]
struct Page {
    run: RunShown,
    revisions: Vec<RevisionShown>,
    /// What is to say of the details if they cannot be shown.
    details: &'static str,
    /// Since when they are gone, or when they are tried next.
    when: Option<Time>,
    /// How the counts differ from those of the run before it.
    before: Option<BeforeShown>,
    #[serde(skip)]
    history: String,
    #[serde(skip)]
    tree: Vec<Part<FileShown>>,
    #[serde(skip)]
    shown: usize,
    #[serde(skip)]
    issues: usize,
    #[serde(skip)]
    choices: Vec<Choice>,
    #[serde(skip)]
    show: String,
    #[serde(skip)]
    q: String,
    #[serde(skip)]
    here: Here,
}

/// The run before a run, for the same tree and locale.
#[derive(Serialize)]
struct BeforeShown {
    run: i64,
    srctime: Time,
    differences: Vec<Difference>,
}

/// By how much a count is more than it was.
#[derive(Serialize)]
struct Difference {
    name: &'static str,
    by: i64,
}

#[derive(Serialize, ToSchema)]
#[schema(as = RunRevision)]
pub(in crate::web) struct RevisionShown {
    repository: String,
    /// The name under which it is followed here.
    followed: Option<String>,
    revision: String,
    known: bool,
    upstream: Option<String>,
}

struct FileShown {
    name: String,
    path: String,
    /// The whole file is missing, or obsolete.
    whole: &'static str,
    entries: Vec<EntryShown>,
}

struct EntryShown {
    class: &'static str,
    text: String,
    /// The number of the error or warning, and of the next one that is shown; 0 for none.
    issue: usize,
    next: usize,
}

struct Choice {
    word: &'static str,
    href: String,
    chosen: bool,
}

pub(crate) async fn show(State(web): State<Web>, asked: Asked<Params>, format: Format) -> Result<Response, PageError> {
    let params = read(asked)?;
    let filter = Filter::of(&params)?;
    let number =
        params.run.parse().map_err(|_| PageError::BadRequest("Which run? The address needs run= and its number.".to_owned()))?;
    let run = web.store.run(number).await?.ok_or_else(|| PageError::NotFound(format!("There is no run {number}.")))?;
    let looked = web.artifacts.look(&run.of, &run.artifact).await;
    if let (Format::Json, Looked::Here(document)) = (format, &looked) {
        let kind = HeaderValue::from_static("application/json");
        return Ok(([(header::CONTENT_TYPE, kind)], document.clone()).into_response());
    }
    let revisions = web.store.run_revisions(number).await?;
    let before = web.store.run_before(&run).await?;
    let page = Page::of(&run, before.as_ref(), &revisions, &looked, filter, web.clock.now());
    match format {
        Format::Json | Format::Csv => Ok((status(&looked), format.answer(&page)?).into_response()),
        _ => format.answer(&page),
    }
}

/// For whoever wants the document and nothing else.
fn status(looked: &Looked) -> StatusCode {
    match looked {
        Looked::Here(_) => StatusCode::OK,
        Looked::Gone { .. } => StatusCode::GONE,
        Looked::Failing { .. } | Looked::UnderWay => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Which entries are shown.
struct Filter {
    class: Option<Class>,
    text: String,
}

impl Filter {
    fn of(params: &Params) -> Result<Filter, PageError> {
        let class = Class::ALL.into_iter().find(|class| class.name() == params.show);
        if class.is_none() && !params.show.is_empty() {
            return Err(PageError::BadRequest("What is shown can be error, warning, missing or obsolete.".to_owned()));
        }
        Ok(Filter { class, text: params.q.trim().to_lowercase() })
    }

    /// The file with what is to be shown of it, if that is anything.
    fn shown(&self, mut file: File) -> Option<File> {
        let is_named = self.has_text(&file.folder) || self.has_text(&file.name);
        file.entries.retain(|entry| self.takes(entry, is_named));
        let takes_whole = file.whole.is_some_and(|whole| is_named && self.class.is_none_or(|class| class == whole));
        (takes_whole || !file.entries.is_empty()).then_some(file)
    }

    fn takes(&self, entry: &Entry, is_named: bool) -> bool {
        self.class.is_none_or(|class| class == entry.class) && (is_named || self.has_text(&entry.text))
    }

    fn has_text(&self, text: &str) -> bool {
        self.text.is_empty() || text.to_lowercase().contains(&self.text)
    }
}

impl Shown for Page {
    /// What is wrong, entry by entry; a file that is missing or obsolete as a whole has a row without an entry.
    fn table(&self) -> Option<Table> {
        let mut table = Table::of(&["file", "class", "entry"]);
        for file in self.tree.iter().filter_map(Part::leaf) {
            let whole = Some((file.whole, "")).filter(|(class, _)| !class.is_empty());
            for (class, entry) in whole.into_iter().chain(file.entries.iter().map(|entry| (entry.class, entry.text.as_str()))) {
                table.add(vec![text(&file.path), class.to_owned(), text(entry)]);
            }
        }
        Some(table)
    }
}

impl Page {
    fn of(
        run: &RunRow,
        before: Option<&RunRow>,
        revisions: &[RunRevision],
        looked: &Looked,
        filter: Filter,
        now: Timestamp,
    ) -> Page {
        let files = match looked {
            Looked::Here(document) => details::read(document),
            _ => None,
        };
        let (details, when) = words(looked, files.as_deref(), now);
        let issues = |file: &File| file.entries.iter().filter(|entry| entry.issue > 0).count();
        let all: Vec<File> = files.unwrap_or_default().into_iter().filter_map(|file| filter.shown(file)).collect();
        let number = run.id.to_string();
        let show = filter.class.map_or("", Class::name);
        Page {
            run: RunShown::of(run, now),
            revisions: revisions.iter().map(RevisionShown::of).collect(),
            details,
            when,
            before: before.map(|before| BeforeShown::of(run, before, now)),
            history: address("/dashboard/history", &[("tree", &run.tree), ("locale", run.locale.as_str())]),
            shown: all.iter().map(|file| file.entries.len() + usize::from(file.whole.is_some())).sum(),
            issues: all.iter().map(issues).sum(),
            tree: tree(all),
            choices: choices(&number, show, &filter.text),
            show: show.to_owned(),
            here: Here::at("/dashboard/compare").and("run", &number).and("show", show).and("q", &filter.text).with_table(),
            q: filter.text,
        }
    }

    /// The address of the first error or warning that is shown.
    fn first_issue(&self) -> String {
        let files = self.tree.iter().filter_map(Part::leaf);
        let first = files.flat_map(|file| &file.entries).map(|entry| entry.issue).find(|issue| *issue > 0);
        format!("#issue{}", first.unwrap_or_default())
    }

    fn is_filtered(&self) -> bool {
        !self.show.is_empty() || !self.q.is_empty()
    }
}

fn words(looked: &Looked, files: Option<&[File]>, now: Timestamp) -> (&'static str, Option<Time>) {
    match (looked, files) {
        (Looked::Here(_), Some([])) => ("No further details: nothing is wrong.", None),
        (Looked::Here(_), Some(_)) => ("", None),
        (Looked::Here(_), None) => ("The details are not in a form that is known here.", None),
        (Looked::Gone { since }, _) => {
            ("Detailed information for this comparison is no longer available, since", Some(Time::at(*since, now)))
        }
        (Looked::Failing { next_try }, _) => {
            ("Detailed information for this comparison could not be fetched. The next try is", Some(Time::at(*next_try, now)))
        }
        (Looked::UnderWay, _) => {
            ("Detailed information for this comparison is being fetched. Please reload the page in a moment.", None)
        }
    }
}

fn choices(run: &str, show: &str, q: &str) -> Vec<Choice> {
    let choice = |class: &'static str, word| Choice {
        word,
        href: address("/dashboard/compare", &[("run", run), ("show", class), ("q", q)]),
        chosen: class == show,
    };
    vec![
        choice("", "everything"),
        choice("error", "errors"),
        choice("warning", "warnings"),
        choice("missing", "missing"),
        choice("obsolete", "obsolete"),
    ]
}

/// Puts files, in order, into their folders.
fn tree(files: Vec<File>) -> Vec<Part<FileShown>> {
    let folders: Vec<String> = files.iter().map(|file| file.folder.clone()).collect();
    let mut files: Vec<FileShown> = files.into_iter().map(FileShown::of).collect();
    link_issues(&mut files);
    grown(folders.into_iter().zip(files).collect())
}

/// Lets each error and warning lead to the next one that is shown.
fn link_issues(files: &mut [FileShown]) {
    let mut next = 0;
    let entries = files.iter_mut().rev().flat_map(|file| file.entries.iter_mut().rev());
    for entry in entries.filter(|entry| entry.issue > 0) {
        entry.next = next;
        next = entry.issue;
    }
}

impl FileShown {
    fn of(file: File) -> FileShown {
        let entry = |entry: Entry| EntryShown { class: entry.class.name(), text: entry.text, issue: entry.issue, next: 0 };
        FileShown {
            path: if file.folder.is_empty() { file.name.clone() } else { format!("{}/{}", file.folder, file.name) },
            name: file.name,
            whole: file.whole.map_or("", Class::name),
            entries: file.entries.into_iter().map(entry).collect(),
        }
    }
}

impl BeforeShown {
    fn of(run: &RunRow, before: &RunRow, now: Timestamp) -> BeforeShown {
        let counts = run.counts.values().into_iter().zip(before.counts.values()).map(|(is, was)| is - was);
        let mut differences: Vec<Difference> =
            Counts::NAMES.into_iter().zip(counts).map(|(name, by)| Difference { name, by }).collect();
        differences.insert(0, Difference { name: "percent", by: run.completion - before.completion });
        BeforeShown { run: before.id, srctime: Time::of_seconds(before.srctime, now), differences }
    }

    fn href(&self) -> String {
        address("/dashboard/compare", &[("run", &self.run.to_string())])
    }

    fn is_same(&self) -> bool {
        self.differences.iter().all(|difference| difference.by == 0)
    }
}

impl Difference {
    /// The count in words that fit the head of a column.
    fn word(&self) -> String {
        match self.name.strip_suffix("_w") {
            Some(name) => format!("{name} words"),
            None => self.name.to_owned(),
        }
    }

    fn signed(&self) -> String {
        signed(self.by)
    }
}

impl RevisionShown {
    pub(in crate::web) fn of(revision: &RunRevision) -> RevisionShown {
        let hash = revision.revision.to_string();
        RevisionShown {
            repository: revision.repository.to_string(),
            followed: revision.followed.as_ref().map(ToString::to_string),
            upstream: upstream(revision.repository.as_str(), &page_of(revision.repository.host(), &hash)),
            known: revision.known,
            revision: hash,
        }
    }
}

fn page_of(host: &str, revision: &str) -> String {
    if host == "github.com" { format!("commit/{revision}") } else { format!("rev/{revision}") }
}
