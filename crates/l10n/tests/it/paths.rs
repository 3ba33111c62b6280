//! Which locale a path belongs to: compare-locales' answers, what is meant to differ, what is said, and hostile rules.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use elmo_l10n::paths::{Files, Note, Reading, Rules, Unusable};
use proptest::prelude::{ProptestConfig, Strategy, any, prop, proptest};

/// A path, and the locale that it should belong to.
type Expected<'a> = (&'a str, Option<&'a str>);

type Answers = BTreeMap<String, Vec<String>>;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

/// Reads rules as a caller does: what is wanted is fetched until nothing is wanted any more.
fn read(config: &str, fetch: impl Fn(&str) -> Option<Vec<u8>>) -> Result<(Rules, Vec<Note>), Unusable> {
    let mut files = Files::new();
    for _ in 0..20 {
        match Rules::of_toml(config, &files)? {
            Reading::Done(rules, notes) => return Ok((rules, notes)),
            Reading::Wants(paths) => files.extend(paths.into_iter().map(|path| (path.clone(), fetch(&path)))),
        }
    }
    panic!("{config} always wants more");
}

fn read_text(text: &str) -> Result<(Rules, Vec<Note>), Unusable> {
    read("l10n.toml", |path| (path == "l10n.toml").then(|| text.as_bytes().to_vec()))
}

fn locale_of(rules: &Rules, path: &str) -> Option<String> {
    rules.locale_of(path.as_bytes()).map(Cow::into_owned)
}

struct Case {
    rules: Rules,
    paths: Vec<String>,
    /// What compare-locales answers, if it doesn't refuse.
    golden: Option<Answers>,
}

fn case(name: &str) -> Case {
    let root = folder("paths").join(name);
    let text = fs::read_to_string(root.join("paths.txt")).unwrap();
    let mut lines = text.lines().map(str::to_owned);
    let (rules, _) = read(&lines.next().unwrap(), |path| fs::read(root.join(path)).ok()).unwrap();
    let golden = fs::read(folder("golden/paths").join(format!("{name}.json"))).unwrap();
    Case { rules, paths: lines.collect(), golden: serde_json::from_slice(&golden).ok() }
}

fn cases() -> Vec<String> {
    let cases = fs::read_dir(folder("paths")).unwrap().map(|case| case.unwrap().file_name().into_string().unwrap());
    let mut cases: Vec<_> = cases.collect();
    cases.sort();
    cases
}

#[test]
fn paths_belong_to_the_locales_that_compare_locales_finds() {
    for name in cases().iter().filter(|name| !name.starts_with("meant_")) {
        let Case { rules, paths, golden } = case(name);
        let golden = golden.unwrap();

        for path in &paths {
            let found = locale_of(&rules, path);

            let fits = found.as_ref().map_or(golden[path].is_empty(), |found| golden[path].contains(found));
            assert!(fits, "{name}: {path} belongs to {found:?}, in compare-locales to {:?}", golden[path]);
        }
    }
}

const DIFFERENCES: [(&str, &[&str], &str); 10] = [
    (
        "meant_android",
        &["values-b+ja+JP+mac/strings.xml: ja-JP-mac", "values-che/strings.xml: che"],
        "a code is written as Android writes it, whole; only a language has an old code",
    ),
    ("meant_base", &["localizations/de/a.ftl: de"], "a value in `env` counts; compare-locales has its command line's"),
    ("meant_cycle", &["de/a/a.ftl: de", "de/b/a.ftl: de"], "files that include each other are read once"),
    ("meant_dots", &["locales/de/a.ftl: de"], "compare-locales finds such files when it walks, but not by their path"),
    ("meant_many", &["de/a.ftl: de"], "a path belongs to one locale, so a pattern has to say to which"),
    ("meant_missing", &["de/a/a.ftl: de"], "a file that is not there is left out, with a note"),
    (
        "meant_nested",
        &["de/a: de", "de/third/a: de"],
        "only the first file may exclude; the others' excludes are left out, with a note",
    ),
    ("meant_reference", &["de/a.ftl: de", "de/other/a.ftl: de"], "the reference of an excluded file excludes nothing"),
    ("meant_star", &["de/a.ftl: de", "x/y/de/a.ftl: de"], "a pattern may start with a star; compare-locales fails"),
    (
        "meant_unlisted",
        &["de/a.ftl: de", "x/a/a-de.ftl: de", "x/a/b-de.ftl: de"],
        "only what has the shape of a code is one; a variable without a value may stand for two things",
    ),
];

