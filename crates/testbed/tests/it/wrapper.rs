//! The program `testbed`, run by a user that is not root, ended in order and not.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    process::{Command, Stdio},
};

use crate::processes::until_nothing_is_left_of;

/// Debian's nobody and nogroup.
const NOBODY: u32 = 65534;

const SHOW_BOTH: &str = r#"echo "$ELMO_TEST_RABBITMQ"; echo "$ELMO_TEST_POSTGRES"; "#;

#[tokio::test]
async fn it_hands_on_both_servers_and_the_status_and_ends_both() {
    let output = testbed(&format!("{SHOW_BOTH} exit 7")).output().unwrap();

    assert_eq!(output.status.code(), Some(7), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    assert_eq!(lines.lines().count(), 2, "{lines}");
    for line in lines.lines() {
        until_nothing_is_left_of(&folder_in(line)).await;
    }
}

#[tokio::test]
async fn even_when_it_is_killed_both_servers_end() {
    let mut testbed = testbed(&format!("{SHOW_BOTH} exec sleep 600")).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(testbed.stdout.take().unwrap()).lines();
    let folders: Vec<_> = lines.take(2).map(|line| folder_in(&line.unwrap())).collect();
    for folder in &folders {
        assert!(fs::exists(folder).unwrap());
    }

    testbed.kill().unwrap();
    testbed.wait().unwrap();

    for folder in &folders {
        until_nothing_is_left_of(folder).await;
    }
}

fn testbed(script: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_testbed"));
    command.args(["--vhosts", "2", "--", "sh", "-c", script]).current_dir("/");
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

fn folder_in(line: &str) -> String {
    let description: serde_json::Value = serde_json::from_str(line).unwrap();
    description["folder"].as_str().unwrap().to_owned()
}
