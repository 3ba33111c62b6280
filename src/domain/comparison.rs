//! What a task publishes: how each locale compares with the source strings of a product.

use super::{ArtifactName, LocaleCode, RepositoryUrl, Revision, TaskRun};
use jiff::Timestamp;

/// compare-locales' eleven counts of one comparison, of strings and, where they end in `_w`, of words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub errors: i64,
    pub warnings: i64,
    pub missing: i64,
    pub missing_w: i64,
    /// Strings that a filter of the product lets a locale leave out, reported only.
    pub report: i64,
    pub obsolete: i64,
    pub changed: i64,
    pub changed_w: i64,
    pub unchanged: i64,
    pub unchanged_w: i64,
    /// Access keys and the like, which are not counted as translations.
    pub keys: i64,
}

/// What a comparison comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grade {
    /// There are errors, or strings are missing.
    Failure,
    /// There are obsolete strings, and nothing worse.
    Warnings,
    Success,
}

impl Grade {
    /// The gravest first.
    pub const ALL: [Grade; 3] = [Grade::Failure, Grade::Warnings, Grade::Success];

    /// Its name on pages and in addresses.
    pub fn name(self) -> &'static str {
        match self {
            Grade::Failure => "failure",
            Grade::Warnings => "warnings",
            Grade::Success => "success",
        }
    }
}

/// The largest count that is taken.
pub const MOST_COUNTED: i64 = 1_000_000_000;

impl Counts {
    /// Their names, in the order of [`Counts::values`].
    pub const NAMES: [&'static str; 11] = [
        "errors",
        "warnings",
        "missing",
        "missing_w",
        "report",
        "obsolete",
        "changed",
        "changed_w",
        "unchanged",
        "unchanged_w",
        "keys",
    ];

    /// The counts in the order of [`Counts::NAMES`].
    pub fn values(&self) -> [i64; 11] {
        [
            self.errors,
            self.warnings,
            self.missing,
            self.missing_w,
            self.report,
            self.obsolete,
            self.changed,
            self.changed_w,
            self.unchanged,
            self.unchanged_w,
            self.keys,
        ]
    }

    /// The counts from values in the order of [`Counts::NAMES`].
    pub fn of(values: [i64; 11]) -> Counts {
        let [errors, warnings, missing, missing_w, report, obsolete, changed, changed_w, unchanged, unchanged_w, keys] = values;
        Counts { errors, warnings, missing, missing_w, report, obsolete, changed, changed_w, unchanged, unchanged_w, keys }
    }

    /// How many strings there are to translate.
    pub fn total(&self) -> i64 {
        self.changed + self.unchanged + self.missing + self.report
    }

    /// Percent of the strings that are translated, rounded down; 0 where there are none.
    pub fn completion(&self) -> i64 {
        percent(self.changed, self.total())
    }

    /// How many strings have no translation, those that are only reported too.
    pub fn untranslated(&self) -> i64 {
        self.missing + self.report
    }

    /// What they come to.
    pub fn grade(&self) -> Grade {
        if self.errors > 0 || self.missing > 0 {
            Grade::Failure
        } else if self.obsolete > 0 {
            Grade::Warnings
        } else {
            Grade::Success
        }
    }

    /// How many words there are to translate.
    pub fn total_w(&self) -> i64 {
        self.changed_w + self.unchanged_w + self.missing_w
    }

    /// Percent of the words that are translated, rounded down; 0 where there are none.
    pub fn completion_w(&self) -> i64 {
        percent(self.changed_w, self.total_w())
    }
}

fn percent(part: i64, of: i64) -> i64 {
    (100 * part).checked_div(of).unwrap_or(0)
}

/// A changeset that was compared, and the repository it is of, whether that is followed or not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Compared {
    pub repository: RepositoryUrl,
    pub revision: Revision,
}

/// One locale compared by one configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    pub locale: LocaleCode,
    /// The path of the configuration in the configuring repository, as `_configs/browser.toml`.
    pub config: String,
    /// The details, as the task calls them.
    pub artifact: ArtifactName,
    /// In the order of their repositories.
    pub revisions: Vec<Compared>,
    pub counts: Counts,
}

/// An `elmo.json`, read and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    pub compare_locales: String,
    /// The repository that holds the configurations.
    pub repository: RepositoryUrl,
    /// At least one; no two of the same locale and configuration.
    pub comparisons: Vec<Comparison>,
}

/// Everything that is recorded of one run of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskResult {
    pub of: TaskRun,
    /// When the run of the task ended.
    pub resolved: Timestamp,
    pub published: Published,
    /// For each comparison, in their order: the details as the queue calls them, and when they go away, if it says.
    pub artifacts: Vec<(ArtifactName, Option<Timestamp>)>,
}

/// A code for the tree of `config` in `repository`: the last part of the one and the stem of the other.
pub fn tree_code(repository: &RepositoryUrl, config: &str) -> String {
    let repository = repository.as_str().rsplit('/').next().unwrap_or_default();
    format!("{repository}/{}", config_stem(config))
}

/// Whether a tree may be called so: parts of letters, digits, `.`, `_` and `-` between slashes.
pub fn is_tree_code(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'/');
    (1..=100).contains(&text.len()) && text.bytes().all(plain) && text.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// The name of the file of a configuration, without its ending.
pub fn config_stem(config: &str) -> &str {
    let file = config.rsplit('/').next().unwrap_or_default();
    file.rsplit_once('.').map_or(file, |(stem, _)| stem)
}

#[cfg(test)]
mod tests {
    use super::{Counts, Grade, tree_code};
    use crate::domain::{RepositoryUrl, UrlRules};

    #[test]
    fn completion_is_rounded_down_and_0_of_nothing() {
        let counts =
            Counts { changed: 19, unchanged: 6, missing: 4, changed_w: 43, missing_w: 6, unchanged_w: 9, ..Counts::default() };
        assert_eq!((counts.total(), counts.completion()), (29, 65));
        assert_eq!((counts.total_w(), counts.completion_w()), (58, 74));
        assert_eq!(Counts::default().completion(), 0);
    }

    #[test]
    fn errors_and_missing_strings_are_failures_and_obsolete_ones_warnings() {
        let check = |counts: Counts, grade| assert_eq!(counts.grade(), grade, "{counts:?}");
        check(Counts::default(), Grade::Success);
        check(Counts { warnings: 2, report: 3, ..Counts::default() }, Grade::Success);
        check(Counts { obsolete: 1, ..Counts::default() }, Grade::Warnings);
        check(Counts { obsolete: 1, missing: 1, ..Counts::default() }, Grade::Failure);
        check(Counts { errors: 1, ..Counts::default() }, Grade::Failure);
    }

    #[test]
    fn a_tree_is_called_after_its_repository_and_configuration() {
        let repository = RepositoryUrl::parse("https://hg.mozilla.org/l10n/gecko-strings/", UrlRules::OnlyHttp).unwrap();
        assert_eq!(tree_code(&repository, "_configs/browser.toml"), "gecko-strings/browser");
        assert_eq!(tree_code(&repository, "l10n"), "gecko-strings/l10n");
    }
}
