//! What differs between two changesets of a repository, in the strings of its localization files.

use super::changeset;
use crate::domain::{Kept, Repository, RepositoryName, Revision};
use crate::fetch::ChangedFile;
use crate::store::MOST_PATHS;
use crate::web::Web;
use crate::web::difference::{Content, Difference, EntityChange, Pair, TextLine};
use crate::web::error::PageError;
use crate::web::format::{Format, Here, Shown, address};
use crate::web::tree::{Part, folder_and_name, grown, in_order};
use crate::web::wanted::Wanted;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::sync::Arc;

/// How many files one part of a difference has at most, and about how many bytes of them are shown.
const FILES: usize = 100;
const BYTES: usize = 300_000;

#[derive(Template, Serialize)]
#[template(path = "pages/diff.html")]
struct Page {
    repository: String,
    from: String,
    to: String,
    /// How many files differ, of those that were asked for.
    total: usize,
    /// The number of the first file of this part, from 0.
    start: usize,
    #[serde(serialize_with = "all_of_them")]
    files: Vec<Arc<Difference>>,
    /// The address of the next part.
    next: Option<String>,
    #[serde(skip)]
    previous: Option<String>,
    #[serde(skip)]
    tree: Vec<Part<FileShown>>,
    #[serde(skip)]
    title: String,
    #[serde(skip)]
    path: Vec<String>,
    #[serde(skip)]
    turned: String,
    #[serde(skip)]
    here: Here,
}

/// A file as the page shows it, within the bytes that a page has.
struct FileShown {
    name: String,
    difference: Arc<Difference>,
    /// How many entities or lines are shown.
    rows: usize,
    /// How many are not.
    rest: usize,
    /// The file alone.
    href: String,
}

pub(crate) async fn show(State(web): State<Web>, wanted: Wanted, format: Format) -> Result<Response, PageError> {
    let parts = parts_of_paths(&wanted)?;
    let repository = repository(&web, wanted.one("repo")).await?;
    let clone = web.store.clone_of(repository.id).await?;
    let from = named(&web, &repository, &clone, "from", wanted.one("from")).await?;
    let to = named(&web, &repository, &clone, "to", wanted.one("to")).await?;
    let start = wanted.number("start", 0, 0..=1_000_000)?;
    let pair = Pair { clone, from, to };
    let all = web.differences.files(&pair).await.map_err(PageError::Clones)?;
    let mut chosen: Vec<&ChangedFile> = all.iter().filter(|file| fits(file, &parts)).collect();
    chosen.sort_by(|one, other| in_order(folder_and_name(one.path.as_str()), folder_and_name(other.path.as_str())));
    let part: Vec<ChangedFile> = chosen.iter().skip(start).take(FILES).map(|file| (*file).clone()).collect();
    let contents = web.differences.contents(&pair, &part).await.map_err(|error| PageError::Clones(Arc::new(error)))?;
    format.answer(&page(&repository, &pair, &wanted, (start, chosen.len()), contents))
}

/// What a path is to contain, in lower case.
fn parts_of_paths(wanted: &Wanted) -> Result<Vec<String>, PageError> {
    let parts = wanted.all("path");
    if parts.len() > MOST_PATHS {
        return Err(PageError::too_many("path", MOST_PATHS));
    }
    Ok(parts.iter().map(|part| part.to_lowercase()).collect())
}

async fn repository(web: &Web, text: &str) -> Result<Repository, PageError> {
    if text.is_empty() {
        return Err(PageError::BadRequest("A difference needs repo=, from= and to= in its address; repo= is missing.".to_owned()));
    }
    let found = match text.parse::<RepositoryName>() {
        Ok(name) => web.store.repository(&name).await?,
        Err(_) => None,
    };
    found.ok_or_else(|| PageError::NotFound(format!("No repository of the name {} is followed here.", Kept::from(text))))
}

/// The changeset that somebody calls so: `tip` and `default` as the newest on that branch, since a clone may be shared with
/// forks; `null`; a branch; a hash or its beginning. Never an expression that Mercurial would have to compute.
async fn named(
    web: &Web,
    repository: &Repository,
    clone: &RepositoryName,
    parameter: &str,
    text: &str,
) -> Result<Revision, PageError> {
    if text.is_empty() {
        return Err(PageError::BadRequest(format!(
            "A difference needs repo=, from= and to= in its address; {parameter}= is missing."
        )));
    }
    if text == "null" || text == Revision::NULL.to_string() {
        return Ok(Revision::NULL);
    }
    let branch = if text == "tip" { "default" } else { text };
    if let Some(newest) = web.store.newest_on_branch(repository.id, Kept::from(branch).as_str()).await? {
        return Ok(newest);
    }
    let candidates = match changeset::prefix(text) {
        Some(prefix) => web.store.held_beginning_with(clone, &prefix).await?,
        None => Vec::new(),
    };
    match candidates[..] {
        [one] => Ok(one),
        [] => Err(PageError::BadRequest(format!(
            "{} has no changeset or branch {}, as {parameter}= asks for.",
            repository.name,
            Kept::from(text)
        ))),
        _ => {
            let names: Vec<String> = candidates.iter().map(Revision::short).collect();
            Err(PageError::BadRequest(format!(
                "Several changesets begin with {text}, as {parameter}= asks for: {}.",
                names.join(", ")
            )))
        }
    }
}

