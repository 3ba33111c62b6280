//! Which locale a path of a repository belongs to: a pattern, or an `l10n.toml` with those that it includes, comes in; for
//! each path the code of a locale, or none, goes out. Nothing is fetched here: [`Rules::of_toml`] says which files it wants.
//!
//! # What is understood
//!
//! The answers are those of compare-locales 9.0.5 (`compare_locales/paths`): a path belongs to a locale if a comparison of
//! that locale would take the file for one of its localizations. `tests/paths/` holds configurations and its answers.
//!
//! | | | as in |
//! |---|---|---|
//! | `basepath` | the folder that patterns and included files are found from, seen from the file's own folder | both |
//! | `locales` | on top and in `[[paths]]`; a path belongs to no other locale | both |
//! | `[env]` | values of variables, for this file only | both |
//! | | which may have variables and stars themselves | compare-locales |
//! | `[[paths]]`, `l10n` | the last that matches is asked first; included files come after the file itself | compare-locales |
//! | `[[includes]]` | `path`, which may have variables; a file counts once | both |
//! | `[[excludes]]` | what matches with a locale that the excluded file lists is not that locale's; a file that is included too excludes nothing | compare-locales |
//! | `{locale}` | the code | both |
//! | `{android_locale}` | the code as Android writes it: `pt-rBR`, `b+sr+Latn`, `iw` for `he`, `ji` for `yi`, `in` for `id` | both |
//! | `{l10n_base}` | the root of the repository, if `[env]` has no value for it | both |
//! | `{name}` | the value in `[env]`; spaces may stand around the name | both; spaces: compare-locales |
//! | `*` | any text within a part of a path, or none | both |
//! | `**` | before a slash any whole parts, or none; at the end all that is left, or nothing; elsewhere `*` | compare-locales |
//!
//! `reference`, `test`, `[[filters]]` and `[build]` don't change which locale a path belongs to; they are passed over, as
//! moz.l10n does with the last two. What else a file says is left out with a [`Note`]. A file with nothing that can be used
//! is [`Unusable`].
//!
//! # What is meant to differ
//!
//! * Only what has the shape of a locale's code is one (BCP 47, as all through Elmo), so `_configs/` and `README.md`
//!   belong to none. compare-locales takes what `locales` lists, and nothing from a file that lists none; here a file
//!   without any list allows all codes. Folders as `src` or `doc` have that shape too: list the locales.
//! * A path belongs to one locale: if several patterns or readings fit, the one that compare-locales finds first. A
//!   pattern without `{locale}` can be used only if it has one locale in its list.
//! * A pattern may start with a star; compare-locales fails.
//! * `..` and `.` at the beginning of a pattern are resolved; compare-locales resolves them in the names of folders that it
//!   walks through, but not when it is asked for a path.
//! * `[env]` can give `l10n_base` a value; compare-locales replaces it by its command line's. Another variable without a
//!   value matches anything, each time; in compare-locales the same each time. moz.l10n keeps it within a part.
//! * `ja-JP-mac` is `b+ja+JP+mac` to Android, as in moz.l10n; compare-locales cuts it to `ja-rJP`. Only a language has an
//!   old code; compare-locales replaces `he` at the end of any part, so `che` becomes `ciw`.
//! * Files that include each other are read once; compare-locales never ends. It refuses a file that names one that isn't
//!   there, or one that excludes others itself; here that file, or what it excludes, is left out with a note.
//! * `reference` has no say: compare-locales also excludes what matches the `reference` of an excluded file.
//! * What moz.l10n does otherwise: it passes over `[[excludes]]` (here a path that is excluded belongs to no locale), asks the
//!   first pattern first, and takes `.po` for a pattern that ends with `.pot`.
//!
//! # Limits
//!
//! 50 files, 10 steps from the first, 1 MiB together; 100 excluded files, each counted as often as it is included; 1,000
//! rules; of a pattern 1,000 parts, 4,096 bytes and 16 stars and variables; 100 notes; paths of 4,096 bytes. A path takes at
//! most one pass for each star and variable of each rule, and 500,000 steps for all rules; what takes more belongs to none.

mod code;
mod compile;
mod config;
mod kept;
mod pattern;
mod search;
mod tree;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use pattern::{Environment, Pattern};
use search::{Match, Search};
use tree::Tree;

const MOST_RULES: usize = 1000;
const MOST_NOTES: usize = 100;
const LONGEST_PATH: usize = 4096;

/// The files of a repository that were fetched, by their paths; `None` for one that isn't there.
pub type Files = BTreeMap<String, Option<Vec<u8>>>;

/// Which locale a path belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Lists of locales, each sorted, for rules to point at.
    lists: Vec<Vec<String>>,
    /// The one that is asked first comes first.
    rules: Vec<Rule>,
    excludes: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    pattern: Pattern,
    /// Which list holds its locales; without one any locale is fine.
    list: Option<usize>,
}

