//! The world that stories happen in, built in the domain's words out of real parts.

mod database;
mod deployment;
mod github;
mod pages;
mod program;
mod recipe;
mod watched;
mod worker;
mod world;

pub(crate) use deployment::{Deployment, Run, comparison, elmo_json, queue_settings, tasks_on};
pub(crate) use elmo_testbed::until;
pub(crate) use elmo_upstream::{Commit, Fault, Scope};
pub(crate) use github::{GitHub, Told, Way, told};
pub(crate) use pages::{Page, Pages};
pub(crate) use program::{Running, Settings, account, in_world, run, text};
pub(crate) use recipe::{follow_recipe, reader};
pub(crate) use watched::Watched;
pub(crate) use worker::{Pulse, Worker};
pub(crate) use world::{World, dump};

use std::time::Duration;

/// How long anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(150);
