//! What is asked of the pushlog: what follows the question mark in an address in; a filter, the same in words, and addresses of
//! other pages out. Pure; takes any text, and refuses in a sentence that names the parameter and what it may be.

use super::error::PageError;
use super::format::Here;
use crate::domain::{Kept, LocaleCode, RepositoryId, RepositoryName};
use crate::store::{Begin, ChangesetFilter, MOST_PATHS, OfLocale, PushFilter, PushKey, RepositoryRow};
use jiff::Timestamp;
use std::ops::RangeInclusive;
use url::form_urlencoded;

const LENGTH: usize = 50;
const MOST: usize = 500;
const FURTHEST: u32 = 10_000;
/// How long a text may be, and how many names can be asked for.
const LONGEST: usize = 200;
const MOST_NAMES: usize = 50;
/// How many changesets of a push are shown, and of all pushes of a page together: 500 make half a megabyte.
const CHANGESETS_EACH: usize = 20;
const CHANGESETS_TOGETHER: usize = 500;

/// Which pushes an address asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PushQuery {
    repo: Vec<String>,
    exclude: Vec<String>,
    path: Vec<String>,
    user: String,
    author: String,
    locale: String,
    desc: String,
    branch: String,
    from: Option<Moment>,
    until: Option<Moment>,
    length: Option<usize>,
    start: Option<u32>,
    before: Option<PushKey>,
    after: Option<PushKey>,
    /// One push alone: its generation, if that is not the newest, and its number.
    push: Option<(Option<i64>, u64)>,
}

/// Whose pushes are asked for; those of all where no repositories are named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) repositories: Option<Vec<RepositoryId>>,
    pub(super) of_locale: Option<OfLocale>,
}

/// A time as it was written, and the second it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Moment {
    text: String,
    second: i64,
}

/// One filter that is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chip {
    pub(super) words: &'static str,
    pub(super) value: String,
    /// The page without it.
    pub(super) without: String,
}

/// One field of the form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) kind: &'static str,
    pub(super) value: String,
}

