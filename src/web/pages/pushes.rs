//! The pushes of one repository, newest first; of all; or which repositories there are under a part of their names.

use super::{Asked, read};
use crate::domain::{Repository, RepositoryName};
use crate::store::PushRow;
use crate::web::Web;
use crate::web::error::PageError;
use crate::web::format::{Format, Here, Shown, address};
use crate::web::push::PushShown;
use crate::web::repository::RepositoryShown;
use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

const LENGTH: usize = 50;
const MOST: usize = 500;
const START: (i64, u64) = (i64::MAX, i64::MAX.cast_unsigned());

#[derive(Deserialize)]
pub(crate) struct Params {
    /// Only pushes older than this one, as `<generation>.<push id>`.
    #[serde(default)]
    before: String,
    /// How many at most.
    #[serde(default)]
    length: String,
}

/// The pushes of one repository.
#[derive(Template, Serialize)]
#[template(path = "pages/pushes.html")]
struct Page {
    repository: RepositoryShown,
    pushes: Vec<PushShown>,
    /// The address of the pushes before these.
    older: Option<String>,
    #[serde(skip)]
    newest: Option<String>,
    #[serde(skip)]
    here: Here,
}

/// The newest pushes of all repositories.
#[derive(Template, Serialize)]
#[template(path = "pages/all_pushes.html")]
struct AllPage {
    pushes: Vec<PushShown>,
    #[serde(skip)]
    here: Here,
}

/// The repositories whose names begin with the same parts.
#[derive(Template, Serialize)]
#[template(path = "pages/folder.html")]
struct FolderPage {
    folder: String,
    repositories: Vec<RepositoryShown>,
    #[serde(skip)]
    here: Here,
}

pub(crate) async fn show(
    State(web): State<Web>,
    path: Result<Path<String>, PathRejection>,
    asked: Asked<Params>,
    format: Format,
) -> Result<Response, PageError> {
    let name = path.ok().and_then(|Path(name)| name.strip_suffix('/').unwrap_or(&name).parse::<RepositoryName>().ok());
    let name = name.ok_or_else(|| PageError::NotFound("There is no repository of that name: it cannot be one.".to_owned()))?;
    let params = read(asked)?;
    match web.store.repository(&name).await? {
        Some(repository) => format.answer(&page(&web, &repository, &params).await?),
        None => format.answer(&folder(&web, &name).await?),
    }
}

pub(crate) async fn show_all(State(web): State<Web>, asked: Asked<Params>, format: Format) -> Result<Response, PageError> {
    let params = read(asked)?;
    if !params.before.is_empty() {
        return Err(PageError::BadRequest("Only the pushes of one repository can be asked for with before=.".to_owned()));
    }
    let length = length(&params.length)?;
    let pushes = web.store.newest_pushes(length.try_into().unwrap_or(i64::MAX)).await?;
    let now = web.clock.now();
    format.answer(&AllPage {
        pushes: pushes.iter().map(|push| PushShown::of(push, now)).collect(),
        here: Here::at("/source/pushes/").and("length", &params.length),
    })
}

async fn page(web: &Web, repository: &Repository, params: &Params) -> Result<Page, PageError> {
    let (before, length) = (before(&params.before)?, length(&params.length)?);
    let one_more = i64::try_from(length + 1).unwrap_or(i64::MAX);
    let mut pushes = web.store.pushes_before(repository.id, before.unwrap_or(START), one_more).await?;
    let are_more = pushes.len() > length;
    pushes.truncate(length);
    Ok(filled(repository, &pushes, are_more, params, web.clock.now()))
}

fn filled(repository: &Repository, pushes: &[PushRow], are_more: bool, params: &Params, now: Timestamp) -> Page {
    let path = format!("/source/pushes/{}", repository.name);
    let last = pushes.last().filter(|_| are_more).map(|push| format!("{}.{}", push.generation, push.push_id));
    Page {
        repository: RepositoryShown::of(repository, now),
        pushes: pushes.iter().map(|push| PushShown::of(push, now)).collect(),
        older: last.map(|last| address(&path, &[("before", &last), ("length", &params.length)])),
        newest: Some(address(&path, &[("length", &params.length)])).filter(|_| !params.before.is_empty()),
        here: Here::at(&path).and("before", &params.before).and("length", &params.length),
    }
}

async fn folder(web: &Web, name: &RepositoryName) -> Result<FolderPage, PageError> {
    let inside = format!("{name}/");
    let now = web.clock.now();
    let followed = web.store.repositories().await?;
    let repositories: Vec<RepositoryShown> =
        followed.iter().filter(|one| one.name.as_str().starts_with(&inside)).map(|one| RepositoryShown::of(one, now)).collect();
    if repositories.is_empty() {
        return Err(PageError::NotFound(format!("No repository of the name {name} is followed here.")));
    }
    let here = Here::at(&format!("/source/pushes/{name}"));
    Ok(FolderPage { folder: name.to_string(), repositories, here })
}

impl Shown for Page {}

impl Shown for AllPage {}

impl Shown for FolderPage {}

impl Page {
    /// Whether the push at `index` is the first shown of an older making of the repository.
    fn opens_generation(&self, index: usize) -> bool {
        let generation = self.pushes[index].generation;
        generation != self.repository.generation && (index == 0 || self.pushes[index - 1].generation != generation)
    }

    /// The parts of the name, each with the address of what lies under it.
    fn folders(&self) -> Vec<(&str, &str)> {
        let name = self.repository.name.as_str();
        let ends = name.match_indices('/').map(|(end, _)| end);
        let starts = std::iter::once(0).chain(name.match_indices('/').map(|(end, _)| end + 1));
        ends.zip(starts).map(|(end, start)| (&name[start..end], &name[..end])).collect()
    }

    fn last_part(&self) -> &str {
        self.repository.name.rsplit('/').next().unwrap_or_default()
    }
}

fn length(text: &str) -> Result<usize, PageError> {
    if text.is_empty() {
        return Ok(LENGTH);
    }
    let number = text.parse().ok().filter(|number| (1..=MOST).contains(number));
    number.ok_or_else(|| PageError::BadRequest(format!("The length must be a number from 1 to {MOST}.")))
}

fn before(text: &str) -> Result<Option<(i64, u64)>, PageError> {
    if text.is_empty() {
        return Ok(None);
    }
    let pair = text.split_once('.').and_then(|(generation, push)| Some((generation.parse().ok()?, push.parse().ok()?)));
    let fits = pair.filter(|(generation, push)| *generation >= 0 && *push <= START.1);
    let sentence = "What comes after before= must be a generation and the number of a push, as 1.250.";
    fits.map(Some).ok_or_else(|| PageError::BadRequest(sentence.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{before, length};

    #[test]
    fn a_length_is_1_to_500() {
        assert_eq!(length("").ok(), Some(50));
        assert_eq!(length("500").ok(), Some(500));
        for wrong in ["0", "501", "-1", "x", "99999999999999999999", "1.5"] {
            assert!(length(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_place_is_a_generation_and_a_push() {
        assert_eq!(before("").ok(), Some(None));
        assert_eq!(before("2.250").ok(), Some(Some((2, 250))));
        for wrong in ["250", "1.", ".1", "-1.5", "1.-5", "1.18446744073709551615", "a.b", "1.2.3"] {
            assert!(before(wrong).is_err(), "{wrong}");
        }
    }
}
