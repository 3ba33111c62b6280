//! What somebody set, put over the defaults; what is no setting is refused with the nearest one that is.

use super::ConfigError;
use std::collections::BTreeSet;

/// Puts what is given over what is there.
pub(super) fn merge(into: &mut toml::Table, given: toml::Table) {
    for (key, value) in given {
        match (into.get_mut(&key), value) {
            (Some(toml::Value::Table(section)), toml::Value::Table(given)) => merge(section, given),
            (_, value) => drop(into.insert(key, value)),
        }
    }
}

/// The example names every setting, so what is not in it is a mistake.
pub(super) fn refuse_unknown(given: &toml::Table, defaults: &toml::Table, file: &str) -> Result<(), ConfigError> {
    let known = keys(defaults, "");
    let Some(key) = keys(given, "").into_iter().find(|key| !known.contains(key)) else {
        return Ok(());
    };
    let nearest = known.into_iter().max_by(|a, b| strsim::jaro_winkler(a, &key).total_cmp(&strsim::jaro_winkler(b, &key)));
    Err(ConfigError::Unknown {
        file: file.to_owned(),
        nearest: nearest.filter(|known| strsim::jaro_winkler(known, &key) > 0.7),
        key,
    })
}

/// All keys with their sections, as `pulse.host`; a section itself counts as a key only where it holds nothing.
fn keys(table: &toml::Table, prefix: &str) -> BTreeSet<String> {
    table
        .iter()
        .flat_map(|(key, value)| match value {
            toml::Value::Table(section) if !section.is_empty() => keys(section, &format!("{prefix}{key}.")),
            toml::Value::Table(_) => BTreeSet::new(),
            _ => BTreeSet::from([format!("{prefix}{key}")]),
        })
        .collect()
}
