//! Log lines for machines.

use crate::support::{World, run};
use serde_json::Value;

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