impl PushQuery {
    /// Reads what follows the question mark; what is left empty is not asked for, and names that are not ours are let be.
    pub(super) fn of(query: &str) -> Result<PushQuery, PageError> {
        let mut asked = PushQuery::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.trim();
            if !value.is_empty() {
                asked.take(&name, value)?;
            }
        }
        let places = [asked.start.is_some(), asked.before.is_some(), asked.after.is_some(), asked.push.is_some()];
        if places.into_iter().filter(|is_given| *is_given).count() > 1 {
            return Err(refused("Only one of start=, before=, after= and push= can be given."));
        }
        Ok(asked)
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), PageError> {
        match name {
            "repo" => several("repo", &mut self.repo, value, MOST_NAMES),
            "exclude" => several("exclude", &mut self.exclude, value, MOST_NAMES),
            "path" => several("path", &mut self.path, value, MOST_PATHS),
            "user" => one("user", &mut self.user, value),
            "author" => one("author", &mut self.author, value),
            "locale" => one("locale", &mut self.locale, value),
            "desc" => one("desc", &mut self.desc, value),
            "branch" => one("branch", &mut self.branch, value),
            "from" => once("from", &mut self.from, moment(value, Second::First), TIME),
            "until" => once("until", &mut self.until, moment(value, Second::Last), TIME),
            "length" => once("length", &mut self.length, number_in(value, &(1..=MOST)), "a number from 1 to 500"),
            "start" => once("start", &mut self.start, number_in(value, &(0..=FURTHEST)), "a number from 0 to 10000"),
            "before" => once("before", &mut self.before, key(value), KEY),
            "after" => once("after", &mut self.after, key(value), KEY),
            "push" => {
                once("push", &mut self.push, push_number(value), "the number of a push, as 250, or with its generation, as 1.250")
            }
            _ => Ok(()),
        }
    }

    /// Those of some repositories whose pushes are asked for.
    pub(super) fn choose<'r>(&self, repositories: impl Iterator<Item = &'r RepositoryRow>) -> Chosen {
        let named: Vec<&RepositoryRow> = repositories.filter(|repository| self.names(&repository.name)).collect();
        let ids = |chosen: &dyn Fn(&RepositoryRow) -> bool| {
            named.iter().filter(|repository| chosen(repository)).map(|repository| repository.id).collect::<Vec<_>>()
        };
        if self.locale.is_empty() {
            return Chosen { repositories: Some(ids(&|_| true)), of_locale: None };
        }
        let is_own = |repository: &RepositoryRow| repository.locale.as_ref().is_some_and(|locale| locale.as_str() == self.locale);
        let among = ids(&|repository| repository.many_locales && !is_own(repository));
        // What cannot be a locale has no pushes.
        let of_locale = self.locale.parse::<LocaleCode>().ok().map(|locale| OfLocale { locale, among });
        Chosen { repositories: Some(ids(&is_own)), of_locale }
    }

    fn names(&self, name: &RepositoryName) -> bool {
        let contains = |part: &String| name.as_str().to_lowercase().contains(&part.to_lowercase());
        (self.repo.is_empty() || self.repo.iter().any(contains)) && !self.exclude.iter().any(|excluded| excluded == name.as_str())
    }

    /// Whether names and locales matter.
    pub(super) fn chooses_repositories(&self) -> bool {
        !self.repo.is_empty() || !self.exclude.is_empty() || !self.locale.is_empty()
    }

    /// The push that is asked for alone.
    pub(super) fn push(&self) -> Option<(Option<i64>, u64)> {
        self.push
    }

    /// It begins with the newest push, whatever else is asked for.
    pub(super) fn is_at_start(&self) -> bool {
        self.before.is_none() && self.after.is_none() && self.start.unwrap_or_default() == 0
    }

    /// It asks for pushes that are newer than one.
    pub(super) fn looks_up(&self) -> bool {
        self.after.is_some()
    }

    /// The filter for the store.
    pub(super) fn filter(&self, Chosen { repositories, of_locale }: Chosen) -> PushFilter {
        let text = |text: &String| Kept::from(text.as_str()).as_str().to_owned();
        PushFilter {
            repositories,
            of_locale,
            user: text(&self.user),
            changeset: ChangesetFilter {
                author: text(&self.author),
                description: text(&self.desc),
                branch: text(&self.branch),
                paths: self.path.iter().map(text).collect(),
            },
            from: self.from.as_ref().map_or(i64::MIN, |moment| moment.second),
            until: self.until.as_ref().map_or(i64::MAX, |moment| moment.second),
            place: self.place(),
            length: self.length(),
            changesets_each: CHANGESETS_EACH,
            changesets_together: CHANGESETS_TOGETHER,
        }
    }

    fn place(&self) -> Begin {
        match (self.before, self.after) {
            (Some(key), _) => Begin::Before(key),
            (_, Some(key)) => Begin::After(key),
            (None, None) => Begin::Start(self.start.unwrap_or_default()),
        }
    }

    /// Whoever says since when wants everything since.
    fn length(&self) -> usize {
        self.length.unwrap_or(if self.from.is_some() { MOST } else { LENGTH })
    }

    /// Where the page is; `path` is the part of its address before the question mark.
    pub(super) fn here(&self, path: &str) -> Here {
        let here = self.filters().into_iter().fold(Here::at(path), |here, (name, _, value)| here.and(name, value));
        let or_nothing = |text: Option<String>| text.unwrap_or_default();
        here.and("length", or_nothing(self.length.map(|length| length.to_string())))
            .and("start", or_nothing(self.start.filter(|start| *start > 0).map(|start| start.to_string())))
            .and("before", or_nothing(self.before.map(key_text)))
            .and("after", or_nothing(self.after.map(key_text)))
            .and("push", or_nothing(self.push.map(push_text)))
    }

    /// The filters that are set, in words, each with the page without it.
    pub(super) fn chips(&self, path: &str) -> Vec<Chip> {
        let filters = self.filters();
        let without = |left_out: usize| {
            let others = filters.iter().enumerate().filter(|(index, _)| *index != left_out);
            let here = others.fold(Here::at(path), |here, (_, (name, _, value))| here.and(*name, value));
            here.and("length", self.length.map(|length| length.to_string()).unwrap_or_default()).address()
        };
        let chip = |(index, (_, words, value)): (usize, &(_, &'static str, String))| Chip {
            words,
            value: Kept::from(value.as_str()).to_string(),
            without: without(index),
        };
        filters.iter().enumerate().map(chip).collect()
    }

    /// Each filter by its name, in words, and with its value.
    fn filters(&self) -> Vec<(&'static str, &'static str, String)> {
        let many = |name: &'static str, words: &'static str, values: &[String]| {
            values.iter().map(|value| (name, words, value.clone())).collect::<Vec<_>>()
        };
        let text = |moment: &Option<Moment>| moment.as_ref().map(|moment| moment.text.clone()).unwrap_or_default();
        let mut filters = many(
            "repo",
            if self.repo.len() > 1 { "repository, among others, contains" } else { "repository contains" },
            &self.repo,
        );
        filters.extend(many("exclude", "not repository", &self.exclude));
        filters.extend(many("path", "path contains", &self.path));
        filters.extend([
            ("locale", "locale", self.locale.clone()),
            ("user", "pusher contains", self.user.clone()),
            ("author", "author contains", self.author.clone()),
            ("desc", "description contains", self.desc.clone()),
            ("branch", "branch", self.branch.clone()),
            ("from", "from", text(&self.from)),
            ("until", "until", text(&self.until)),
        ]);
        filters.retain(|(_, _, value)| !value.is_empty());
        filters
    }

    /// The fields of the form.
    pub(super) fn fields(&self, is_one_repository: bool) -> Vec<Field> {
        let field = |name, label, value: &str| Field { name, label, kind: "text", value: value.to_owned() };
        let several = |name, label, values: &[String]| {
            let at_least_one = values.iter().map(String::as_str).chain(std::iter::once("").take(usize::from(values.is_empty())));
            at_least_one.map(|value| field(name, label, value)).collect::<Vec<_>>()
        };
        let mut fields = several("path", "A path contains", &self.path);
        fields.extend([day("from", "From", self.from.as_ref()), day("until", "Until", self.until.as_ref())]);
        if !is_one_repository {
            fields.extend(several("repo", "Repository contains", &self.repo));
            fields.push(field("locale", "Locale", &self.locale));
        }
        fields.extend([
            field("user", "Pusher contains", &self.user),
            field("author", "Author contains", &self.author),
            field("desc", "Description contains", &self.desc),
            field("branch", "Branch", &self.branch),
        ]);
        fields
    }
}

