//! One `l10n.toml`: its text comes in, its patterns and the files that it names go out, with a note on all that was not
//! understood.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::Note;
use super::code::is_code;
use super::pattern::{Environment, Pattern, folder_of, path_in};

/// How much of a name is told in a note.
const LONGEST_NAME: usize = 100;

const KEYS: [&str; 8] = ["basepath", "build", "env", "excludes", "filters", "includes", "locales", "paths"];
const KEYS_OF_PATHS: [&str; 4] = ["l10n", "locales", "reference", "test"];

/// What a file says.
#[derive(Default)]
pub(super) struct Config {
    pub(super) locales: Option<Vec<String>>,
    pub(super) paths: Vec<Paths>,
    pub(super) includes: Vec<Other>,
    pub(super) excludes: Vec<Other>,
}

/// One `[[paths]]`.
pub(super) struct Paths {
    pub(super) l10n: Pattern,
    pub(super) locales: Option<Vec<String>>,
    pub(super) line: usize,
}

/// Another file that is named, by its path from the root of the repository.
pub(super) struct Other {
    pub(super) path: String,
    pub(super) line: usize,
}

/// Reads a file; what makes it no configuration is told with its line.
pub(super) fn read(file: &str, text: &[u8], notes: &mut Vec<Note>) -> Result<Config, String> {
    let text = std::str::from_utf8(text).map_err(|_| format!("{file} is not UTF-8"))?;
    let lines = Lines::of(text);
    let table = DeTable::parse(text).map_err(|error| {
        let line = lines.of_span(&error.span().unwrap_or_default());
        format!("{file}, line {line}, is no TOML: {}", error.message().trim_end())
    })?;
    let mut reader = Reader { file, lines, notes, folder: None, environment: Environment::new() };
    Ok(reader.config(table.get_ref()))
}

type Table<'t> = DeTable<'t>;
type Value<'t> = Spanned<DeValue<'t>>;

struct Reader<'a> {
    file: &'a str,
    lines: Lines,
    notes: &'a mut Vec<Note>,
    folder: Option<String>,
    environment: Environment,
}

