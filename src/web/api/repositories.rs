//! The repositories that are followed, and how each is.

use super::asked::Asked;
use super::list::{Limit, List};
use super::{Refused, unknown};
use crate::domain::{Repository, RepositoryName};
use crate::web::Web;
use crate::web::error::PageError;
use crate::web::repository::RepositoryShown;
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use serde::Deserialize;
use utoipa::IntoParams;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// Only those that have this in their names, in whatever case.
    name: Option<String>,
    /// Only those of this locale.
    locale: Option<String>,
    /// Only those of this forest.
    forest: Option<String>,
    /// Only those that are in this state: new, complete, behind, waiting, failing or archived.
    state: Option<String>,
    /// The `next` of an answer: the name of the last repository seen.
    key: Option<String>,
    /// How many at most.
    #[param(value_type = Option<i32>, minimum = 1, maximum = 500, default = 50)]
    limit: Option<Limit>,
}

/// Repositories
///
/// Those that are followed, archived ones too, by name.
#[utoipa::path(get, operation_id = "repositories", path = "/repositories", tag = "Repositories", params(Params), responses(
    (status = 200, description = "Repositories, by name.", body = List<RepositoryShown>), Refused
))]
pub(super) async fn list(State(web): State<Web>, Asked(params): Asked<Params>) -> Result<Json<List<RepositoryShown>>, PageError> {
    let repositories = web.store.repositories().await?;
    let fitting = repositories.iter().filter(|repository| params.take(repository));
    let (limit, now) = (params.limit.unwrap_or_default(), web.clock.now());
    let key = |repository: &&Repository| repository.name.to_string();
    Ok(Json(List::of(fitting, limit, key, |repository| RepositoryShown::of(repository, now))))
}

/// One repository
#[utoipa::path(get, operation_id = "repository", path = "/repositories/{name}", tag = "Repositories", params(
    (
        "name" = String, Path,
        description = "Its name, as l10n-central%2Fde.",
        pattern = "^[A-Za-z0-9][A-Za-z0-9._/-]{0,249}$"
    )
), responses((status = 200, description = "The repository.", body = RepositoryShown), Refused))]
pub(super) async fn one(
    State(web): State<Web>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<RepositoryShown>, PageError> {
    let name = path.ok().and_then(|Path(name)| name.parse().ok());
    Ok(Json(RepositoryShown::of(&named(&web, name).await?, web.clock.now())))
}

/// The repository of a name, if it can be one.
pub(super) async fn named(web: &Web, name: Option<RepositoryName>) -> Result<Repository, PageError> {
    let found = match name {
        Some(name) => web.store.repository(&name).await?,
        None => None,
    };
    found.ok_or_else(|| unknown("repository"))
}

impl Params {
    fn take(&self, repository: &Repository) -> bool {
        let is = |asked: &Option<String>, value: Option<&str>| asked.as_deref().is_none_or(|asked| value == Some(asked));
        let has_name = |asked: &str| repository.name.as_str().to_lowercase().contains(&asked.to_lowercase());
        self.name.as_deref().is_none_or(has_name)
            && is(&self.locale, repository.locale.as_ref().map(crate::domain::LocaleCode::as_str))
            && is(&self.forest, repository.forest.as_ref().map(crate::domain::ForestName::as_str))
            && is(&self.state, Some(repository.state().name()))
            && self.key.as_deref().is_none_or(|key| repository.name.as_str() > key)
    }
}
