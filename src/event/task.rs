//! What Taskcluster's queue says on [`crate::domain::TASK_COMPLETED`]: a run of a task ended well.
//!
//! The message holds neither the task's definition nor its routes nor the deployment; only what is read here is trusted,
//! and only as far as its shape goes.

use super::Malformed;
use crate::domain::{MOST_RUNS, TaskId};
use jiff::Timestamp;
use serde::Deserialize;

/// A run of a task ended well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskCompleted {
    pub task: TaskId,
    pub run: u32,
    /// When that run ended, by the queue's clock.
    pub resolved: Timestamp,
}

#[derive(Deserialize)]
struct Body {
    version: u32,
    status: Status,
    #[serde(rename = "runId")]
    run: u32,
}

/// How a task is, as messages and the queue's `status` say it.
#[derive(Deserialize)]
struct Status {
    #[serde(rename = "taskId")]
    task: String,
    runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    #[serde(rename = "runId")]
    run: u32,
    state: String,
    resolved: Option<String>,
}

/// Decodes a message.
///
/// # Errors
/// With the place and what is wrong there.
pub fn decode_task(body: &[u8]) -> Result<TaskCompleted, Malformed> {
    let body: Body = read(body)?;
    if body.version != 1 {
        return Err(Malformed(format!("version: {} is not 1", body.version)));
    }
    completed(&body.status, body.run)
}

/// Reads the queue's answer to `status`: the run of that number, or the last that ended well.
///
/// # Errors
/// With the place and what is wrong there, or that there is no such run.
pub fn decode_status(body: &[u8], run: Option<u32>) -> Result<TaskCompleted, Malformed> {
    #[derive(Deserialize)]
    struct Answer {
        status: Status,
    }
    let status = read::<Answer>(body)?.status;
    let last = status.runs.iter().rev().find(|run| run.state == "completed").map(|run| run.run);
    let run = run.or(last).ok_or_else(|| Malformed("no run of the task ended well".to_owned()))?;
    completed(&status, run)
}

fn completed(status: &Status, run: u32) -> Result<TaskCompleted, Malformed> {
    let malformed = |place: &str, why: &dyn std::fmt::Display| Malformed(format!("{place}: {why}"));
    if run >= MOST_RUNS {
        return Err(malformed("runId", &format_args!("{run} is not below {MOST_RUNS}")));
    }
    let place = format!("status.runs[{run}]");
    let entry = status.runs.iter().find(|entry| entry.run == run).ok_or_else(|| malformed(&place, &"there is no such run"))?;
    let resolved = entry.resolved.as_deref().ok_or_else(|| malformed(&place, &"it has not ended"))?;
    Ok(TaskCompleted {
        task: status.task.parse().map_err(|error| malformed("status.taskId", &error))?,
        run,
        resolved: resolved.parse().map_err(|error| malformed(&format!("{place}.resolved"), &error))?,
    })
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Malformed> {
    serde_json::from_slice(body).map_err(|error| Malformed(format!("the body is not what it should be: {error}")))
}

#[cfg(test)]
mod tests {
    use super::{decode_status, decode_task};
    use serde_json::{Value, json};

    fn recorded() -> Value {
        let line = include_str!("../../tests/messages/taskcluster-task-completed.jsonl").lines().next().unwrap();
        serde_json::from_str::<Value>(line).unwrap()["body"].take()
    }

    fn with(place: &str, value: Value) -> String {
        let mut body = recorded();
        *body.pointer_mut(place).unwrap() = value;
        decode_task(body.to_string().as_bytes()).expect_err(place).to_string()
    }

    #[test]
    fn a_recorded_message_tells_the_run_and_when_it_ended() {
        let event = decode_task(recorded().to_string().as_bytes()).unwrap();
        assert_eq!((event.task.as_str(), event.run), ("MyGfGtPJSRW3nV_jRmbXlw", 0));
        assert_eq!(event.resolved.to_string(), "2026-11-24T01:57:00.251Z");
    }

    #[test]
    fn unknown_fields_and_reasons_are_no_matter() {
        let mut body = recorded();
        body["new"] = json!({});
        body["status"]["runs"][0]["reasonCreated"] = json!("some new reason");
        assert!(decode_task(body.to_string().as_bytes()).is_ok());
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (place, value, named) in [
            ("/version", json!(2), "version: 2 is not 1"),
            ("/runId", json!(1), "status.runs[1]: there is no such run"),
            ("/runId", json!(1000), "runId: 1000"),
            ("/runId", json!(-1), "invalid value"),
            ("/status/taskId", json!("../../etc"), "status.taskId"),
            ("/status/runs/0/resolved", json!("yesterday"), "status.runs[0].resolved"),
            ("/status/runs/0/resolved", Value::Null, "status.runs[0]: it has not ended"),
            ("/status", json!([]), "the body is not what it should be"),
        ] {
            let said = with(place, value);
            assert!(said.contains(named), "{place}: {said}");
        }
        assert!(decode_task(b"\xff").is_err() && decode_task(b"").is_err());
    }

    #[test]
    fn a_status_tells_the_last_run_that_ended_well() {
        let mut status = json!({"status": recorded()["status"]});
        let run = |number: u32, state: &str| json!({"runId": number, "state": state, "resolved": "2026-11-24T02:00:00.000Z"});
        status["status"]["runs"].as_array_mut().unwrap().extend([run(1, "completed"), run(2, "exception")]);
        let body = status.to_string();
        assert_eq!(decode_status(body.as_bytes(), None).unwrap().run, 1);
        assert_eq!(decode_status(body.as_bytes(), Some(0)).unwrap().run, 0);
        assert!(decode_status(body.as_bytes(), Some(7)).is_err());
    }
}