impl Reader<'_> {
    fn config(&mut self, table: &Table<'_>) -> Config {
        self.note_other_keys(table, &KEYS, "");
        let basepath = table.get("basepath").and_then(|value| self.string(value, "`basepath`"));
        self.folder = folder_of(self.file, &basepath.unwrap_or_default());
        self.environment = self.environment(table);
        Config {
            locales: self.locales(table),
            paths: self.tables(table, "paths").iter().filter_map(|(table, line)| self.paths(table, *line)).collect(),
            includes: self.others(table, "includes"),
            excludes: self.others(table, "excludes"),
        }
    }

    fn environment(&mut self, table: &Table<'_>) -> Environment {
        let Some(value) = table.get("env") else { return Environment::new() };
        let Some(table) = value.get_ref().as_table() else {
            self.note(value.span(), "`env` is no table and was left out");
            return Environment::new();
        };
        let mut environment = Environment::new();
        for (name, value) in table {
            let what = format!("`{}` in `env`", cut(name.get_ref()));
            if matches!(name.get_ref().as_ref(), "locale" | "android_locale") {
                self.note(name.span(), &format!("{what} was left out: it is always the locale of the path"));
            } else if let Some(text) = self.string(value, &what) {
                environment.insert(name.get_ref().to_string(), text);
            }
        }
        environment
    }

    fn locales(&mut self, table: &Table<'_>) -> Option<Vec<String>> {
        let value = table.get("locales")?;
        let Some(array) = value.get_ref().as_array() else {
            self.note(value.span(), "`locales` is no list and was left out");
            return None;
        };
        Some(array.iter().filter_map(|value| self.locale(value)).collect())
    }

    fn locale(&mut self, value: &Value<'_>) -> Option<String> {
        let text = self.string(value, "an entry of `locales`")?;
        if !is_code(&text) {
            self.note(value.span(), &format!("`{}` in `locales` is no code of a locale and was left out", cut(&text)));
            return None;
        }
        Some(text)
    }

    fn paths(&mut self, table: &Table<'_>, line: usize) -> Option<Paths> {
        self.note_other_keys(table, &KEYS_OF_PATHS, " in `paths`");
        let Some(value) = table.get("l10n") else {
            self.note_line(line, "`paths` without `l10n` was left out");
            return None;
        };
        let text = self.string(value, "`l10n`")?;
        let locales = self.locales(table);
        match Pattern::read(&text, self.folder.as_deref(), &self.environment) {
            Err(why) => {
                self.note(value.span(), &format!("`{}` was left out: {why}", cut(&text)));
                None
            }
            Ok(read) => {
                for name in read.unknown {
                    self.note(value.span(), &format!("the variable `{}` has no value, so it matches anything", cut(&name)));
                }
                Some(Paths { l10n: read.pattern, locales, line: self.lines.of_span(&value.span()) })
            }
        }
    }

    fn others(&mut self, table: &Table<'_>, key: &'static str) -> Vec<Other> {
        self.tables(table, key).iter().filter_map(|(table, line)| self.other(table, *line, key)).collect()
    }

    fn other(&mut self, table: &Table<'_>, line: usize, key: &str) -> Option<Other> {
        self.note_other_keys(table, &["path"], &format!(" in `{key}`"));
        let Some(value) = table.get("path") else {
            self.note_line(line, &format!("`{key}` without `path` was left out"));
            return None;
        };
        let text = self.string(value, "`path`")?;
        match path_in(self.folder.as_deref(), &text, &self.environment) {
            Ok(path) => Some(Other { path, line: self.lines.of_span(&value.span()) }),
            Err(why) => {
                self.note(value.span(), &format!("`{}` in `{key}` was left out: {why}", cut(&text)));
                None
            }
        }
    }

    /// Gives the tables of `[[key]]`, each with its line.
    fn tables<'t>(&mut self, table: &'t Table<'t>, key: &str) -> Vec<(&'t Table<'t>, usize)> {
        let Some(value) = table.get(key) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            self.note(value.span(), &format!("`{key}` is no list of tables and was left out"));
            return Vec::new();
        };
        self.tables_in(array, key)
    }

    fn tables_in<'t>(&mut self, array: &'t DeArray<'t>, key: &str) -> Vec<(&'t Table<'t>, usize)> {
        let mut tables = Vec::new();
        for value in array.iter() {
            match value.get_ref().as_table() {
                Some(table) => tables.push((table, self.lines.of_span(&value.span()))),
                None => self.note(value.span(), &format!("an entry of `{key}` is no table and was left out")),
            }
        }
        tables
    }

    fn string(&mut self, value: &Value<'_>, what: &str) -> Option<String> {
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.note(value.span(), &format!("{what} is no text and was left out"));
        }
        text.map(str::to_owned)
    }

    fn note_other_keys(&mut self, table: &Table<'_>, known: &[&str], place: &str) {
        for (key, _) in table.iter().filter(|(key, _)| !known.contains(&key.get_ref().as_ref())) {
            self.note(key.span(), &format!("`{}`{place} is not known and was left out", cut(key.get_ref())));
        }
    }

    fn note(&mut self, span: Range<usize>, text: &str) {
        self.note_line(self.lines.of_span(&span), text);
    }

    fn note_line(&mut self, line: usize, text: &str) {
        self.notes.push(Note { file: self.file.to_owned(), line, text: text.to_owned() });
    }
}

fn cut(name: &str) -> &str {
    name.get(..name.floor_char_boundary(LONGEST_NAME)).unwrap_or(name)
}

/// Where the lines of a text end.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Lines {
        Lines(memchr::memchr_iter(b'\n', text.as_bytes()).collect())
    }

    fn of_span(&self, span: &Range<usize>) -> usize {
        self.0.partition_point(|&end| end < span.start) + 1
    }
}
