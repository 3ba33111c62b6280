//! Who may use whom. The table is the architecture; a change to it is a decision.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Each module with those it may use.
const MAY_USE: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("event", &["domain"]),
    ("plan", &["domain", "event"]),
    ("figures", &[]),
    ("traces", &[]),
    ("store", &["domain", "figures", "traces"]),
    ("fetch", &["domain", "figures"]),
    ("ingest", &["domain", "event", "fetch", "plan", "store", "traces"]),
    ("sync", &["domain", "figures", "store", "fetch", "traces"]),
    ("pulse", &["domain", "figures"]),
    ("web", &["domain", "figures", "store", "fetch"]),
    ("config", &["domain", "fetch", "pulse", "sync", "web"]),
    ("hostile", &["config", "domain", "event", "fetch", "web"]),
    ("commands", &["config", "domain", "event", "fetch", "figures", "ingest", "plan", "pulse", "store", "sync", "traces", "web"]),
];

/// Each library with the one module that may name it.
const ONE_PLACE: &[(&str, &[&str])] = &[
    ("lapin", &["pulse"]),
    ("sqlx", &["store"]),
    ("reqwest", &["fetch"]),
    ("elmo_git", &["fetch"]),
    ("elmo_hg", &["fetch"]),
    ("axum", &["web"]),
    ("hyper", &["web"]),
    ("hyper_util", &["web"]),
    ("tokio_io_timeout", &["web"]),
    ("askama", &["web"]),
    ("csv", &["web"]),
    ("elmo_l10n", &["domain", "web"]),
    ("moka", &["web"]),
    ("utoipa", &["web"]),
    ("tower_http", &["web"]),
    ("elmo_upstream", &["commands"]),
    ("elmo_queue", &["commands"]),
    ("object_store", &["fetch"]),
    ("hmac", &["fetch", "web"]),
    ("clap", &["commands"]),
    ("indicatif", &["commands"]),
    ("toml", &["config"]),
    ("sd_notify", &["commands"]),
    ("opentelemetry", &["traces"]),
    ("opentelemetry_otlp", &["traces"]),
    ("opentelemetry_sdk", &["traces"]),
];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// All files of a module with their texts, comments left out.
fn files(module: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![source().join(module)];
    let single = source().join(format!("{module}.rs"));
    if single.exists() {
        found.push(single);
    }
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else if entry.path().extension().is_some_and(|extension| extension == "rs") {
                found.push(entry.path());
            }
        }
    }
    let text = |path: &PathBuf| {
        std::fs::read_to_string(path)
            .unwrap()
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    found
        .into_iter()
        .map(|path| {
            let text = text(&path);
            (path, text)
        })
        .collect()
}

/// What follows each `crate::` in a text.
fn modules_used(text: &str) -> BTreeSet<&str> {
    text.split("crate::")
        .skip(1)
        .map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default())
        .collect()
}

#[test]
fn every_module_uses_only_those_before_it() {
    for (module, allowed) in MAY_USE {
        for (path, text) in files(module) {
            for used in modules_used(&text) {
                let fine = used == *module || allowed.contains(&used) || !MAY_USE.iter().any(|(known, _)| *known == used);
                assert!(fine, "{} uses {used}, which {module} may not", path.display());
            }
        }
    }
}

#[test]
fn every_module_is_in_the_table() {
    let lib = std::fs::read_to_string(source().join("lib.rs")).unwrap();
    let modules: BTreeSet<&str> = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert_eq!(modules, MAY_USE.iter().map(|(module, _)| *module).collect());
}

/// PostgreSQL gives an error for a statement whose columns have become more since it was prepared.
#[test]
fn every_statement_names_the_columns_it_takes() {
    for (path, text) in files("store") {
        for all in ["select *", ".*,", ".* from", "returning *"] {
            assert!(!text.contains(all), "{} takes all columns: {all}", path.display());
        }
    }
}

/// SQLite plans a statement for the number in `limit $1`, and so makes the plan anew whenever a number is bound, which takes longer than
/// most statements (its `sqlite3ExprIsInteger`); not so for a cast.
#[test]
fn no_statement_is_planned_anew_for_each_limit() {
    for (path, text) in files("store") {
        assert!(!text.contains("limit $"), "{}: write limit cast($1 as bigint)", path.display());
    }
}

#[test]
fn every_library_has_one_place() {
    for (library, places) in ONE_PLACE {
        for (module, _) in MAY_USE.iter().filter(|(module, _)| !places.contains(module)) {
            for (path, text) in files(module) {
                assert!(!text.contains(&format!("{library}::")), "{} names {library}, whose place is {places:?}", path.display());
            }
        }
    }
}

/// The hashes of the standard library's maps are keyed anew at each start, so that nobody outside can make them collide.
#[test]
fn every_map_has_a_key_of_its_own() {
    for (module, _) in MAY_USE {
        for (path, text) in files(module) {
            for other in ["with_hasher", "BuildHasherDefault", "FxHash", "ahash", "DefaultHasher"] {
                assert!(!text.contains(other), "{} hashes by {other}", path.display());
            }
        }
    }
}

/// Where one is compared byte by byte, its time tells how much of it was right.
#[test]
fn signatures_are_compared_in_one_place_and_as_a_whole() {
    let naming: Vec<PathBuf> = files("web").into_iter().filter(|(_, text)| text.contains("Mac")).map(|(path, _)| path).collect();
    assert_eq!(naming, [source().join("web/hooks.rs")]);
    let hooks = std::fs::read_to_string(&naming[0]).unwrap();
    assert!(hooks.contains("verify_slice") && !hooks.contains("finalize"), "only the library compares");
}
