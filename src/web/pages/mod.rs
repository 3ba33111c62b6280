//! One file for each page: what it takes (`Params`), what it shows (`Page`), how (`show`). A `Page` is the HTML and the JSON.

pub(super) mod changeset;
pub(super) mod compare;
pub(super) mod dashboard;
pub(super) mod diff;
pub(super) mod history;
pub(super) mod home;
pub(super) mod pushes;
pub(super) mod runs;
pub(super) mod status;
pub(super) mod teams;
pub(super) mod tree_status;

use super::error::PageError;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;

/// What the address asks for after the question mark.
type Asked<T> = Result<Query<T>, QueryRejection>;

fn read<T>(asked: Asked<T>) -> Result<T, PageError> {
    let unreadable = |_| PageError::BadRequest("What follows the question mark in the address cannot be read.".to_owned());
    asked.map(|Query(params)| params).map_err(unreadable)
}
