//! Whether a path matches a pattern, and with which locale.
//!
//! The answer is the one that a regular expression of compare-locales would give, in its order: stars take as much as they
//! can, a locale as little as it can. No place is tried twice, so the time is that of one pass over the path for each part of
//! the pattern that is not text, whatever the two are; and there is a bound for all patterns together.

use std::borrow::Cow;
use std::ops::Range;

use super::code::{is_code, of_android, to_android};
use super::pattern::{Form, Node, Pattern};

/// How many places are tried for a path, with all patterns together; some hundred are usual for fifty patterns. It bounds what
/// many patterns of many stars cost, and those that name the locale twice, with which each locale takes a pass of its own.
const MOST_TRIES: usize = 500_000;
/// How many places can be forgotten in the time that one is tried.
const FORGOTTEN_AT_ONCE: usize = 64;

/// The search for one path; it is used for one pattern after the other, and remembers how much it has tried.
#[derive(Default)]
pub(super) struct Search {
    tries: usize,
    jobs: Vec<Job>,
    seen: Vec<bool>,
}

/// A place that is to be tried: a part of the pattern, and where in the path.
#[derive(Clone, Copy)]
struct Job {
    node: usize,
    /// Whether the part has taken a byte already.
    inside: bool,
    at: usize,
    locale: Option<Found>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Found {
    start: usize,
    end: usize,
    form: Form,
}

/// What matches: the code that the path has for the locale, if the pattern names one.
pub(super) struct Match<'p>(pub(super) Option<Cow<'p, str>>);

impl Search {
    /// Says whether the path takes too long, so that nothing is known of it.
    pub(super) fn is_given_up(&self) -> bool {
        self.tries > MOST_TRIES
    }

    /// Matches a path with a pattern; only locales that are wanted are taken.
    pub(super) fn run<'p>(&mut self, pattern: &Pattern, path: &'p [u8], wanted: &dyn Fn(&str) -> bool) -> Option<Match<'p>> {
        if !may_match(&pattern.nodes, path) {
            return None;
        }
        self.jobs.clear();
        self.seen.clear();
        let again = after_a_locale_named_again(&pattern.nodes);
        let mut run = Run { search: self, nodes: &pattern.nodes, path, wanted, again, locale: None };
        let found = run.all()?;
        Some(Match(found.and_then(|found| code(path, found.start..found.end, found.form))))
    }
}

/// Says whether the texts at the beginning and at the end are there.
fn may_match(nodes: &[Node], path: &[u8]) -> bool {
    let starts = !matches!(nodes.first(), Some(Node::Text(text)) if !path.starts_with(text));
    let ends = !matches!(nodes.last(), Some(Node::Text(text)) if !path.ends_with(text));
    starts && ends
}

fn after_a_locale_named_again(nodes: &[Node]) -> Option<usize> {
    let mut after = (1..).zip(nodes).filter(|(_, node)| matches!(node, Node::Locale(_))).map(|(after, _)| after);
    let first = after.next();
    after.next().and(first)
}

struct Run<'s, 'n, 'p> {
    search: &'s mut Search,
    nodes: &'n [Node],
    path: &'p [u8],
    wanted: &'s dyn Fn(&str) -> bool,
    /// The part after the first locale, if another one names it again.
    again: Option<usize>,
    /// The locale that was tried last.
    locale: Option<Found>,
}

impl<'p> Run<'_, '_, 'p> {
    /// Tries all places, the best first; gives the locale that was found on the way.
    fn all(&mut self) -> Option<Option<Found>> {
        self.later(0, 0, None);
        while let Some(job) = self.search.jobs.pop() {
            self.search.tries += 1;
            if self.search.is_given_up() {
                return None;
            }
            self.forget_another_locale(job);
            if self.was_tried(job) {
                continue;
            }
            let is_end = job.at == self.path.len();
            match self.nodes.get(job.node) {
                None if is_end => return Some(job.locale),
                Some(Node::Rest) if job.node + 1 == self.nodes.len() => return Some(job.locale),
                None => {}
                Some(node) => self.step(node, job),
            }
        }
        None
    }

