//! What is left behind of a server.

use std::{fs, path::Path, time::Duration};

use elmo_testbed::until;

/// The processes that run in a server's folder or know of it by their arguments.
pub(crate) fn processes_of(folder: &str) -> Vec<String> {
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    processes.filter_map(|process| description(&process.ok()?.path(), folder)).collect()
}

/// The leash may take a moment: it waits for the end of the program it belongs to.
pub(crate) async fn until_nothing_is_left_of(folder: &str) {
    until("the server and its folder are gone", Duration::from_secs(30), async || {
        processes_of(folder).is_empty() && !fs::exists(folder).unwrap_or(true)
    })
    .await;
}

fn description(process: &Path, folder: &str) -> Option<String> {
    let arguments = fs::read(process.join("cmdline")).ok()?;
    let arguments = String::from_utf8_lossy(&arguments).replace('\0', " ");
    let lives_there = fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder));
    (lives_there || arguments.contains(folder)).then_some(arguments)
}
