//! `elmo.json`, what a task publishes: bytes in, [`Published`] or the exact place that is wrong out. Taken whole or not at all.

use super::source::Source;
use crate::domain::{
    ArtifactName, Compared, Comparison, Counts, LocaleCode, MOST_COUNTED, Published, RepositoryUrl, Revision, UrlRules,
    turns_direction,
};
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashSet};
use std::fmt;

/// A file that is none, with the place that is wrong, as `comparisons[17].summary.missing`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("elmo.json: {0}")]
pub struct NotPublished(String);

type Read<T> = Result<T, NotPublished>;

/// More comparisons than this in one file are refused: a hundred products of two hundred locales.
const MOST_COMPARISONS: usize = 20_000;
/// More revisions than this of one comparison are refused.
const MOST_REVISIONS: usize = 50;
const LONGEST_CONFIG: usize = 250;
/// As long as so many comparisons would be; read as values, a file takes up to thirty times its own length.
const LONGEST: usize = 12 << 20;

/// Reads the file. What it leaves out of its repository and revisions comes from `source`, the task's `metadata.source`.
///
/// # Errors
/// With the first place that is wrong.
pub fn read_elmo_json(bytes: &[u8], source: Option<&Source>) -> Result<Published, NotPublished> {
    if bytes.len() > LONGEST {
        return Err(wrong("", format_args!("it is longer than {} MiB", LONGEST >> 20)));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| wrong("", format_args!("it is not UTF-8: {error}")))?;
    let Value::Object(file) = parse(text)? else {
        return Err(wrong("", "it is not an object"));
    };
    check_version(&file)?;
    let repository = repository(&file, source)?;
    let comparisons = array(&file, "comparisons")?;
    if comparisons.is_empty() || comparisons.len() > MOST_COMPARISONS {
        return Err(wrong("comparisons", format_args!("there must be 1 to {MOST_COMPARISONS}, not {}", comparisons.len())));
    }
    let mut published =
        Published { compare_locales: text_of(&file, "", "compare-locales", 50)?.to_owned(), repository, comparisons: Vec::new() };
    let mut seen = HashSet::new();
    for (number, value) in comparisons.iter().enumerate() {
        let place = format!("comparisons[{number}]");
        let comparison = comparison(&place, value, &published.repository, source)?;
        if !seen.insert((comparison.locale.clone(), comparison.config.clone())) {
            return Err(wrong(&place, format_args!("{} is compared by {} before", comparison.locale, comparison.config)));
        }
        published.comparisons.push(comparison);
    }
    Ok(published)
}

fn check_version(file: &Map<String, Value>) -> Read<()> {
    let version = text_of(file, "", "version", 20)?;
    let minor = version.strip_prefix("1.").is_some_and(|minor| !minor.is_empty() && minor.bytes().all(|b| b.is_ascii_digit()));
    if minor { Ok(()) } else { Err(wrong("version", format_args!("{version:?} is not 1.x"))) }
}

fn repository(file: &Map<String, Value>, source: Option<&Source>) -> Read<RepositoryUrl> {
    if file.contains_key("repository") {
        let text = text_of(file, "", "repository", 1000)?;
        let url = RepositoryUrl::parse(text, UrlRules::OnlyHttp).map_err(|error| wrong("repository", error))?;
        return if url.path().is_empty() { Err(wrong("repository", "it names a host, not a repository")) } else { Ok(url) };
    }
    let none = || wrong("repository", "it is missing, and the task's metadata.source names no repository");
    source.map(|source| source.repository.clone()).ok_or_else(none)
}

fn comparison(place: &str, value: &Value, repository: &RepositoryUrl, source: Option<&Source>) -> Read<Comparison> {
    let Value::Object(fields) = value else {
        return Err(wrong(place, "it is not an object"));
    };
    let parsed = |name: &str, longest| text_of(fields, place, name, longest);
    let locale: LocaleCode = parsed("locale", 100)?.parse().map_err(|error| wrong(&below(place, "locale"), error))?;
    let artifact: ArtifactName = parsed("artifact", 1024)?.parse().map_err(|error| wrong(&below(place, "artifact"), error))?;
    Ok(Comparison {
        locale,
        config: config(place, parsed("config", LONGEST_CONFIG)?)?,
        artifact,
        revisions: revisions(place, fields, repository, source)?,
        counts: counts(&below(place, "summary"), fields.get("summary"))?,
    })
}