const TIME: &str = "seconds since 1970, a day as 2024-05-31, or a time as 2024-05-31T12:00:00Z";
const KEY: &str = "a time in seconds since 1970 and a number, as 1717156800.250";

fn one(name: &str, place: &mut String, value: &str) -> Result<(), PageError> {
    if !place.is_empty() {
        return Err(refused(&format!("{name}= can be given only once.")));
    }
    value.clone_into(place);
    short_enough(name, value)
}

fn several(name: &str, places: &mut Vec<String>, value: &str, most: usize) -> Result<(), PageError> {
    if places.len() == most {
        return Err(PageError::too_many(name, most));
    }
    places.push(value.to_owned());
    short_enough(name, value)
}

fn short_enough(name: &str, value: &str) -> Result<(), PageError> {
    let fits = value.chars().count() <= LONGEST;
    if fits { Ok(()) } else { Err(refused(&format!("{name}= can be a text of at most {LONGEST} characters."))) }
}

fn once<T>(name: &str, place: &mut Option<T>, value: Option<T>, what: &str) -> Result<(), PageError> {
    if place.is_some() {
        return Err(refused(&format!("{name}= can be given only once.")));
    }
    *place = value;
    if place.is_some() { Ok(()) } else { Err(refused(&format!("{name}= can be {what}."))) }
}

fn refused(sentence: &str) -> PageError {
    PageError::BadRequest(sentence.to_owned())
}

/// Which second of a day is meant where no time of day is said.
#[derive(Clone, Copy)]
enum Second {
    First,
    Last,
}

fn moment(text: &str, of_day: Second) -> Option<Moment> {
    // A plus sign that nobody escaped has become a space.
    let time = || text.replace(' ', "+").parse::<Timestamp>().ok().map(Timestamp::as_second);
    let within = match of_day {
        Second::First => 0,
        Second::Last => 86_399,
    };
    let day = || midnight(text).map(|midnight| midnight + within);
    let second = text.parse::<i64>().ok().or_else(day).or_else(time)?;
    Some(Moment { text: text.to_owned(), second })
}

/// When a day begins, written as 2024-05-31.
fn midnight(day: &str) -> Option<i64> {
    let begins = || format!("{day}T00:00:00Z").parse::<Timestamp>().ok();
    (day.len() == 10).then(begins).flatten().map(Timestamp::as_second)
}

