//! The behaviour of Elmo, told as stories on real parts: Mercurial, RabbitMQ, SQLite and PostgreSQL.
//!
//! `ELMO_TEST_DATABASE` says on which database: `sqlite` (the default) or `postgres`. `bin/test` runs the whole on each.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod addresses;
mod alerts;
mod api;
mod architecture;
mod backup;
mod bad_answers;
mod branch_moves;
mod broker;
mod browser;
mod checks;
mod clones;
mod command_line;
mod comparisons;
mod dashboard;
mod deploy;
mod diffs;
mod dumps;
mod folders;
mod forks;
mod github;
mod github_over_pulse;
mod health;
mod history;
mod hooks;
mod hostile;
mod imports;
mod legacy;
mod logs;
mod made_anew;
mod messages;
mod migrations;
mod obsolete;
mod outages;
mod pages;
mod parallel;
mod pushes;
mod pushlog;
mod read_only;
mod recordings;
mod results;
mod results_over_pulse;
mod results_refused;
mod retention;
mod serving;
mod slow_clients;
mod support;
mod teams;
mod traces;
mod twins;
mod upgrades;
mod verify;