fn config(place: &str, text: &str) -> Read<String> {
    let plain = !text.starts_with('/') && text.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if plain { Ok(text.to_owned()) } else { Err(wrong(&below(place, "config"), "it is not a path within the repository")) }
}

fn revisions(place: &str, fields: &Map<String, Value>, repository: &RepositoryUrl, source: Option<&Source>) -> Read<Vec<Compared>> {
    let place = below(place, "revisions");
    let none = Map::new();
    let given = match fields.get("revisions") {
        None => &none,
        Some(Value::Object(given)) if given.len() <= MOST_REVISIONS => given,
        Some(_) => return Err(wrong(&place, format_args!("it is not an object of at most {MOST_REVISIONS} revisions"))),
    };
    let mut revisions = BTreeMap::new();
    for (key, value) in given {
        let place = format!("{place}[{key:?}]");
        let url = resolve(repository, key).map_err(|why| wrong(&place, why))?;
        let revision = value.as_str().and_then(|text| text.parse::<Revision>().ok()).filter(|named| *named != Revision::NULL);
        let revision = revision.ok_or_else(|| {
            wrong(&place, format_args!("{} is not a full revision of 40 hexadecimal digits, or 64", brief(value)))
        })?;
        if revisions.insert(url.clone(), revision).is_some_and(|other| other != revision) {
            return Err(wrong(&place, format_args!("{url} is given another revision before")));
        }
    }
    if let Some(Source { repository: of, revision: Some(revision) }) = source
        && of == repository
    {
        revisions.entry(repository.clone()).or_insert(*revision);
    }
    Ok(revisions.into_iter().map(|(repository, revision)| Compared { repository, revision }).collect())
}

/// Resolves a key as a link on the repository's own page would be.
fn resolve(repository: &RepositoryUrl, key: &str) -> Result<RepositoryUrl, String> {
    let base = url::Url::parse(&format!("{repository}/")).map_err(|error| error.to_string())?;
    let joined = base.join(key).map_err(|error| error.to_string())?;
    let url = RepositoryUrl::parse(joined.as_str(), UrlRules::OnlyHttp).map_err(|error| error.to_string())?;
    if url.path().is_empty() { Err("it names a host, not a repository".to_owned()) } else { Ok(url) }
}

fn counts(place: &str, value: Option<&Value>) -> Read<Counts> {
    let Some(Value::Object(summary)) = value else {
        return Err(wrong(place, "it is missing, or not an object"));
    };
    let mut values = [0; 11];
    for (value, name) in values.iter_mut().zip(Counts::NAMES) {
        let count = summary.get(name).and_then(Value::as_i64).filter(|count| (0..=MOST_COUNTED).contains(count));
        *value =
            count.ok_or_else(|| wrong(&below(place, name), format_args!("it is not a whole number from 0 to {MOST_COUNTED}")))?;
    }
    Ok(Counts::of(values))
}

fn text_of<'v>(fields: &'v Map<String, Value>, place: &str, name: &str, longest: usize) -> Read<&'v str> {
    let place = below(place, name);
    let text = match fields.get(name) {
        None => return Err(wrong(&place, "it is missing")),
        Some(Value::String(text)) => text,
        Some(other) => return Err(wrong(&place, format_args!("{} is not a string", brief(other)))),
    };
    let is_odd = |character: char| character.is_control() || turns_direction(character);
    let plain = !text.is_empty() && text.chars().count() <= longest && !text.chars().any(is_odd);
    if plain { Ok(text) } else { Err(wrong(&place, format_args!("it must be 1 to {longest} characters on one line"))) }
}

fn array<'v>(fields: &'v Map<String, Value>, name: &str) -> Read<&'v Vec<Value>> {
    fields.get(name).and_then(Value::as_array).ok_or_else(|| wrong(name, "it is missing, or not an array"))
}

fn below(place: &str, name: &str) -> String {
    if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") }
}

fn wrong(place: &str, why: impl fmt::Display) -> NotPublished {
    NotPublished(if place.is_empty() { why.to_string() } else { format!("{place}: {why}") })
}

fn brief(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() > 60 { format!("{}…", text.chars().take(60).collect::<String>()) } else { text }
}