fn day(name: &'static str, label: &'static str, moment: Option<&Moment>) -> Field {
    let value = moment.map(|moment| moment.text.clone()).unwrap_or_default();
    let kind = if value.is_empty() || midnight(&value).is_some() { "date" } else { "text" };
    Field { name, label, kind, value }
}

fn number_in<T: std::str::FromStr + PartialOrd>(text: &str, range: &RangeInclusive<T>) -> Option<T> {
    text.parse().ok().filter(|number| range.contains(number))
}

/// Reads a key as addresses have it.
pub(super) fn key(text: &str) -> Option<PushKey> {
    let (date, id) = text.split_once('.')?;
    Some(PushKey { date: date.parse().ok()?, id: number_in(id, &(0..=i64::MAX))? })
}

/// A key as addresses have it.
pub(super) fn key_text(key: PushKey) -> String {
    format!("{}.{}", key.date, key.id)
}

/// The number of a push, with its generation or without.
pub(super) fn push_number(text: &str) -> Option<(Option<i64>, u64)> {
    let number = |text: &str| number_in(text, &(0..=i64::MAX.cast_unsigned()));
    match text.split_once('.') {
        Some((generation, push)) => Some((Some(number_in(generation, &(0..=i64::MAX))?), number(push)?)),
        None => Some((None, number(text)?)),
    }
}

fn push_text((generation, push): (Option<i64>, u64)) -> String {
    generation.map_or_else(|| push.to_string(), |generation| format!("{generation}.{push}"))
}

#[cfg(test)]
mod tests {
    use super::{Chosen, PushQuery};
    use crate::domain::RepositoryId;
    use crate::store::{Begin, PushFilter, PushKey, RepositoryRow};

    fn filter(query: &str) -> PushFilter {
        PushQuery::of(query).unwrap_or_else(|error| panic!("{query}: {error}")).filter(Chosen::default())
    }

    #[test]
    fn nothing_asked_for_is_everything_from_the_newest_on() {
        for query in ["", "repo=&path=&user=+&from=&length=&before=", "unknown=1&format=json"] {
            assert_eq!(filter(query), PushQuery::default().filter(Chosen::default()), "{query}");
        }
        let all = filter("");
        assert_eq!((all.length, all.place, all.from, all.until), (50, Begin::Start(0), i64::MIN, i64::MAX));
    }

    #[test]
    fn texts_are_taken_as_they_are() {
        let all = filter("path=browser&path=.ftl&user=a%25_&author=%C3%89&desc=Bug+1&branch=default");
        assert_eq!(all.changeset.paths, ["browser", ".ftl"]);
        assert_eq!((all.user.as_str(), all.changeset.author.as_str()), ("a%_", "É"));
        assert_eq!((all.changeset.description.as_str(), all.changeset.branch.as_str()), ("Bug 1", "default"));
        assert!(!filter("desc=%00").changeset.description.contains('\0'), "no database takes it");
    }

    #[test]
    fn times_are_seconds_days_or_times_and_days_are_whole() {
        let check = |text: &str, from, until| {
            assert_eq!((filter(&format!("from={text}")).from, filter(&format!("until={text}")).until), (from, until), "{text}");
        };
        check("1717156800", 1_717_156_800, 1_717_156_800);
        check("-1", -1, -1);
        check("2024-05-31", 1_717_113_600, 1_717_199_999);
        check("2024-05-31T12:00:00Z", 1_717_156_800, 1_717_156_800);
        check("2024-05-31T14:00:00+02:00", 1_717_156_800, 1_717_156_800);
        check("2024-05-31T14:00:00%2B02:00", 1_717_156_800, 1_717_156_800);
    }

    #[test]
    fn whoever_says_since_when_gets_everything_since() {
        assert_eq!(filter("from=1").length, 500);
        assert_eq!(filter("from=1&length=20").length, 20);
        assert_eq!(filter("until=1").length, 50);
    }

    #[test]
    fn a_page_begins_at_a_number_or_at_a_key() {
        assert_eq!(filter("start=100").place, Begin::Start(100));
        assert_eq!(filter("before=-5.7").place, Begin::Before(PushKey { date: -5, id: 7 }));
        assert_eq!(filter("after=1717156800.7").place, Begin::After(PushKey { date: 1_717_156_800, id: 7 }));
        assert_eq!(PushQuery::of("push=2.7").unwrap().push(), Some((Some(2), 7)));
        assert_eq!(PushQuery::of("push=7").unwrap().push(), Some((None, 7)));
    }

