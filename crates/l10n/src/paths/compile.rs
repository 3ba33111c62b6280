//! What all files of a configuration say becomes rules, in the order in which they are asked.

use std::collections::{BTreeMap, BTreeSet};

use super::config::{Config, Paths};
use super::tree::in_order;
use super::{MOST_RULES, Note, Rule, Rules, Unusable};

/// How many files may be excluded; one that several of them include counts as often.
const MOST_EXCLUDED: usize = 100;

/// Makes rules of a file, those that it includes and those that it excludes.
pub(super) fn compile(first: &str, configs: &BTreeMap<String, Config>, notes: Vec<Note>) -> Result<(Rules, Vec<Note>), Unusable> {
    let mut compiler = Compiler { lists: Vec::new(), numbers: BTreeMap::new(), rules: 0, notes };
    let included = in_order(first, configs);
    let mut rules = compiler.rules_of(&included, Use::Included);
    // compare-locales asks the last pattern first.
    rules.reverse();
    let excludes = compiler.excludes(first, configs, &included);
    if rules.is_empty() {
        let why = compiler.notes.first().map(|note| format!("; {note}")).unwrap_or_default();
        return Err(Unusable(format!("{first} has no `paths` that can be used{why}")));
    }
    Ok((Rules { lists: compiler.lists, rules, excludes }, compiler.notes))
}

/// A file and its path.
type Named<'c> = (&'c str, &'c Config);

/// What a pattern is used for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Included,
    Excluded,
}

struct Compiler {
    lists: Vec<Vec<String>>,
    numbers: BTreeMap<Vec<String>, usize>,
    rules: usize,
    notes: Vec<Note>,
}

impl Compiler {
    fn excludes(&mut self, first: &str, configs: &BTreeMap<String, Config>, included: &[Named<'_>]) -> Vec<Rule> {
        // What is included too is not excluded.
        let mut done: BTreeSet<&str> = included.iter().map(|(path, _)| *path).collect();
        let mut rules = Vec::new();
        let mut files = 0;
        for other in configs.get(first).into_iter().flat_map(|config| &config.excludes) {
            if !configs.contains_key(&other.path) || !done.insert(&other.path) {
                continue;
            }
            let excluded = in_order(&other.path, configs);
            files += excluded.len();
            if files > MOST_EXCLUDED {
                let why = "excluded files include too many others";
                self.note(first, other.line, format!("{} in `excludes` was left out: {why}", other.path));
            } else if all_locales(&excluded).is_empty() {
                self.note(first, other.line, format!("{} excludes nothing, since it lists no locales", other.path));
            } else {
                rules.extend(self.rules_of(&excluded, Use::Excluded));
            }
        }
        rules
    }

    /// Makes rules of a file and those that it includes, in their order.
    fn rules_of(&mut self, files: &[Named<'_>], used: Use) -> Vec<Rule> {
        let all = all_locales(files);
        let all = (!all.is_empty()).then(|| self.number(&all));
        let mut rules = Vec::new();
        for (file, config) in files {
            let own: Option<BTreeSet<&str>> = config.locales.as_ref().map(|list| list.iter().map(String::as_str).collect());
            let shared = own.as_ref().map(|list| self.number(list)).or(all);
            for paths in &config.paths {
                let list = match &paths.locales {
                    None => shared,
                    Some(list) => Some(self.number(&common(list, own.as_ref()))),
                };
                rules.extend(self.rule(file, paths, list, used));
            }
        }
        rules
    }

    /// Makes one rule, if it can be used.
    fn rule(&mut self, file: &str, paths: &Paths, list: Option<usize>, used: Use) -> Option<Rule> {
        if let Some(why) = self.why_not(paths, list, used) {
            self.note(file, paths.line, format!("this pattern was left out: {why}"));
            return None;
        }
        self.rules += 1;
        Some(Rule { pattern: paths.l10n.clone(), list })
    }

    fn why_not(&self, paths: &Paths, list: Option<usize>, used: Use) -> Option<String> {
        let locales = list.and_then(|list| self.lists.get(list)).map(Vec::len);
        if locales == Some(0) {
            return Some("none of its locales is in its file's list".to_owned());
        }
        if used == Use::Included && !paths.l10n.has_locale() && locales != Some(1) {
            return Some("it doesn't say which locale a path belongs to".to_owned());
        }
        (self.rules >= MOST_RULES).then(|| format!("there are more than {MOST_RULES}"))
    }

    /// Gives the number of a list of locales.
    fn number(&mut self, list: &BTreeSet<&str>) -> usize {
        let list: Vec<String> = list.iter().map(|&code| code.to_owned()).collect();
        *self.numbers.entry(list).or_insert_with_key(|list| {
            self.lists.push(list.clone());
            self.lists.len() - 1
        })
    }

    fn note(&mut self, file: &str, line: usize, text: String) {
        self.notes.push(Note { file: file.to_owned(), line, text });
    }
}

/// Gives all locales that are listed anywhere.
fn all_locales<'c>(files: &[Named<'c>]) -> BTreeSet<&'c str> {
    let configs = files.iter().map(|(_, config)| *config);
    let lists =
        configs.flat_map(|config| config.locales.iter().chain(config.paths.iter().filter_map(|paths| paths.locales.as_ref())));
    lists.flatten().map(String::as_str).collect()
}

/// Gives the locales of a pattern's list that are in its file's list, too.
fn common<'c>(list: &'c [String], own: Option<&BTreeSet<&str>>) -> BTreeSet<&'c str> {
    let own_too = |code: &&str| own.is_none_or(|own| own.contains(code));
    list.iter().map(String::as_str).filter(own_too).collect()
}