#[test]
fn each_difference_from_compare_locales_is_meant() {
    for (name, expected, reason) in DIFFERENCES {
        let Case { rules, paths, golden } = case(name);

        let found: Vec<_> = paths.iter().filter_map(|path| Some((path, locale_of(&rules, path)?))).collect();

        let rows: Vec<_> = found.iter().map(|(path, code)| format!("{path}: {code}")).collect();
        assert_eq!(rows, expected, "{name}: {reason}");
        let same =
            |golden: Answers| paths.iter().all(|path| locale_of(&rules, path).into_iter().collect::<Vec<_>>() == golden[path]);
        assert!(!golden.is_some_and(same), "{name} is no difference: {reason}");
    }
}

#[test]
fn each_case_that_shows_a_difference_has_its_reason() {
    let meant: Vec<_> = cases().into_iter().filter(|name| name.starts_with("meant_")).collect();

    assert_eq!(meant, DIFFERENCES.map(|(name, ..)| name));
}

#[test]
fn the_last_pattern_is_asked_first_and_stars_take_as_much_as_they_can() {
    let rules = case("orders").rules;

    let found = ["fr/for/de/a", "it/fr/deep/a", "fr/deep/it/deep/a"].map(|path| locale_of(&rules, path).unwrap());

    assert_eq!(found, ["de", "fr", "it"]);
}