    #[test]
    fn what_cannot_be_is_refused_by_its_name() {
        for (query, sentence) in [
            ("length=0", "length= can be a number from 1 to 500."),
            ("length=501", "length= can be"),
            ("length=-1", "length= can be"),
            ("length=99999999999999999999", "length= can be"),
            ("length=1.5", "length= can be"),
            ("start=-1", "start= can be a number from 0 to 10000."),
            ("start=10001", "start= can be"),
            ("from=yesterday", "from= can be seconds since 1970, a day as 2024-05-31"),
            ("from=2024-02-30", "from= can be"),
            ("from=2024-05-31x", "from= can be"),
            ("until=99999999999999999999", "until= can be"),
            ("until=1&until=2", "until= can be given only once."),
            ("before=250", "before= can be a time in seconds since 1970 and a number"),
            ("before=1.", "before= can be"),
            ("before=.1", "before= can be"),
            ("before=1.-1", "before= can be"),
            ("after=1.2.3", "after= can be"),
            ("push=x", "push= can be the number of a push"),
            ("push=1.18446744073709551615", "push= can be"),
            ("user=a&user=b", "user= can be given only once."),
            ("path=1&path=2&path=3&path=4&path=5", "path= can be given at most 4 times."),
            ("before=1.1&after=1.1", "Only one of start=, before=, after= and push= can be given."),
        ] {
            let error = PushQuery::of(query).expect_err(query).to_string();
            assert!(error.starts_with(sentence), "{query}: {error}");
        }
        let long = format!("desc={}", "x".repeat(201));
        assert!(PushQuery::of(&long).is_err());
        assert!(PushQuery::of(&"repo=x&".repeat(51)).is_err());
    }

    #[test]
    fn repositories_are_chosen_by_name_and_locale() {
        let row = |id, name: &str, locale: Option<&str>, many_locales| RepositoryRow {
            id: RepositoryId(id),
            name: name.parse().unwrap(),
            locale: locale.map(|locale| locale.parse().unwrap()),
            many_locales,
        };
        let rows = [row(1, "l10n-central/fr", Some("fr"), false), row(2, "l10n/all", None, true), row(3, "source", None, false)];
        let check = |query: &str, own: &[i64], among: Option<&[i64]>| {
            let chosen = PushQuery::of(query).unwrap().choose(rows.iter());
            let ids = |ids: Vec<RepositoryId>| ids.into_iter().map(|id| id.0).collect::<Vec<_>>();
            assert_eq!(ids(chosen.repositories.unwrap()), own, "{query}");
            assert_eq!(chosen.of_locale.map(|list| ids(list.among)).as_deref(), among, "{query}");
        };
        check("", &[1, 2, 3], None);
        check("repo=Central", &[1], None);
        check("repo=x&repo=FR", &[1], None);
        check("repo=x", &[], None);
        check("exclude=fr", &[1, 2, 3], None);
        check("exclude=l10n-central/fr", &[2, 3], None);
        check("locale=fr", &[1], Some(&[2]));
        check("locale=de", &[], Some(&[2]));
        check("locale=fr&exclude=l10n/all", &[1], Some(&[]));
        check("locale=f!", &[], None);
    }

    #[test]
    fn a_filter_is_said_in_words_and_can_be_taken_away() {
        let query = PushQuery::of("repo=a&repo=b&path=%01&from=2024-05-31&before=1.1&length=20").unwrap();
        let chips = query.chips("/p");
        let words: Vec<(&str, &str)> = chips.iter().map(|chip| (chip.words, chip.value.as_str())).collect();
        assert_eq!(words[2..], [("path contains", "\\x01"), ("from", "2024-05-31")]);
        assert_eq!(chips[0].without, "/p?repo=b&path=%01&from=2024-05-31&length=20");
        assert_eq!(query.here("/p").address(), "/p?repo=a&repo=b&path=%01&from=2024-05-31&length=20&before=1.1");
    }

    #[test]
    fn the_form_has_a_field_for_each_value() {
        let fields = PushQuery::of("path=a&path=b&from=1717156800").unwrap().fields(true);
        let shown: Vec<(&str, &str, &str)> =
            fields.iter().map(|field| (field.name, field.kind, field.value.as_str())).take(4).collect();
        assert_eq!(shown, [("path", "text", "a"), ("path", "text", "b"), ("from", "text", "1717156800"), ("until", "date", "")]);
        assert!(fields.iter().all(|field| field.name != "repo"));
    }
}