/// What became of a configuration.
#[derive(Debug)]
pub enum Reading {
    /// It names these files too: fetch them, and read again.
    Wants(Vec<String>),
    /// These are the rules, and what of the configuration is not in them.
    Done(Rules, Vec<Note>),
}

/// Something in a configuration that was not understood, or cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub file: String,
    pub line: usize,
    /// Says what it is and what became of it; begins like the middle of a sentence, and has no full stop.
    pub text: String,
}

/// Why there are no rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(String);

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}: {}", self.file, self.line, self.text)
    }
}

impl Rules {
    /// Makes the rules of one pattern, as `{locale}/**`, for all locales.
    ///
    /// # Errors
    /// If the pattern cannot be used, names no locale or has a variable that has no value.
    pub fn of_pattern(pattern: &str) -> Result<Rules, Unusable> {
        let unusable = |why: String| Unusable(format!("the pattern cannot be used: {why}"));
        let read = Pattern::read(pattern, Some(""), &Environment::new()).map_err(unusable)?;
        if let Some(name) = read.unknown.first() {
            return Err(unusable(format!("the variable `{name}` has no value")));
        }
        if !read.pattern.has_locale() {
            return Err(unusable("it has neither `{locale}` nor `{android_locale}`".to_owned()));
        }
        Ok(Rules { lists: Vec::new(), rules: vec![Rule { pattern: read.pattern, list: None }], excludes: Vec::new() })
    }

    /// Makes the rules of an `l10n.toml`, named by its path from the root of the repository, out of the files that have been
    /// fetched. Start with none; after a few rounds of [`Reading::Wants`] all are there.
    ///
    /// # Errors
    /// If the file is not there, is no TOML, or nothing of it can be used.
    pub fn of_toml(path: &str, files: &Files) -> Result<Reading, Unusable> {
        match tree::read(path, files)? {
            Tree::Wants(paths) => Ok(Reading::Wants(paths)),
            Tree::Whole { configs, notes } => {
                let (rules, notes) = compile::compile(path, &configs, notes)?;
                Ok(Reading::Done(rules, in_order_of_lines(path, notes)))
            }
        }
    }

    /// Gives the code of the locale that a path belongs to.
    pub fn locale_of<'a>(&'a self, path: &'a [u8]) -> Option<Cow<'a, str>> {
        if path.len() > LONGEST_PATH {
            return None;
        }
        let mut search = Search::default();
        let found = self.rules.iter().find_map(|rule| {
            let locale = self.matched(rule, path, &mut search)?;
            (!self.is_excluded(path, &locale, &mut search)).then_some(locale)
        });
        // A search that was given up may have missed what excludes the path.
        found.filter(|_| !search.is_given_up())
    }

    /// Writes the rules as a text; it is the same if and only if the rules are.
    pub fn to_text(&self) -> String {
        kept::write(self)
    }

    /// Reads what [`Rules::to_text`] wrote.
    ///
    /// # Errors
    /// If it was not, or by a version that wrote it otherwise.
    pub fn from_text(text: &str) -> Result<Rules, Unusable> {
        kept::read(text)
    }

    fn matched<'a>(&'a self, rule: &Rule, path: &'a [u8], search: &mut Search) -> Option<Cow<'a, str>> {
        let Match(found) = search.run(&rule.pattern, path, &|code| self.allows(rule, code))?;
        found.or_else(|| self.only_locale(rule).map(Cow::Borrowed))
    }

    fn is_excluded(&self, path: &[u8], locale: &str, search: &mut Search) -> bool {
        let mut excludes = self.excludes.iter().filter(|rule| self.allows(rule, locale));
        excludes.any(|rule| search.run(&rule.pattern, path, &|code| code == locale).is_some())
    }

    fn allows(&self, rule: &Rule, code: &str) -> bool {
        let list = rule.list.and_then(|list| self.lists.get(list));
        list.is_none_or(|list| list.binary_search_by(|one| one.as_str().cmp(code)).is_ok())
    }

    fn only_locale(&self, rule: &Rule) -> Option<&str> {
        match &self.lists.get(rule.list?)?[..] {
            [only] => Some(only),
            _ => None,
        }
    }

    fn names_a_locale(&self, rule: &Rule) -> bool {
        rule.pattern.has_locale() || self.only_locale(rule).is_some()
    }
}

/// Sorts notes; of too many, the last one says how many more there are.
fn in_order_of_lines(first: &str, mut notes: Vec<Note>) -> Vec<Note> {
    notes.sort_by(|one, other| (&one.file, one.line).cmp(&(&other.file, other.line)));
    if notes.len() > MOST_NOTES {
        let more = notes.split_off(MOST_NOTES - 1).len();
        notes.push(Note { file: first.to_owned(), line: 1, text: format!("{more} more notes are not shown") });
    }
    notes
}