    /// Says whether a place was tried before, and remembers it. Text needs no memory, since it leads to one place only.
    fn was_tried(&mut self, Job { node, inside, at, .. }: Job) -> bool {
        if matches!(self.nodes.get(node), None | Some(Node::Text(_))) {
            return false;
        }
        let seen = &mut self.search.seen;
        if seen.is_empty() {
            // Most paths are refused by the first text, before anything can be tried twice.
            if !self.nodes[..=node].iter().any(Node::is_open_ended) {
                return false;
            }
            seen.resize(2 * self.nodes.len() * (self.path.len() + 1), false);
            self.search.tries += seen.len() / FORGOTTEN_AT_ONCE;
        }
        let place = (2 * node + usize::from(inside)) * (self.path.len() + 1) + at;
        std::mem::replace(&mut seen[place], true)
    }

    /// With another locale than before, the places after it are to be tried anew, if they name it again.
    fn forget_another_locale(&mut self, job: Job) {
        let Some(after) = self.again.filter(|_| job.locale.is_some() && job.locale != self.locale) else { return };
        self.locale = job.locale;
        if let Some(seen) = self.search.seen.get_mut(2 * after * (self.path.len() + 1)..) {
            seen.fill(false);
            self.search.tries += seen.len() / FORGOTTEN_AT_ONCE;
        }
    }

    /// Puts what may follow onto the pile, the best last.
    fn step(&mut self, node: &Node, job: Job) {
        let Job { node: number, at, locale, inside } = job;
        let byte = self.path.get(at).copied();
        match node {
            Node::Text(text) => {
                if self.path[at..].starts_with(text) {
                    self.later(number + 1, at + text.len(), locale);
                }
            }
            Node::Star => {
                self.later(number + 1, at, locale);
                if byte.is_some_and(|byte| byte != b'/') {
                    self.take(job);
                }
            }
            Node::Rest => {
                self.later(number + 1, at, locale);
                self.take(job);
            }
            Node::Parts => {
                if !inside {
                    self.later(number + 1, at, locale);
                } else if byte == Some(b'/') {
                    self.later(number + 1, at + 1, locale);
                }
                self.take(Job { inside: true, ..job });
            }
            Node::Anything => {
                self.take(Job { inside: true, ..job });
                if inside {
                    self.later(number + 1, at, locale);
                }
            }
            Node::Locale(form) => match locale {
                None => self.locales(number, at, *form),
                Some(found) => self.locale_again(job, found, *form),
            },
        }
    }

    fn later(&mut self, node: usize, at: usize, locale: Option<Found>) {
        self.search.jobs.push(Job { node, inside: false, at, locale });
    }

    /// Lets a part take one byte more.
    fn take(&mut self, job: Job) {
        if job.at < self.path.len() {
            self.search.jobs.push(Job { at: job.at + 1, ..job });
        }
    }

    /// Tries every locale that stands here.
    fn locales(&mut self, node: usize, at: usize, form: Form) {
        let path = self.path;
        let may_stand = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'-' || (form == Form::Android && **byte == b'+');
        // Longer than any code; Android's form is at most two longer.
        let run = path[at..].iter().take(40).take_while(may_stand).count();
        for end in (at + 1..=at + run).rev() {
            let fits = match self.nodes.get(node + 1) {
                None => end == path.len(),
                Some(Node::Text(text)) => path[end..].starts_with(text),
                Some(_) => true,
            };
            if fits && code(path, at..end, form).is_some_and(|code| (self.wanted)(&code)) {
                self.later(node + 1, end, Some(Found { start: at, end, form }));
            }
        }
    }

    /// Goes on if the locale that was found stands here again.
    fn locale_again(&mut self, job: Job, found: Found, form: Form) {
        let Some(code) = code(self.path, found.start..found.end, found.form) else { return };
        let text = match form {
            Form::Plain => code,
            Form::Android => Cow::Owned(to_android(&code)),
        };
        if self.path[job.at..].starts_with(text.as_bytes()) {
            self.later(job.node + 1, job.at + text.len(), job.locale);
        }
    }
}

/// Reads the code of a locale from a path.
fn code(path: &[u8], range: Range<usize>, form: Form) -> Option<Cow<'_, str>> {
    let text = std::str::from_utf8(&path[range]).ok()?;
    match form {
        Form::Plain => is_code(text).then_some(Cow::Borrowed(text)),
        Form::Android => of_android(text).map(Cow::Owned),
    }
}
