//! The demo's own hg.mozilla.org: a forest of a dozen locales with real strings files.

use super::FOREST;
use crate::domain::{DAY, Message};
use anyhow::Context;
use elmo_upstream::{Commit, Node, Options, Parent, Upstream};
use jiff::Timestamp;
use std::path::Path;

/// A locale, somebody who works on it, and a few words of the language.
struct Localizer {
    locale: &'static str,
    author: &'static str,
    words: [&'static str; 4],
}

const LOCALIZERS: [Localizer; 12] = [
    localizer("ar", "سلمى حداد <salma@example.org>", ["حفظ", "إغلاق", "بحث", "مرحبا"]),
    localizer("cs", "Jiří Novák <jiri@example.org>", ["Uložit", "Zavřít", "Hledat", "Vítejte"]),
    localizer("de", "Jürgen Müßig <juergen@example.org>", ["Speichern", "Schließen", "Suchen", "Willkommen"]),
    localizer("el", "Ελένη Παππά <eleni@example.org>", ["Αποθήκευση", "Κλείσιμο", "Αναζήτηση", "Καλώς ήρθατε"]),
    localizer("es-ES", "Íñigo Peña <inigo@example.org>", ["Guardar", "Cerrar", "Buscar", "Bienvenido"]),
    localizer("fr", "Théo Lefèvre <theo@example.org>", ["Enregistrer", "Fermer", "Rechercher", "Bienvenue"]),
    localizer("he", "נועה לוי <noa@example.org>", ["שמירה", "סגירה", "חיפוש", "ברוך הבא"]),
    localizer("ja", "佐藤 花子 <hanako@example.org>", ["保存", "閉じる", "検索", "ようこそ"]),
    localizer("pl", "Łukasz Żak <lukasz@example.org>", ["Zapisz", "Zamknij", "Szukaj", "Witamy"]),
    localizer("sr", "Ђорђе Јовић <djordje@example.org>", ["Сачувај", "Затвори", "Претражи", "Добро дошли"]),
    localizer("tr", "Zeynep Öğüt <zeynep@example.org>", ["Kaydet", "Kapat", "Ara", "Hoş geldiniz"]),
    localizer("zh-TW", "陳怡君 <yichun@example.org>", ["儲存", "關閉", "搜尋", "歡迎"]),
];

const fn localizer(locale: &'static str, author: &'static str, words: [&'static str; 4]) -> Localizer {
    Localizer { locale, author, words }
}

impl Localizer {
    fn repository(&self) -> String {
        format!("{FOREST}/{}", self.locale)
    }

    fn commit(&self, description: &str) -> Commit {
        Commit::new(description).author(self.author)
    }

    fn pusher(&self) -> String {
        format!("{}@localizers.example.org", self.locale.to_lowercase())
    }

    /// A Fluent file with the messages up to number `upto`.
    fn fluent(&self, upto: usize) -> String {
        let header = "# This Source Code Form is subject to the terms of the Mozilla Public\n# License, v. 2.0.\n\n".to_owned();
        (0..upto).fold(header, |text, number| {
            let word = self.words[number % self.words.len()];
            text + &format!("menu-item-{number} = {word}\n    .title = {word} ({number})\n")
        })
    }

    fn properties(&self, upto: usize) -> String {
        (0..upto).map(|number| format!("dialog.button{number}={}\n", self.words[(number + 1) % self.words.len()])).collect()
    }

    fn dtd(&self) -> String {
        self.words.iter().enumerate().map(|(number, word)| format!("<!ENTITY window.label{number} \"{word}\">\n")).collect()
    }
}

/// The repository of the source strings, which belongs to no locale.
const SOURCE: &str = "l10n/source-strings";
/// So many menu items each locale has at first, and after its second push.
const FIRST_ITEMS: usize = 4;
const SECOND_ITEMS: usize = 8;
/// How long ago the locales were pushed to first, and for the second time; each locale half a day after the one before it.
const FIRST_PUSHES: i64 = 26 * DAY;
const SECOND_PUSHES: i64 = 13 * DAY;

/// The running upstream, and how much was pushed to it.
pub(super) struct DemoUpstream {
    upstream: Upstream,
    pushed: usize,
    /// The tip of the first push of each locale.
    first: Vec<Node>,
    /// How many menu items each locale has.
    items: [usize; LOCALIZERS.len()],
}

/// How far a locale is.
pub(super) struct Translated {
    pub(super) locale: &'static str,
    pub(super) url: String,
    pub(super) tip: String,
    /// How many menu items it has.
    pub(super) items: usize,
}

impl DemoUpstream {
    /// How many menu items there are to translate.
    pub(super) const ITEMS: usize = 20;

    /// Makes the repositories, with some weeks of history up to `now`, and serves them.
    pub(super) async fn make(folder: &Path, hg: &Path, now: Timestamp) -> anyhow::Result<DemoUpstream> {
        let options = Options { folder: Some(folder.to_owned()), hg: hg.to_owned(), ..Options::default() };
        let upstream = Upstream::start(options).await.context("could not start the demo's Mercurial host")?;
        let mut first = Vec::new();
        for (number, localizer) in (0..).zip(&LOCALIZERS) {
            let now = now.as_second() + number * DAY / 2;
            first.push(make_repository(&upstream, localizer, now - FIRST_PUSHES, now - SECOND_PUSHES).await?);
        }
        upstream.create(SOURCE).await?;
        let strings = Commit::new("Strings of the next version").file("_configs/browser.toml", "basepath = \"..\"\n");
        upstream.push_at(SOURCE, "strings@example.org", now.as_second() - FIRST_PUSHES - DAY, [strings]).await?;
        Ok(DemoUpstream { upstream, pushed: 0, first, items: [SECOND_ITEMS; LOCALIZERS.len()] })
    }

    /// The name of the repository of the source strings.
    pub(super) const fn source_name() -> &'static str {
        SOURCE
    }

    /// The URL of the repository of the source strings, and its tip.
    pub(super) fn source(&self) -> anyhow::Result<(String, String)> {
        Ok((self.url_of(SOURCE), self.tip(SOURCE)?))
    }

    /// How far each locale is now.
    pub(super) fn translated(&self) -> anyhow::Result<Vec<Translated>> {
        let translated = |(localizer, items): (&Localizer, usize)| {
            let repository = localizer.repository();
            Ok(Translated { locale: localizer.locale, url: self.url_of(&repository), tip: self.tip(&repository)?, items })
        };
        LOCALIZERS.iter().zip(self.items).map(translated).collect()
    }

    /// How far each locale was after its first push.
    pub(super) fn translated_at_first(&self) -> Vec<Translated> {
        let translated = |(localizer, tip): (&Localizer, &Node)| Translated {
            locale: localizer.locale,
            url: self.url_of(&localizer.repository()),
            tip: tip.to_string(),
            items: FIRST_ITEMS,
        };
        LOCALIZERS.iter().zip(&self.first).map(translated).collect()
    }

    fn tip(&self, repository: &str) -> anyhow::Result<String> {
        Ok(self.upstream.tip(repository).context("the repository has changesets")?.to_string())
    }

    pub(super) fn url_of(&self, path: &str) -> String {
        self.upstream.url_of(path)
    }

    /// What the host announced so far: each repository, and each push to it.
    pub(super) fn messages(&self) -> anyhow::Result<Vec<Message>> {
        let mut messages = Vec::new();
        for localizer in &LOCALIZERS {
            let repository = localizer.repository();
            messages.push(self.upstream.message_newrepo(&repository)?);
            for push in self.upstream.pushes(&repository) {
                messages.push(self.upstream.message_for_push(&repository, &push)?);
            }
        }
        Ok(messages.into_iter().map(message).collect())
    }

    /// Pushes a little work to the next repository; gives the host's message about it.
    pub(super) async fn push_something(&mut self) -> anyhow::Result<Message> {
        let whose = self.pushed * 5 % LOCALIZERS.len();
        let localizer = &LOCALIZERS[whose];
        self.pushed += 1;
        self.items[whose] = 12 + self.pushed;
        let (repository, number) = (localizer.repository(), self.pushed);
        let commit = localizer
            .commit(&format!("Bug {} - Update strings: {}", 1_900_000 + number, localizer.words[number % 4]))
            .file("browser/browser/menubar.ftl", localizer.fluent(self.items[whose]));
        let push = self.upstream.push(&repository, &localizer.pusher(), [commit]).await?;
        Ok(message(self.upstream.message_for_push(&repository, &push)?))
    }
}

/// Makes a repository with two pushes of these times, and what else belongs to the locale; gives the tip of the first.
async fn make_repository(upstream: &Upstream, localizer: &Localizer, first_at: i64, second_at: i64) -> anyhow::Result<Node> {
    let (repository, user) = (localizer.repository(), localizer.pusher());
    upstream.create(&repository).await?;
    let first = localizer
        .commit("Initial import of strings")
        .file("browser/browser/menubar.ftl", localizer.fluent(FIRST_ITEMS))
        .file("browser/chrome/browser/browser.properties", localizer.properties(3))
        .file("toolkit/chrome/global/window.dtd", localizer.dtd());
    let base = upstream.push_at(&repository, &user, first_at, [first]).await?.tip();
    let more = localizer.commit("Bug 1850001 - New menu items").file("browser/browser/menubar.ftl", localizer.fluent(SECOND_ITEMS));
    let fix = localizer.commit("Fix a typo in a dialog").file("browser/chrome/browser/browser.properties", localizer.properties(5));
    upstream.push_at(&repository, &user, second_at, [more, fix]).await?;
    match localizer.locale {
        "fr" => push_merge(upstream, localizer, base).await?,
        "de" => push_branch(upstream, localizer, base).await?,
        _ => {}
    }
    Ok(base)
}

async fn push_merge(upstream: &Upstream, localizer: &Localizer, base: Node) -> anyhow::Result<()> {
    let repository = localizer.repository();
    let tip = upstream.tip(&repository).context("the repository has changesets")?;
    let beside =
        localizer.commit("Work done beside").parent(base).file("devtools/client/toolbox.properties", localizer.properties(2));
    let merge = localizer.commit("Merge").parent(tip).merge(Parent::Nth(0));
    upstream.push(&repository, &localizer.pusher(), [beside, merge]).await?;
    Ok(())
}

async fn push_branch(upstream: &Upstream, localizer: &Localizer, base: Node) -> anyhow::Result<()> {
    let branch = localizer.commit("Strings for the größere Überarbeitung").parent(base).branch("überarbeitung");
    let branch = branch.file("browser/browser/menubar.ftl", localizer.fluent(6));
    upstream.push(&localizer.repository(), &localizer.pusher(), [branch]).await?;
    Ok(())
}

fn message(sent: elmo_upstream::Message) -> Message {
    Message { exchange: sent.exchange.to_owned(), routing_key: sent.routing_key, body: sent.body, root: None }
}
