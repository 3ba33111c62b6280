//! The program `testbed`, run by a user that is not root, ended in order and not.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, geteuid, kill_process};

use crate::processes::until_nothing_is_left_of;

/// Debian's nobody and nogroup.
const NOBODY: u32 = 65534;

const SHOW_ALL: &str = r#"echo "$ELMO_TEST_RABBITMQ"; echo "$ELMO_TEST_POSTGRES"; echo "$ELMO_TEST_MERCURIAL";"#;

#[tokio::test]
async fn a_signal_is_handed_on_and_so_is_the_status_and_all_servers_end() {
    let script = format!("trap 'exit 7' TERM; {SHOW_ALL} while :; do sleep 0.1; done");
    let mut testbed = testbed(&script).spawn().unwrap();
    let folders = folders_of(&mut testbed);

    kill_process(Pid::from_child(&testbed), Signal::TERM).unwrap();

    assert_eq!(testbed.wait().unwrap().code(), Some(7));
    for folder in &folders {
        until_nothing_is_left_of(folder).await;
    }
}

#[tokio::test]
async fn even_when_it_is_killed_all_servers_end() {
    let script = format!("{SHOW_ALL} exec cat");
    let mut testbed = testbed(&script).spawn().unwrap();
    let folders = folders_of(&mut testbed);

    testbed.kill().unwrap();
    testbed.wait().unwrap();

    for folder in &folders {
        until_nothing_is_left_of(folder).await;
    }
}

fn testbed(script: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_testbed"));
    command.args(["--vhosts", "2", "--", "sh", "-c", script]).current_dir("/");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    if geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

/// Where the servers live, once all run.
fn folders_of(testbed: &mut Child) -> Vec<String> {
    let lines = BufReader::new(testbed.stdout.take().unwrap()).lines();
    let folders: Vec<_> = lines.take(3).map(|line| folder_in(&line.unwrap())).collect();
    assert!(folders.iter().all(|folder| fs::exists(folder).unwrap()));
    folders
}

/// RabbitMQ and PostgreSQL are described, Mercurial is named by its socket.
fn folder_in(line: &str) -> String {
    if let Some(folder) = line.strip_suffix("/socket") {
        return folder.to_owned();
    }
    let description: serde_json::Value = serde_json::from_str(line).unwrap();
    description["folder"].as_str().unwrap().to_owned()
}