#[test]
fn one_pattern_stands_for_all_locales() {
    let cases: [(&str, &[Expected<'_>]); 7] = [
        (
            "{locale}/**",
            &[
                ("de/a", Some("de")),
                ("ja-JP-mac/a/b", Some("ja-JP-mac")),
                ("x-testing/a", Some("x-testing")),
                ("_configs/browser.toml", None),
                ("README.md", None),
                ("de", None),
                ("", None),
                ("/de/a", None),
                ("de_AT/a", None),
                ("taskcluster/a", None),
            ],
        ),
        ("locales/{locale}/LC_MESSAGES/*.po", &[("locales/de/LC_MESSAGES/a.po", Some("de")), ("locales/de/a.po", None)]),
        ("res/values-{android_locale}/strings.xml", &[("res/values-iw/strings.xml", Some("he")), ("res/values/strings.xml", None)]),
        ("po/{locale}.po", &[("po/pt-BR.po", Some("pt-BR")), ("po/.po", None), ("po/de.pot", None)]),
        ("{l10n_base}/{locale}/*", &[("de/a", Some("de")), ("de/a/b", None)]),
        ("**/{locale}-{locale}", &[("a/de-de", Some("de")), ("a/de-AT-de-AT", Some("de-AT")), ("a/de-fr", None)]),
        ("*{locale}", &[("ende", Some("de")), ("e", None)]),
    ];
    for (pattern, paths) in cases {
        let rules = Rules::of_pattern(pattern).unwrap();
        for (path, expected) in paths {
            assert_eq!(locale_of(&rules, path).as_deref(), *expected, "{pattern} and {path}");
        }
    }
}

#[test]
fn a_path_is_bytes() {
    let rules = Rules::of_pattern("{locale}/*.ini").unwrap();

    assert_eq!(rules.locale_of(b"de/caf\xe9.ini").as_deref(), Some("de"));
    assert_eq!(rules.locale_of(b"d\xe9/caf\xe9.ini"), None);
}

#[test]
fn a_pattern_that_cannot_be_used_says_why() {
    let cases = [
        ("", "the pattern cannot be used: it is empty"),
        ("l10n/**", "the pattern cannot be used: it has neither `{locale}` nor `{android_locale}`"),
        ("{lang}/**/{locale}", "the pattern cannot be used: the variable `lang` has no value"),
        (
            "{locale}/",
            "the pattern cannot be used: it ends with a slash, so no file matches; `**` after it is all files in the folder",
        ),
        ("../{locale}", "the pattern cannot be used: it leads out of the repository"),
    ];
    for (pattern, expected) in cases {
        assert_eq!(Rules::of_pattern(pattern).unwrap_err().to_string(), expected);
    }
}

/// Has one of everything that is not understood.
const ODD: &str = r#"basepath = 3
locales = ["de", 4, "de_AT", "fr"]
dashboard = true

[env]
kind = 5
locale = "de"

[build]
anything = 1

[[filters]]
path = "**"
unknown = 1

[[paths]]
l10n = "{locale}/{where}/**"
module = "x"

[[paths]]
reference = "a"

[[paths]]
l10n = "/{locale}"

[[paths]]
l10n = "all/*"

[[paths]]
l10n = "it/{locale}"
locales = ["it"]

[[paths]]
l10n = 6

[[includes]]
file = "x"

[[includes]]
path = "{where}/l10n.toml"

[[includes]]
path = "missing.toml"

[[excludes]]
path = "../l10n.toml"
"#;

#[test]
fn what_is_not_understood_is_said_with_its_line() {
    let (rules, notes) = read_text(ODD).unwrap();

    let notes: Vec<_> = notes.iter().map(|note| note.to_string().replace("l10n.toml, line ", "")).collect();
    assert_eq!(
        notes,
        [
            "1: `basepath` is no text and was left out",
            "2: an entry of `locales` is no text and was left out",
            "2: `de_AT` in `locales` is no code of a locale and was left out",
            "3: `dashboard` is not known and was left out",
            "6: `kind` in `env` is no text and was left out",
            "7: `locale` in `env` was left out: it is always the locale of the path",
            "17: the variable `where` has no value, so it matches anything",
            "18: `module` in `paths` is not known and was left out",
            "20: `paths` without `l10n` was left out",
            "24: `/{locale}` was left out: it is an absolute path, which no path in a repository is",
            "27: this pattern was left out: it doesn't say which locale a path belongs to",
            "30: this pattern was left out: none of its locales is in its file's list",
            "34: `l10n` is no text and was left out",
            "36: `includes` without `path` was left out",
            "37: `file` in `includes` is not known and was left out",
            "40: `{where}/l10n.toml` in `includes` was left out: the variable `where` has no value",
            "43: a file was left out: missing.toml is not in the repository",
            "46: `../l10n.toml` in `excludes` was left out: it leads out of the repository",
        ]
    );
    assert_eq!(locale_of(&rules, "fr/x/y").as_deref(), Some("fr"));
}

#[test]
fn real_configurations_are_understood_whole() {
    for (name, config) in [("browser", "_configs/browser.toml"), ("mobile", "l10n.toml"), ("thunderbird", "mail/locales/l10n.toml")]
    {
        let (_, notes) = read(config, |path| fs::read(folder("paths").join(name).join(path)).ok()).unwrap();

        assert_eq!(notes, [], "{name}");
    }
}

#[test]
fn a_configuration_that_cannot_be_used_says_why() {
    let cases = [
        ("a = ", "l10n.toml, line 1, is no TOML: "),
        ("\n\na b", "l10n.toml, line 3, is no TOML: "),
        ("", "l10n.toml has no `paths` that can be used"),
        (
            "paths = 1",
            "l10n.toml has no `paths` that can be used; l10n.toml, line 1: `paths` is no list of tables and was left out",
        ),
        ("[[paths]]\nl10n = 'a'", "l10n.toml has no `paths` that can be used; l10n.toml, line 2: this pattern was left out"),
    ];
    for (text, expected) in cases {
        let why = read_text(text).unwrap_err().to_string();
        assert!(why.starts_with(expected), "{text:?}: {why}");
    }
    let not_there = read("l10n.toml", |_| None).unwrap_err();
    let no_text = read("l10n.toml", |_| Some(b"\xff".to_vec())).unwrap_err();
    assert_eq!(not_there.to_string(), "l10n.toml is not in the repository");
    assert_eq!(no_text.to_string(), "l10n.toml is not UTF-8");
}

#[test]
fn rules_are_kept_as_a_text_that_changes_when_they_do() {
    for name in cases() {
        let rules = case(&name).rules;
        let kept = Rules::from_text(&rules.to_text());
        assert_eq!(kept.as_ref(), Ok(&rules), "{name}");
    }
    let one = Rules::of_pattern("a %2A é/{x-y}/{locale}/**/*.{locale}").unwrap();
    let text = "paths 1\npath any a%20%252A%20%C3%A9/%7Bx-y%7D/{locale}/{parts}*.{locale}\n";
    assert_eq!((one.to_text(), Rules::from_text(text)), (text.to_owned(), Ok(one)));
}

#[test]
fn a_text_that_is_no_kept_rules_is_refused() {
    let bad = ["", "paths 2\n", "paths 1\npath", "paths 1\npath 0 {locale}", "paths 1\npath any a", "paths 1\nlocales a b\n"];
    let worse = [
        "paths 1\npath any {locale}%2",
        "paths 1\npath any {locale} a",
        "paths 1\nlocales de de_\n",
        "paths 1\npath any {x}{locale}",
    ];
    for text in bad.into_iter().chain(worse) {
        assert!(Rules::from_text(text).is_err(), "{text:?}");
    }
}

#[test]
fn what_a_file_names_is_bounded() {
    let includes = |paths: &[String]| paths.iter().map(|path| format!("[[includes]]\npath = '{path}'\n")).collect::<String>();
    let pattern = "[[paths]]\nl10n = '{locale}/a'\n";
    let deep = |path: &str| {
        let number: usize = path.trim_end_matches(".toml").parse().unwrap();
        Some(format!("{pattern}{}", includes(&[format!("{}.toml", number + 1)])).into_bytes())
    };
    let wide: Vec<_> = (0..200).map(|number| format!("{number}.toml")).collect();
    let wide = |path: &str| {
        Some(if path == "l10n.toml" { pattern.to_owned() + &includes(&wide) } else { pattern.to_owned() }.into_bytes())
    };
    let long = "#".repeat(2 << 20);
    let codes = ('a'..='z').flat_map(|a| ('a'..='z').flat_map(move |b| ('a'..='z').map(move |c| format!("'{a}{b}{c}',"))));
    let codes = codes.collect::<String>();
    let files: Vec<_> = (0..40).map(|number| format!("{number}.toml")).collect();
    let excludes = includes(&files).replace("includes", "excludes");
    let tangled = |path: &str| {
        let named = if path == "l10n.toml" { excludes.clone() } else { includes(&files) };
        let listed = if path == "0.toml" || path == "l10n.toml" { format!("locales = [{codes}]\n") } else { String::new() };
        Some(format!("{listed}{pattern}{named}").into_bytes())
    };

    let (_, deep) = read("0.toml", deep).unwrap();
    let (_, wide) = read("l10n.toml", wide).unwrap();
    let (_, patterns) = read_text(&pattern.repeat(1200)).unwrap();

    let start = Instant::now();
    let (_, tangled) = read("l10n.toml", tangled).unwrap();
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());

    let last = |notes: &[Note]| notes.last().unwrap().to_string();
    assert_eq!(
        last(&deep),
        "10.toml, line 4: a file was left out: 11.toml is more than 10 files deep, or more than 50 files are named"
    );
    assert_eq!(last(&tangled), "l10n.toml, line 83: 39.toml in `excludes` was left out: excluded files include too many others");
    assert_eq!((wide.len(), patterns.len()), (100, 100));
    assert_eq!(last(&patterns), "l10n.toml, line 1: 101 more notes are not shown");
    assert!(read_text(&long).is_err());
    assert!(read_text(&format!("a = {}", "[".repeat(100_000))).is_err());
}

/// Parts of patterns and configurations, so that chance makes something of them.
const PARTS: [&str; 34] = [
    "{locale}",
    "{locale}",
    "{android_locale}",
    "{l10n_base}/",
    "{x}",
    "{y}",
    "{",
    "}",
    "*",
    "**",
    "**/",
    "/",
    "/",
    "a",
    "é",
    "..",
    "./",
    "-",
    "b+",
    "de",
    "pt-rBR",
    "\n",
    "\"",
    "'",
    " = ",
    "[[paths]]\n",
    "l10n = '",
    "'\n",
    "locales = ['de']\n",
    "[env]\n",
    "x = '{y}'\n",
    "[[includes]]\n",
    "[[excludes]]\n",
    "path = 'a'\n",
];

fn pieces() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(&PARTS[..]), 0..30).prop_map(|parts| parts.concat())
}

