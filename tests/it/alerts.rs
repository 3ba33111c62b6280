//! Rules and dashboard name figures that are there, and the rules do as their own stories say.

use crate::support::{Pulse, Watched, World, text};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use yaml_rust2::{Yaml, YamlLoader};

fn deploy(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(file)
}

fn read(file: &str) -> String {
    std::fs::read_to_string(deploy(file)).unwrap()
}

fn rules() -> Vec<Yaml> {
    YamlLoader::load_from_str(&read("alerts.yml")).unwrap()[0]["groups"][0]["rules"].as_vec().unwrap().clone()
}

fn dashboard() -> Value {
    serde_json::from_str(&read("dashboard.json")).unwrap()
}

/// What the panels of the dashboard ask for.
fn asked() -> Vec<String> {
    let dashboard = dashboard();
    let targets =
        dashboard["panels"].as_array().unwrap().iter().flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect()
}

/// The families of figures that an expression names.
fn families(expression: &str) -> BTreeSet<String> {
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let figures = words.filter(|word| word.starts_with("elmo_") || word.starts_with("process_"));
    let family = |word: &str| {
        let parts = ["_bucket", "_sum", "_count"];
        parts.iter().find_map(|part| word.strip_suffix(part)).unwrap_or(word).to_owned()
    };
    figures.map(family).collect()
}

#[expect(clippy::disallowed_methods, reason = "a story runs the program that operators check rules with")]
fn promtool(args: &[&str]) {
    let output = std::process::Command::new("promtool").args(args).output().expect("promtool is in Debian's package prometheus");
    assert!(output.status.success(), "{}", text(&output));
}

#[test]
fn prometheus_takes_the_rules_and_their_stories_come_true() {
    promtool(&["check", "rules", deploy("alerts.yml").to_str().unwrap()]);
    promtool(&["test", "rules", deploy("alerts.test.yml").to_str().unwrap()]);
}

#[test]
fn every_rule_has_a_story_and_words_for_who_is_woken() {
    let (stories, operations) = (read("alerts.test.yml"), std::fs::read_to_string(deploy("../docs/operations.md")).unwrap());
    for rule in rules() {
        let name = rule["alert"].as_str().unwrap();
        let story = stories.split(&format!("alertname: {name}\n")).skip(1).any(|rest| rest.trim_start().starts_with("exp_alerts"));
        assert!(story, "no story in which {name} fires");
        assert!(operations.contains(&format!("| {name} |")), "docs/operations.md does not say what to do for {name}");
    }
}

#[tokio::test]
async fn every_figure_that_rules_and_dashboard_name_is_there_and_explained() {
    let (world, _) = World::with_repository("fr").await;
    let pulse = Pulse::new().await;
    let worker = Watched::worker(&world, &pulse).await;
    let server = Watched::server(&world, Vec::new()).await;
    let shown = worker.metrics().await + &server.metrics().await;
    let families_shown: BTreeSet<&str> = shown.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let operations = std::fs::read_to_string(deploy("../docs/operations.md")).unwrap();

    let expressions = rules().into_iter().map(|rule| rule["expr"].as_str().unwrap().to_owned()).chain(asked());

    for expression in expressions {
        for family in families(&expression) {
            assert!(families_shown.contains(family.as_str()), "{family} is not at /metrics; {expression}");
        }
    }
    for family in families_shown {
        assert!(operations.contains(&format!("`{family}")), "docs/operations.md does not explain {family}");
    }
}

#[test]
fn the_dashboard_is_one_that_grafana_imports() {
    let dashboard = dashboard();
    assert!(dashboard["schemaVersion"].as_i64().unwrap() >= 39, "a schema of Grafana 11 or newer");
    assert_eq!(dashboard["id"], Value::Null, "Grafana gives it one");
    let mut ids = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        assert!(ids.insert(panel["id"].as_i64().unwrap()), "{panel}");
        let place = &panel["gridPos"];
        assert!(place["x"].as_i64().unwrap() + place["w"].as_i64().unwrap() <= 24, "{panel}");
        for target in panel["targets"].as_array().into_iter().flatten() {
            assert_eq!(target["datasource"]["uid"], "${source}", "{target}");
        }
    }
    assert_eq!(dashboard["templating"]["list"][0]["name"], "source");
}
