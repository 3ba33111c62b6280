//! The recipes of `docs/operations.md`: the commands that stand there, run as they stand.

use super::{World, in_world, text};
use std::path::PathBuf;

const OPERATIONS: &str = include_str!("../../../docs/operations.md");

/// Runs the commands under a heading as an operator does, in a shell that stops at the first error. `BACKUP` is a folder, `READER` a
/// name that no role has yet.
pub(crate) async fn follow_recipe(world: &World, heading: &str) {
    let programs = PathBuf::from(env!("CARGO_BIN_EXE_elmo")).parent().expect("its folder").display().to_string();
    let mut shell = in_world(world, "sh");
    shell.args(["-euc", &format!("PATH={programs}:$PATH\n{}", recipe(heading))]);
    shell.env("BACKUP", backup(world)).env("READER", reader(world)).env("PASSWORD", "a-password");
    let done = shell.output().await.expect("the shell runs");
    assert!(done.status.success(), "{heading}: {}", text(&done));
}

/// The name of the role that is made; roles belong to a server and not to a database.
pub(crate) fn reader(world: &World) -> String {
    format!("reader_{}", world.database.url.rsplit('/').next().unwrap_or_default())
}

fn recipe(heading: &str) -> &'static str {
    let (_, section) = OPERATIONS.split_once(&format!("### {heading}\n")).unwrap_or_else(|| panic!("no recipe for {heading}"));
    let (_, commands) = section.split_once("```sh\n").expect("it has commands");
    commands.split_once("```").expect("they end").0
}

fn backup(world: &World) -> PathBuf {
    let folder = world.folder().join("backup");
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}