/// Patterns that name the locale, with texts between in which no locale can hide.
fn patterns() -> impl Strategy<Value = Vec<&'static str>> {
    let parts = vec!["_a_", "_.f_", "_{locale}_", "_{android_locale}_", "_*_", "/**/"];
    prop::collection::vec(prop::sample::select(parts), 1..6)
}

fn locales() -> impl Strategy<Value = (&'static str, &'static str)> {
    prop::sample::select(
        &[("de", "de"), ("he", "iw"), ("pt-BR", "pt-rBR"), ("sr-Latn", "b+sr+Latn"), ("ja-JP-mac", "b+ja+JP+mac")][..],
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_pattern_and_no_path_panics(pattern in pieces(), path in prop::collection::vec(any::<u8>(), 0..50), other in pieces()) {
        if let Ok(rules) = Rules::of_pattern(&format!("{pattern}{{locale}}{other}")) {
            rules.locale_of(&path);
            rules.locale_of(other.as_bytes());
            assert_eq!(Rules::from_text(&rules.to_text()), Ok(rules));
        }
    }

    #[test]
    fn no_configuration_panics(text in pieces(), other in pieces(), path in pieces()) {
        let config = format!("[[paths]]\nl10n = '{{locale}}/{{x}}**'\n{text}");
        for text in [&text, &config] {
            let read = read("l10n.toml", |path| Some(if path == "l10n.toml" { text } else { &other }.as_bytes().to_vec()));
            if let Ok((rules, _)) = read {
                rules.locale_of(path.as_bytes());
                assert_eq!(Rules::from_text(&rules.to_text()), Ok(rules));
            }
        }
    }

    #[test]
    fn no_text_of_kept_rules_panics(text in pieces(), path in pieces()) {
        if let Ok(rules) = Rules::from_text(&format!("paths 1\npath any {text}\n")) {
            rules.locale_of(path.as_bytes());
            assert_eq!(Rules::from_text(&rules.to_text()), Ok(rules));
        }
    }

    #[test]
    fn a_path_made_of_a_pattern_and_a_locale_belongs_to_it(before in patterns(), after in patterns(), (code, android) in locales()) {
        let pattern = format!("_{}_{{locale}}_{}_", before.concat(), after.concat());
        let filled = pattern.replace("{locale}", code).replace("{android_locale}", android);
        let path = filled.replace("/**/", "/_x_/_y_/").replace('*', "_z_");

        let rules = Rules::of_pattern(&pattern).unwrap();

        assert_eq!(locale_of(&rules, &path).as_deref(), Some(code), "{pattern} and {path}");
    }
}

/// Patterns on which a regular expression would take exponential time, each with what a path repeats; they match nothing,
/// which shows only at the end.
const HOSTILE: [(&str, &str); 7] = [
    ("*a*a*a*a*a*a*a*a*a*a*a*a{locale}#*", "a"),
    ("**/a/**/a/**/a/**/a/**/a/**/a/**/{locale}/#*", "a/"),
    ("**/{locale}/**/{locale}/**/{locale}/#*", "de/"),
    ("*{locale}*{locale}*{locale}*#*", "de-"),
    ("*{locale}*{android_locale}*#*", "b+de"),
    ("{locale}**/**/**/**/**/**/**/**/**/**/**/**/#*", "de/"),
    ("*{android_locale}*{android_locale}#*", "de"),
];

#[test]
fn no_pattern_takes_long() {
    for (pattern, repeated) in HOSTILE {
        let rules = Rules::of_pattern(pattern).unwrap();
        let path = repeated.repeat(4096 / repeated.len());

        let start = Instant::now();
        let found = [&path, &repeated.repeat(5000)].map(|path| locale_of(&rules, path));

        assert_eq!(found, [None, None], "{pattern}");
        assert!(start.elapsed() < Duration::from_secs(10), "{pattern} took {:?}", start.elapsed());
    }
}

#[test]
fn many_patterns_of_many_stars_are_given_up() {
    let pattern = "[[paths]]\nl10n = \"*a*a*a*a*a*a*a*a*a*a*a*a{locale}#*\"\n";
    let (rules, _) = read_text(&pattern.repeat(1000)).unwrap();
    let path = "a".repeat(4096);

    let start = Instant::now();
    let found = [(); 10].map(|()| locale_of(&rules, &path));

    assert_eq!(found, [const { None }; 10]);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[test]
fn many_paths_take_no_time() {
    let locales: Vec<_> = ('a'..='j').flat_map(|first| ('a'..='j').map(move |second| format!("\"{first}{second}\""))).collect();
    let paths = (0..50).map(|number| format!("[[paths]]\nl10n = \"{{l10n_base}}/{{locale}}/module{number}/**/*.ftl\"\n"));
    let (rules, _) = read_text(&format!("locales = [{}]\n{}", locales.join(","), paths.collect::<String>())).unwrap();
    let paths: Vec<_> = (0..25_000).map(|number| format!("ab/module{}/module/folder/file{number}.ftl", number % 60)).collect();

    let start = Instant::now();
    let found = paths.iter().filter(|path| rules.locale_of(path.as_bytes()).is_some()).count();
    let took = start.elapsed();

    assert_eq!(found, 20_840);
    // Half a second, unoptimised; the rest is for a machine that has other things to do.
    assert!(took < Duration::from_secs(30), "{took:?}");
}