/// Whether all parts that were asked for, in lower case, are in the file's path, now or before.
fn fits(file: &ChangedFile, parts: &[String]) -> bool {
    let lower = |path: &Kept| path.as_str().to_lowercase();
    let (now, before) = (lower(&file.path), file.before().map(lower).unwrap_or_default());
    parts.iter().all(|part| now.contains(part) || before.contains(part))
}

fn page(
    repository: &Repository,
    pair: &Pair,
    wanted: &Wanted,
    (start, total): (usize, usize),
    contents: Vec<Arc<Difference>>,
) -> Page {
    let (from, to) = (pair.from.to_string(), pair.to.to_string());
    let mut here = Here::at("/source/diff/")
        .and("repo", repository.name.to_string())
        .and("from", wanted.one("from"))
        .and("to", wanted.one("to"))
        .and("title", wanted.one("title"));
    for part in wanted.all("path") {
        here = here.and("path", part);
    }
    let alone =
        |path: &str| address("/source/diff/", &[("repo", repository.name.as_str()), ("from", &from), ("to", &to), ("path", path)]);
    let shown = within_budget(&contents, &alone);
    let end = start + shown.len();
    let at = |number: usize| here.with("start", number);
    Page {
        total,
        start,
        next: (end < total).then(|| at(end)),
        previous: (start > 0).then(|| here.with("start", "")),
        files: contents.into_iter().take(shown.len()).collect(),
        tree: grown(shown.into_iter().map(|file| (folder_and_name(&file.difference.path).0.to_owned(), file)).collect()),
        title: Kept::from(wanted.one("title")).to_string(),
        path: wanted.all("path"),
        turned: address("/source/diff/", &[("repo", repository.name.as_str()), ("from", &to), ("to", &from)]),
        here: if start > 0 { here.and("start", start) } else { here },
        repository: repository.name.to_string(),
        from,
        to,
    }
}

/// As many files as a page has room for, and at least one; what is too long for a page of its own is cut.
fn within_budget(contents: &[Arc<Difference>], alone: &impl Fn(&str) -> String) -> Vec<FileShown> {
    let mut shown: Vec<FileShown> = Vec::new();
    let mut left = BYTES;
    for difference in contents {
        let size = difference.size();
        if size > left && !shown.is_empty() {
            break;
        }
        let (rows, rest) = rows_within(difference, left);
        let name = folder_and_name(&difference.path).1.to_owned();
        shown.push(FileShown { name, difference: Arc::clone(difference), rows, rest, href: alone(&difference.path) });
        left = left.saturating_sub(size);
    }
    shown
}

/// How many rows of a file fit into so many bytes, and how many are left.
fn rows_within(difference: &Difference, bytes: usize) -> (usize, usize) {
    let sizes: Vec<usize> = match &difference.content {
        Content::Same | Content::Binary { .. } => Vec::new(),
        Content::Entities { entities } => entities.iter().map(EntityChange::size).collect(),
        Content::Lines { hunks, .. } => hunks.iter().flatten().map(TextLine::size).collect(),
    };
    let mut sum = 0;
    let fitting = sizes.iter().take_while(|size| {
        sum += **size;
        sum <= bytes
    });
    let rows = fitting.count();
    (rows, sizes.len() - rows)
}

fn all_of_them<S: Serializer>(files: &[Arc<Difference>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(files.iter().map(|file| &**file))
}

impl Shown for Page {}

impl Page {
    fn short(revision: &str) -> &str {
        &revision[..12]
    }

    /// What the form for a path carries along.
    fn carried(&self) -> Vec<(Cow<'static, str>, String)> {
        self.here.carried(&["path", "start"])
    }

    /// The number of the last file of this part, from 1.
    fn end(&self) -> usize {
        self.start + self.files.len()
    }

    fn is_null(revision: &str) -> bool {
        revision.bytes().all(|digit| digit == b'0')
    }
}

impl FileShown {
    fn entities(&self) -> &[EntityChange] {
        match &self.difference.content {
            Content::Entities { entities } => &entities[..self.rows],
            _ => &[],
        }
    }

    /// The hunks, as far as there is room for their lines.
    fn hunks(&self) -> Vec<&[TextLine]> {
        let Content::Lines { hunks, .. } = &self.difference.content else {
            return Vec::new();
        };
        let mut left = self.rows;
        let mut shown = Vec::new();
        for hunk in hunks {
            let lines = hunk.len().min(left);
            left -= lines;
            shown.extend(Some(&hunk[..lines]).filter(|lines| !lines.is_empty()));
        }
        shown
    }
}

impl TextLine {
    fn sign(&self) -> &'static str {
        match (self.old, self.new) {
            (Some(_), None) => "−",
            (None, Some(_)) => "+",
            _ => "",
        }
    }

    fn class(&self) -> &'static str {
        match (self.old, self.new) {
            (Some(_), None) => "removed",
            (None, Some(_)) => "added",
            _ => "both",
        }
    }
}