/// Parses JSON in which no object has a key twice: of two values nobody could say which was meant.
fn parse(text: &str) -> Read<Value> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Strict.deserialize(&mut deserializer).map_err(|error| wrong("", error))?;
    deserializer.end().map_err(|error| wrong("", error))?;
    Ok(value)
}

struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(Strict)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(Strict)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if map.contains_key(&key) {
                return Err(A::Error::custom(format_args!("the key {key:?} stands twice in one object")));
            }
            map.insert(key, entries.next_value_seed(Strict)?);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::super::source::source;
    use super::read_elmo_json;
    use serde_json::{Value, json};

    const SMALL: &str = include_str!("../../tests/taskcluster/small/elmo.json");
    const HASH: &str = "1111111111111111111111111111111111111111";

    fn small() -> Value {
        serde_json::from_str(SMALL).unwrap()
    }

    fn error(text: &str) -> String {
        read_elmo_json(text.as_bytes(), None).expect_err(text).to_string()
    }

    fn with(place: &str, value: Value) -> String {
        let mut file = small();
        let (parent, name) = place.rsplit_once('.').unwrap_or(("", place));
        let parent =
            parent.split(['.', '[', ']']).filter(|part| !part.is_empty()).fold(&mut file, |at, part| match part.parse::<usize>() {
                Ok(number) => &mut at[number],
                Err(_) => &mut at[part],
            });
        parent[name] = value;
        error(&file.to_string())
    }

    #[test]
    fn a_recorded_file_is_read() {
        let published = read_elmo_json(SMALL.as_bytes(), None).unwrap();
        assert_eq!((published.compare_locales.as_str(), published.comparisons.len()), ("9.0.5", 6));
        let fr = &published.comparisons[1];
        assert_eq!((fr.locale.as_str(), fr.counts.errors, fr.counts.completion()), ("fr", 9, 37));
        let urls: Vec<&str> = fr.revisions.iter().map(|compared| compared.repository.as_str()).collect();
        assert_eq!(urls, ["https://hg.mozilla.org/l10n-central/fr", "https://hg.mozilla.org/l10n/gecko-strings"]);
    }

    #[test]
    fn what_is_wrong_is_named_by_its_place() {
        let first = "comparisons[0]";
        for (place, value, named) in [
            ("version", json!("2.0"), "version: \"2.0\" is not 1.x"),
            ("version", json!(1), "version: 1 is not a string"),
            ("compare-locales", json!(""), "compare-locales: it must be"),
            ("repository", json!("ssh://h/a"), "repository: URL"),
            ("repository", json!("https://h"), "repository: it names a host"),
            ("comparisons", json!([]), "comparisons: there must be 1 to"),
            ("comparisons", json!({}), "comparisons: it is missing"),
            ("comparisons", json!([3]), "comparisons[0]: it is not an object"),
            (&format!("{first}.locale"), json!("de_DE"), "comparisons[0].locale: locale code \"de_DE\""),
            (&format!("{first}.locale"), json!("toolong-and-more-than-35-characters-x"), "comparisons[0].locale"),
            (&format!("{first}.config"), json!("../x.toml"), "comparisons[0].config"),
            (&format!("{first}.config"), json!("a\u{0}b"), "comparisons[0].config"),
            (&format!("{first}.config"), json!("a\u{202e}lmot.b"), "comparisons[0].config"),
            (&format!("{first}.artifact"), Value::Null, "comparisons[0].artifact: null is not a string"),
            (&format!("{first}.artifact"), json!("é"), "comparisons[0].artifact"),
            (&format!("{first}.summary"), json!([]), "comparisons[0].summary"),
            (&format!("{first}.summary.missing"), json!(-1), "comparisons[0].summary.missing: it is not a whole number"),
            (&format!("{first}.summary.missing"), json!(1.5), "comparisons[0].summary.missing"),
            (&format!("{first}.summary.missing"), json!(1e30), "comparisons[0].summary.missing"),
            (&format!("{first}.revisions"), json!({"/a/": "tip"}), "comparisons[0].revisions[\"/a/\"]: \"tip\" is not a full"),
            (&format!("{first}.revisions"), json!({"ssh://h/a": HASH}), "comparisons[0].revisions[\"ssh://h/a\"]: URL"),
            (&format!("{first}.revisions"), json!({"/": HASH}), "comparisons[0].revisions[\"/\"]: it names a host"),
            ("comparisons[5].config", json!("_configs/browser.toml"), "comparisons[5]: ab-CD is compared by"),
        ] {
            let said = with(place, value);
            assert!(said.starts_with(&format!("elmo.json: {named}")), "{place}: {said}");
        }
    }

    /// The file with another value, or none, at a JSON pointer.
    fn changed(pointer: &str, value: Option<Value>) -> String {
        let mut file = small();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let parent = file.pointer_mut(parent).unwrap();
        match value {
            Some(value) if parent.is_array() => parent[name.parse::<usize>().unwrap()] = value,
            Some(value) => parent[name] = value,
            None => drop(parent.as_object_mut().unwrap().remove(name)),
        }
        file.to_string()
    }

    /// What the schema forbids at a place of the file, and at all places below it.
    fn forbidden(schema: &Value, place: &Value, pointer: &str, files: &mut Vec<(String, String)>) {
        let place = if place.get("$ref").is_some() { &schema["$defs"]["count"] } else { place };
        let mut forbid = |what: &str, value: Value| {
            if !pointer.is_empty() {
                files.push((format!("{pointer} {what}"), changed(pointer, Some(value))));
            }
        };
        forbid("of another type", json!(true));
        let bound = |name: &str| place[name].as_i64();
        if let Some(most) = bound("maxLength") {
            forbid("too long", json!("x".repeat(usize::try_from(most).unwrap() + 1)));
        }
        if bound("minLength").is_some() {
            forbid("empty", json!(""));
        }
        if bound("minItems").is_some() {
            forbid("without items", json!([]));
        }
        if let (Some(least), Some(most)) = (bound("minimum"), bound("maximum")) {
            forbid("too small", json!(least - 1));
            forbid("too large", json!(most + 1));
        }
        for name in place["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            files.push((format!("{pointer}/{name} missing"), changed(&format!("{pointer}/{name}"), None)));
        }
        for (name, below) in place["properties"].as_object().into_iter().flatten() {
            forbidden(schema, below, &format!("{pointer}/{name}"), files);
        }
        if place.get("items").is_some() {
            forbidden(schema, &place["items"], &format!("{pointer}/0"), files);
        }
    }

    #[test]
    fn what_the_published_schema_forbids_is_refused() {
        let schema: Value = serde_json::from_str(include_str!("../../static/elmo-1.json")).unwrap();
        let mut files = Vec::new();
        forbidden(&schema, &schema, "", &mut files);
        assert!(files.len() > 60, "{}", files.len());
        for (what, file) in files {
            assert!(read_elmo_json(file.as_bytes(), None).is_err(), "{what}");
        }
    }

    #[test]
    fn what_is_no_json_is_refused_with_the_line() {
        for text in ["", "[]", "<html>", &SMALL[..2000], "{} {}", r#"{"version": "1.0", "version": "1.1"}"#] {
            assert!(error(text).starts_with("elmo.json: "), "{text}");
        }
        assert!(error(r#"{"a": 1, "a": 2}"#).contains("the key \"a\" stands twice"));
        assert!(read_elmo_json(b"{\"\xff\": 1}", None).unwrap_err().to_string().contains("not UTF-8"));
    }

    #[test]
    fn what_it_leaves_out_comes_from_the_task() {
        let source = source(&format!("https://hg.mozilla.org/l10n/gecko-strings/file/{HASH}/x")).unwrap();
        let mut file = small();
        file.as_object_mut().unwrap().remove("repository");
        file["comparisons"][0]["revisions"] = json!({"/l10n-central/de/": HASH});
        let published = read_elmo_json(file.to_string().as_bytes(), Some(&source)).unwrap();
        assert_eq!(published.repository, source.repository);
        assert_eq!(published.comparisons[0].revisions[1].revision.to_string(), HASH);
        assert_ne!(published.comparisons[1].revisions[1].revision.to_string(), HASH, "what is given is kept");
        assert!(error(&file.to_string()).contains("repository: it is missing"));
    }

    #[test]
    fn new_fields_of_a_later_1_x_are_no_matter() {
        let mut file = small();
        file["version"] = json!("1.12");
        file["comparisons"][0]["summary"]["new"] = json!("x");
        assert!(read_elmo_json(file.to_string().as_bytes(), None).is_ok());
    }
}
