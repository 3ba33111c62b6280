//! Log lines for machines.

use crate::support::{World, run};
use elmo::domain::HGPUSHES;
use serde_json::{Value, json};

#[tokio::test]
async fn every_line_is_mozlog_whatever_is_logged() {
    let (world, _) = World::with_repository("fr").await;
    let settings = vec![("ELMO_CONFIG", "mozlog.toml".to_owned()), ("ELMO_LOG", "trace".to_owned())];
    std::fs::write(world.folder().join("mozlog.toml"), "[log]\nformat = \"mozlog\"\n").unwrap();

    // Statements have lines of their own.
    let listed = run(&world, settings, &["repository", "list"]).await;

    assert!(listed.status.success());
    let log = String::from_utf8(listed.stderr).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect();
    let has_lines = |line: &Value| line["Fields"]["db.statement"].as_str().is_some_and(|statement| statement.contains('\n'));
    assert!(lines.iter().any(has_lines), "{log}");
    for line in lines {
        assert_eq!((&line["EnvVersion"], &line["Logger"]), (&"2.0".into(), &"elmo".into()), "{line}");
        assert!(line["Timestamp"].is_i64() && line["Severity"].is_u64() && line["Type"].is_string(), "{line}");
        assert!(line["Hostname"].is_string() && line["Pid"].is_u64() && line["Fields"].is_object(), "{line}");
    }
}

/// Who writes a line end into what is logged begins no line, and who writes escape sequences moves nobody's cursor.
#[tokio::test]
async fn nobody_but_us_begins_a_line_of_the_log() {
    let world = World::with_forest().await;
    let forged = "x\n2026-11-24T06:15:30Z ERROR forged\r\u{1b}[2Jforged\u{202e}";
    let body = |kind: &str| json!({ "payload": { "type": kind, "data": { "repo_url": forged, "heads": [forged] } } });
    let message = |kind: &str| json!({"exchange": HGPUSHES, "routing_key": forged, "body": body(kind)}).to_string();
    let file = world.folder().join("messages.jsonl");
    std::fs::write(&file, [message("changegroup.1"), message("newrepo.1"), message(forged)].join("\n")).unwrap();
    for format in ["text", "json", "mozlog"] {
        std::fs::write(world.folder().join("log.toml"), format!("[log]\nformat = '{format}'\nfilter = 'warn,elmo=trace'\n"))
            .unwrap();
        let settings = vec![("ELMO_CONFIG", "log.toml".to_owned())];

        let replayed = run(&world, settings.clone(), &["replay", file.to_str().unwrap()]).await;
        let listed = run(&world, settings, &["parked", "list"]).await;

        for said in [&replayed.stderr, &listed.stderr, &listed.stdout] {
            let said = String::from_utf8_lossy(said);
            assert!(!said.contains('\u{1b}') && !said.contains('\r'), "{format}: {said}");
            assert!(!said.lines().any(|line| line.contains("ERROR forged") && line.starts_with("2026-11-24T06:15:30Z")), "{said}");
        }
    }
}
