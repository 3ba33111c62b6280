//! Which locale a path of a repository with many locales belongs to.

use super::{Kept, LocaleCode};
use elmo_l10n::paths::{Files, Reading, Rules};

/// The rules of one repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocaleRules(Rules);

/// Files of a configuration by their paths; none for one that is not there.
pub type ConfigFiles = Files;

/// What became of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Configured {
    /// It names these files too, by their paths from where the first one is.
    Wants(Vec<String>),
    /// The rules, and in sentences what of the configuration is not in them.
    Done(LocaleRules, Vec<String>),
}

/// Why there are no rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoRules(String);

impl LocaleRules {
    /// The rules of a pattern, as `{locale}/**`.
    ///
    /// # Errors
    /// With a sentence that says what is wrong with the pattern.
    pub fn of_pattern(pattern: &str) -> Result<LocaleRules, NoRules> {
        Rules::of_pattern(pattern).map(LocaleRules).map_err(|error| NoRules(error.to_string()))
    }

    /// The rules of an `l10n.toml`, given by its path, with the files that it includes as far as they are known.
    ///
    /// # Errors
    /// With a sentence that says what is wrong with it.
    pub fn of_config(path: &str, files: &ConfigFiles) -> Result<Configured, NoRules> {
        match Rules::of_toml(path, files).map_err(|error| NoRules(error.to_string()))? {
            Reading::Wants(paths) => Ok(Configured::Wants(paths)),
            Reading::Done(rules, notes) => {
                Ok(Configured::Done(LocaleRules(rules), notes.iter().map(ToString::to_string).collect()))
            }
        }
    }

    /// The locale that a path belongs to.
    pub fn locale_of(&self, path: &Kept) -> Option<LocaleCode> {
        self.0.locale_of(&path.to_bytes())?.parse().ok()
    }

    /// The rules as a text to keep.
    pub fn to_text(&self) -> String {
        self.0.to_text()
    }

    /// Takes a text that [`LocaleRules::to_text`] gave before.
    ///
    /// # Errors
    /// When another version of this program wrote it in another way.
    pub fn from_text(text: &str) -> Result<LocaleRules, NoRules> {
        Rules::from_text(text).map(LocaleRules).map_err(|error| NoRules(error.to_string()))
    }
}
