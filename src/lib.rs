//! Elmo: what was pushed to the repositories of a hundred languages, kept and shown.
//!
//! The modules, in the order a message meets them: [`pulse`] receives, [`event`] decodes, [`plan`] decides, [`ingest`]
//! writes down, [`sync`] brings repositories up to date through [`fetch`], [`store`] keeps, [`web`] shows.
//! `ARCHITECTURE.md` follows two messages all the way.

pub mod commands;
pub mod config;
pub mod domain;
pub mod event;
pub mod fetch;
pub mod figures;
pub mod hostile;
pub mod ingest;
pub mod plan;
pub mod pulse;
pub mod store;
pub mod sync;
pub mod traces;
pub mod web;
