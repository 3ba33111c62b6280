//! All locales, and everything of one: where it stands in each tree, its repositories, its newest pushes.

use super::dashboard::places;
use crate::domain::{LocaleCode, Repository};
use crate::store::{LocaleRow, OfLocale, PlaceRow, PushFilter};
use crate::web::Web;
use crate::web::error::PageError;
use crate::web::format::{Format, Here, Shown};
use crate::web::place::{PlaceShown, Tally, table};
use crate::web::push::PushShown;
use crate::web::repository::RepositoryShown;
use crate::web::table::{Table, text};
use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::HashMap;
use utoipa::ToSchema;

const PUSHES: usize = 10;
/// How many changesets of each are shown.
const CHANGESETS: usize = 5;

/// All locales.
#[derive(Template, Serialize)]
#[template(path = "pages/teams.html")]
struct AllPage {
    locales: Vec<LocaleShown>,
    #[serde(skip)]
    here: Here,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Locale)]
pub(in crate::web) struct LocaleShown {
    pub(in crate::web) locale: String,
    name: Option<String>,
    repositories: i64,
    /// In how many trees it is in each state.
    #[serde(flatten)]
    trees: Tally,
}

/// One locale.
#[derive(Template, Serialize)]
#[template(path = "pages/team.html")]
struct Page {
    locale: String,
    name: Option<String>,
    /// By tree.
    places: Vec<PlaceShown>,
    repositories: Vec<RepositoryShown>,
    pushes: Vec<PushShown>,
    #[serde(skip)]
    here: Here,
}

pub(crate) async fn show_all(State(web): State<Web>, format: Format) -> Result<Response, PageError> {
    let here = Here::at("/teams/").with_table();
    format.answer(&AllPage { locales: locales(&web).await?, here })
}

/// The locales that have a repository or a run, by their codes.
pub(in crate::web) async fn locales(web: &Web) -> Result<Vec<LocaleShown>, PageError> {
    let board = web.boards.now(web.clock.now()).await?;
    let mut tallies: HashMap<&LocaleCode, Tally> = HashMap::new();
    for row in &board.rows {
        tallies.entry(&row.locale).or_default().add(row.counts.grade());
    }
    let locales = web.store.locales().await?;
    let has_something = |(locale, repositories): &&(LocaleRow, i64)| *repositories > 0 || tallies.contains_key(&locale.code);
    let shown = |(locale, repositories): &(LocaleRow, i64)| LocaleShown {
        locale: locale.code.to_string(),
        name: locale.name.clone(),
        repositories: *repositories,
        trees: tallies.get(&locale.code).copied().unwrap_or_default(),
    };
    Ok(locales.iter().filter(has_something).map(shown).collect())
}

pub(crate) async fn show(
    State(web): State<Web>,
    path: Result<Path<String>, PathRejection>,
    format: Format,
) -> Result<Response, PageError> {
    let code = path.map(|Path(code)| code).unwrap_or_default();
    let unknown = || PageError::NotFound("There is no locale of that code.".to_owned());
    let code: LocaleCode = code.parse().map_err(|_| unknown())?;
    let locale = web.store.locale(&code).await?.ok_or_else(unknown)?;
    let now = web.clock.now();
    let board = web.boards.now(now).await?;
    let rows: Vec<&PlaceRow> = board.rows.iter().filter(|row| row.locale == code).collect();
    let places = places(&board, &rows, now).await?;
    let repositories = web.store.repositories_of(&code).await?;
    format.answer(&page(&web, &locale, places, &repositories, now).await?)
}

async fn page(
    web: &Web,
    locale: &LocaleRow,
    places: Vec<PlaceShown>,
    repositories: &[Repository],
    now: Timestamp,
) -> Result<Page, PageError> {
    let (own, among): (Vec<&Repository>, Vec<&Repository>) =
        repositories.iter().partition(|repository| repository.locale.as_ref() == Some(&locale.code));
    let ids = |repositories: Vec<&Repository>| repositories.into_iter().map(|repository| repository.id).collect();
    let newest = PushFilter {
        repositories: Some(ids(own)),
        of_locale: Some(OfLocale { locale: locale.code.clone(), among: ids(among) }),
        length: PUSHES,
        changesets_each: CHANGESETS,
        ..PushFilter::default()
    };
    let pushes = web.store.pushes(&newest).await?.pushes;
    Ok(Page {
        locale: locale.code.to_string(),
        name: locale.name.clone(),
        places,
        repositories: repositories.iter().map(|repository| RepositoryShown::of(repository, now)).collect(),
        pushes: pushes.iter().map(|push| PushShown::of(push, now)).collect(),
        here: Here::at(&format!("/teams/{}", locale.code)).with_table(),
    })
}

impl Shown for AllPage {
    fn table(&self) -> Option<Table> {
        let mut table = Table::of(&["locale", "name", "repositories", "failure", "warnings", "success"]);
        for locale in &self.locales {
            let trees = [locale.trees.failure, locale.trees.warnings, locale.trees.success].map(|count| count.to_string());
            let name = text(locale.name.as_deref().unwrap_or_default());
            table.add([locale.locale.clone(), name, locale.repositories.to_string()].into_iter().chain(trees).collect());
        }
        Some(table)
    }
}

impl Shown for Page {
    fn table(&self) -> Option<Table> {
        Some(table(&self.places))
    }
}
