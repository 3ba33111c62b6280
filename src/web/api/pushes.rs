//! Pushes with their changesets: the pushlog with all its filters, and one push.

use super::Refused;
use super::asked::unreadable;
use super::list::{Limit, List};
use super::repositories::named;
use crate::web::Web;
use crate::web::error::PageError;
use crate::web::pages::pushes::{CHANGESETS_ALONE, chosen_of_all};
use crate::web::push::PushShown;
use crate::web::push_query::{PushQuery, key, key_text, push_number};
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use serde::Serialize;
use url::form_urlencoded;
use utoipa::{IntoParams, ToSchema};

/// What [`PushQuery`] takes of a list, described; `key` is its `before`, and `limit` its `length`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it is only described")]
pub(super) struct Params {
    /// Of repositories with this in their names; of several, those with any. At most 50.
    #[param(value_type = Option<Vec<Part>>, style = Form, explode, max_items = 50)]
    repo: Vec<String>,
    /// Not of this repository. At most 50.
    #[param(value_type = Option<Vec<Part>>, style = Form, explode, max_items = 50)]
    exclude: Vec<String>,
    /// With a changeset that touches a file with this in its path; of several, one path has all. At most 4.
    #[param(value_type = Option<Vec<Part>>, style = Form, explode, max_items = 4)]
    path: Vec<String>,
    /// Of this locale: to repositories of it, and with its files in repositories of many. What came to git and to Mercurial is listed
    /// once, unless something else is asked for too: the push to git, which says where else it came.
    #[param(max_length = 200)]
    locale: Option<String>,
    /// With this in the pusher's name.
    #[param(max_length = 200)]
    user: Option<String>,
    /// With a changeset that has this in its author.
    #[param(max_length = 200)]
    author: Option<String>,
    /// With a changeset that has this in its description.
    #[param(max_length = 200)]
    desc: Option<String>,
    /// With a changeset on this branch.
    #[param(max_length = 200)]
    branch: Option<String>,
    /// Since this time: seconds since 1970, a day, or a time as RFC 3339 has it.
    #[param(value_type = Option<Moment>)]
    from: Option<String>,
    /// Until this time, or the end of this day.
    #[param(value_type = Option<Moment>)]
    until: Option<String>,
    /// The `next` of an answer.
    #[param(pattern = "^[0-9]{1,12}[.][0-9]{1,18}$")]
    key: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<i32>,
}

/// A part of a name or a path.
#[derive(ToSchema)]
#[schema(max_length = 200, pattern = "\\S")]
#[expect(dead_code, reason = "it is only described")]
pub(super) struct Part(String);

/// A time as parameters have it.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it is only described")]
pub(super) enum Moment {
    Seconds(i64),
    #[schema(format = Date)]
    Day(String),
}

/// Pushes
///
/// The pushlog, newest first. Of each push 20 changesets at most, 500 of all; with a filter that changesets have to fit, those that do. A filter
/// that no index answers looks at a bounded number of pushes: there may be none in `items` while `next` goes on.
#[utoipa::path(get, operation_id = "pushes", path = "/pushes", tag = "Pushes", params(Params), responses(
    (status = 200, description = "Pushes, newest first.", body = List<PushShown>, links(
        ("first" = (operation_id = "push", parameters(
            ("repository" = "$response.body#/items/0/repository"),
            ("push" = "$response.body#/items/0/push_id")
        )))
    )),
    Refused
))]
pub(super) async fn list(State(web): State<Web>, RawQuery(query): RawQuery) -> Result<Json<List<PushShown>>, PageError> {
    let query = PushQuery::of(&in_its_words(&query.unwrap_or_default())?)?;
    let filter = query.filter(chosen_of_all(&web, &query).await?);
    let (list, now) = (web.store.pushes(&filter).await?, web.clock.now());
    let items = list.pushes.iter().map(|push| PushShown::of(push, now)).collect();
    Ok(Json(List::going_on(items, list.older.map(key_text))))
}

/// One push
///
/// With all of its changesets, 1,000 at most.
#[utoipa::path(get, operation_id = "push", path = "/pushes/{repository}/{push}", tag = "Pushes", params(
    (
        "repository" = String, Path,
        description = "The name of its repository, as l10n-central%2Fde.",
        pattern = "^[A-Za-z0-9][A-Za-z0-9._/-]{0,249}$"
    ),
    (
        "push" = String, Path,
        description = "Its number, as 250; with the generation of a repository that was made anew, as 1.250.",
        pattern = "^([0-9]{1,18}[.])?[0-9]{1,18}$"
    )
), responses((status = 200, description = "The push.", body = PushShown), Refused))]
pub(super) async fn one(
    State(web): State<Web>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Json<PushShown>, PageError> {
    let unknown = || PageError::NotFound("There is no push of that number.".to_owned());
    let Path((name, push)) = path.map_err(|_| unknown())?;
    let repository = named(&web, name.parse().ok()).await?;
    let number = push_number(&push).ok_or_else(unknown)?;
    let push = web.store.push(repository.id, number, CHANGESETS_ALONE).await?.ok_or_else(unknown)?;
    Ok(Json(PushShown::of(&push, web.clock.now())))
}

/// The names that only lists of programs have, in the words of the pushlog; refuses names that it does not know.
fn in_its_words(query: &str) -> Result<String, PageError> {
    let mut words = form_urlencoded::Serializer::new(String::new());
    let mut length = Limit::default();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "limit" => length = limit(&value)?,
            "key" if key(&value).is_some() => _ = words.append_pair("before", &value),
            "key" => return Err(unreadable("key: it can be what an answer had as next")),
            "repo" | "exclude" | "path" | "from" | "until" if value.trim().is_empty() => {
                return Err(unreadable(&format!("{name}: it is empty")));
            }
            _ if NAMES.contains(&name.as_ref()) => _ = words.append_pair(&name, &value),
            _ => return Err(unreadable(&format!("{name}: there are {}, key and limit", NAMES.join(", ")))),
        }
    }
    words.append_pair("length", &length.number().to_string());
    Ok(words.finish())
}

fn limit(text: &str) -> Result<Limit, PageError> {
    Limit::try_from(text.to_owned()).map_err(|why| unreadable(&format!("limit: {why}")))
}

const NAMES: [&str; 10] = ["repo", "exclude", "path", "locale", "user", "author", "desc", "branch", "from", "until"];
