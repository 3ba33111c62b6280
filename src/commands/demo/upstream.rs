//! The demo's own hg.mozilla.org: a forest of a dozen locales with real strings files.

use super::FOREST;
use super::all_locales::AllLocales;
use crate::domain::{HOUR, Message, WEEK};
use anyhow::Context;
use elmo_upstream::{Commit, Node, Options, Parent, Upstream};
use jiff::Timestamp;
use std::path::Path;

/// A locale, somebody who works on it, a few words of the language, and how many strings they translate in a week.
pub(super) struct Localizer {
    pub(super) locale: &'static str,
    pub(super) author: &'static str,
    pub(super) words: [&'static str; 4],
    weekly: usize,
}

pub(super) static LOCALIZERS: [Localizer; 12] = [
    localizer("ar", "سلمى حداد <salma@example.org>", ["حفظ", "إغلاق", "بحث", "مرحبا"], 7),
    localizer("cs", "Jiří Novák <jiri@example.org>", ["Uložit", "Zavřít", "Hledat", "Vítejte"], 10),
    localizer("de", "Jürgen Müßig <juergen@example.org>", ["Speichern", "Schließen", "Suchen", "Willkommen"], 12),
    localizer("el", "Ελένη Παππά <eleni@example.org>", ["Αποθήκευση", "Κλείσιμο", "Αναζήτηση", "Καλώς ήρθατε"], 9),
    localizer("es-ES", "Íñigo Peña <inigo@example.org>", ["Guardar", "Cerrar", "Buscar", "Bienvenido"], 10),
    localizer("fr", "Théo Lefèvre <theo@example.org>", ["Enregistrer", "Fermer", "Rechercher", "Bienvenue"], 11),
    localizer("he", "נועה לוי <noa@example.org>", ["שמירה", "סגירה", "חיפוש", "ברוך הבא"], 6),
    localizer("ja", "佐藤 花子 <hanako@example.org>", ["保存", "閉じる", "検索", "ようこそ"], 12),
    localizer("pl", "Łukasz Żak <lukasz@example.org>", ["Zapisz", "Zamknij", "Szukaj", "Witamy"], 10),
    localizer("sr", "Ђорђе Јовић <djordje@example.org>", ["Сачувај", "Затвори", "Претражи", "Добро дошли"], 8),
    localizer("tr", "Zeynep Öğüt <zeynep@example.org>", ["Kaydet", "Kapat", "Ara", "Hoş geldiniz"], 4),
    localizer("zh-TW", "陳怡君 <yichun@example.org>", ["儲存", "關閉", "搜尋", "歡迎"], 9),
];

const fn localizer(locale: &'static str, author: &'static str, words: [&'static str; 4], weekly: usize) -> Localizer {
    Localizer { locale, author, words, weekly }
}

impl Localizer {
    fn repository(&self) -> String {
        format!("{FOREST}/{}", self.locale)
    }

    fn commit(&self, description: &str) -> Commit {
        Commit::new(description).author(self.author)
    }

    pub(super) fn pusher(&self) -> String {
        format!("{}@localizers.example.org", self.locale.to_lowercase())
    }

    /// A Fluent file with the messages up to number `upto`, of which the first have got better titles.
    pub(super) fn fluent(&self, upto: usize, reworded: usize) -> String {
        (0..upto).fold(LICENSE.to_owned(), |text, number| {
            let word = self.words[number % self.words.len()];
            let more = if number < reworded { format!(": {}", self.words[(number + 1) % 4]) } else { format!(" ({number})") };
            text + &format!("menu-item-{number} = {word}\n    .title = {word}{more}\n")
        })
    }

    /// How many menu items are translated by the end of a week.
    fn items_after(&self, week: usize) -> usize {
        strings_in(week).min(12 + self.weekly * (week + 1))
    }

    /// How many buttons of dialogs are.
    fn buttons_after(&self, week: usize) -> usize {
        DemoUpstream::BUTTONS.min(2 * (self.weekly + week))
    }

    /// What is committed in the first week.
    fn beginning(&self) -> Commit {
        self.commit("Initial import of strings")
            .file("browser/browser/menubar.ftl", self.fluent(self.items_after(0), 0))
            .file("browser/chrome/browser/browser.properties", self.properties(self.buttons_after(0)))
            .file("toolkit/chrome/global/window.dtd", self.dtd())
    }

    /// What is committed in a later week.
    fn work_of(&self, week: usize) -> Commit {
        let what = ["New menu items", "Better titles, and dialogs", "Review of the menus"][week % 3];
        let commit = self
            .commit(&format!("Bug {} - {what}", 1_850_000 + week))
            .file("browser/browser/menubar.ftl", self.fluent(self.items_after(week), week));
        let buttons = self.buttons_after(week);
        if buttons == self.buttons_after(week - 1) {
            return commit;
        }
        commit.file("browser/chrome/browser/browser.properties", self.properties(buttons))
    }

    pub(super) fn properties(&self, upto: usize) -> String {
        (0..upto).map(|number| format!("dialog.button{number}={}\n", self.words[(number + 1) % self.words.len()])).collect()
    }

    pub(super) fn dtd(&self) -> String {
        self.words.iter().enumerate().map(|(number, word)| format!("<!ENTITY window.label{number} \"{word}\">\n")).collect()
    }
}

/// The repository of the source strings, which belongs to no locale.
const SOURCE: &str = "l10n/source-strings";
const LICENSE: &str = "# This Source Code Form is subject to the terms of the Mozilla Public\n# License, v. 2.0.\n\n";
/// So many weeks of pushes and comparisons lie before the demo.
const WEEKS: usize = 6;
/// All of a week is done in so many seconds; of the last one, just now.
const AT_WORK: i64 = 40 * HOUR;
/// Each locale is pushed to three hours after the one before it.
const BETWEEN_LOCALES: i64 = 3 * HOUR;

/// The running upstream, and how much was pushed to it.
pub(super) struct DemoUpstream {
    upstream: Upstream,
    pushed: usize,
    /// How everything stood at the end of each week, the first one first.
    past: Vec<(Timestamp, Standing)>,
    /// How many menu items each locale has.
    items: [usize; LOCALIZERS.len()],
}

/// How far everything is at some time.
#[derive(Clone)]
pub(super) struct Standing {
    /// The tip of the source strings.
    pub(super) source: String,
    /// How many menu items there are to translate.
    pub(super) items: usize,
    pub(super) locales: Vec<Translated>,
}

/// How far a locale is.
#[derive(Clone)]
pub(super) struct Translated {
    pub(super) locale: &'static str,
    pub(super) url: String,
    pub(super) tip: String,
    /// How many menu items and how many buttons of dialogs it has.
    pub(super) items: usize,
    pub(super) buttons: usize,
}

impl DemoUpstream {
    /// How many buttons of dialogs there are to translate.
    pub(super) const BUTTONS: usize = 24;

    /// Makes the repositories, with some weeks of history up to `now`, and serves them.
    pub(super) async fn make(folder: &Path, hg: &Path, now: Timestamp) -> anyhow::Result<DemoUpstream> {
        let options = Options { folder: Some(folder.to_owned()), hg: hg.to_owned(), ..Options::default() };
        let upstream = Upstream::start(options).await.context("could not start the demo's Mercurial host")?;
        for repository in LOCALIZERS.iter().map(Localizer::repository).chain([SOURCE.to_owned()]) {
            upstream.create(&repository).await?;
        }
        let mut demo = DemoUpstream { upstream, pushed: 0, past: Vec::new(), items: [0; LOCALIZERS.len()] };
        for week in 0..WEEKS {
            let weeks_ago = i64::try_from(WEEKS - 1 - week)?;
            demo.work_a_week(week, now.as_second() - weeks_ago * WEEK - AT_WORK).await?;
        }
        demo.push_merge().await?;
        demo.push_branch().await?;
        Ok(demo)
    }

    /// All work for a week that began at this second.
    async fn work_a_week(&mut self, week: usize, began: i64) -> anyhow::Result<()> {
        let is_new = week == 0 || strings_in(week) > strings_in(week - 1);
        if is_new {
            let strings = Commit::new(format!("Bug {} - Strings of the next version", 1_800_000 + week))
                .file("_configs/browser.toml", format!("basepath = \"..\"\n# Version {week}\n"));
            self.upstream.push_at(SOURCE, "strings@example.org", began, [strings]).await?;
        }
        for (number, localizer) in (1..).zip(&LOCALIZERS) {
            let commit = if week == 0 { localizer.beginning() } else { localizer.work_of(week) };
            let at = began + number * BETWEEN_LOCALES;
            self.upstream.push_at(&localizer.repository(), &localizer.pusher(), at, [commit]).await?;
        }
        self.items = LOCALIZERS.each_ref().map(|localizer| localizer.items_after(week));
        self.past.push((Timestamp::from_second(began + AT_WORK)?, self.standing_after(week)?));
        Ok(())
    }

    /// How everything stood at the end of each week, the first one first.
    pub(super) fn past(&self) -> &[(Timestamp, Standing)] {
        &self.past
    }

    /// How everything stands now.
    pub(super) fn standing(&self) -> anyhow::Result<Standing> {
        self.standing_after(WEEKS - 1)
    }

    fn standing_after(&self, week: usize) -> anyhow::Result<Standing> {
        let translated = |(localizer, items): (&Localizer, usize)| {
            let repository = localizer.repository();
            let (url, tip) = (self.url_of(&repository), self.tip(&repository)?);
            Ok(Translated { locale: localizer.locale, url, tip, items, buttons: localizer.buttons_after(week) })
        };
        let locales: anyhow::Result<Vec<Translated>> = LOCALIZERS.iter().zip(self.items).map(translated).collect();
        Ok(Standing { source: self.tip(SOURCE)?, items: strings_in(week), locales: locales? })
    }

    /// The name of the repository of the source strings.
    pub(super) const fn source_name() -> &'static str {
        SOURCE
    }

    /// The URL of the repository of the source strings.
    pub(super) fn source(&self) -> String {
        self.url_of(SOURCE)
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

    /// Somebody works beside the others on `fr`, and merges.
    async fn push_merge(&self) -> anyhow::Result<()> {
        let (localizer, base, tip) = self.ends_of("fr")?;
        let beside =
            localizer.commit("Work done beside").parent(base).file("devtools/client/toolbox.properties", localizer.properties(2));
        let merge = localizer.commit("Merge").parent(tip).merge(Parent::Nth(0));
        self.upstream.push(&localizer.repository(), &localizer.pusher(), [beside, merge]).await?;
        Ok(())
    }

    /// A branch of `de` that has a name in its own language.
    async fn push_branch(&self) -> anyhow::Result<()> {
        let (localizer, base, _) = self.ends_of("de")?;
        let branch = localizer.commit("Strings for the größere Überarbeitung").parent(base).branch("überarbeitung");
        let branch = branch.file("browser/browser/menubar.ftl", localizer.fluent(6, 0));
        self.upstream.push(&localizer.repository(), &localizer.pusher(), [branch]).await?;
        Ok(())
    }

    /// Whose a locale is, and the tips of its first and its last push.
    fn ends_of(&self, locale: &str) -> anyhow::Result<(&'static Localizer, Node, Node)> {
        let localizer = LOCALIZERS.iter().find(|localizer| localizer.locale == locale).context("it is one of the locales")?;
        let pushes = self.upstream.pushes(&localizer.repository());
        let ends = pushes.first().zip(pushes.last()).context("the repository has pushes")?;
        Ok((localizer, ends.0.tip(), ends.1.tip()))
    }

    /// A change to `fr` that was made in git is mirrored, and the pushlog says which commit it is.
    pub(super) async fn mirror(&self, all_locales: &mut AllLocales) -> anyhow::Result<()> {
        let (localizer, _, tip) = self.ends_of("fr")?;
        let (description, at) = ("Bug 1870000 - A word for \u{201c}about\u{201d}", Timestamp::now().as_second());
        let commit = all_locales.push_change(localizer, description, at).await?;
        let change = localizer.commit(description).parent(tip).file("toolkit/about.ftl", localizer.fluent(4, 1));
        let push = self.upstream.push_at(&localizer.repository(), "mirror@example.org", at, [change]).await?;
        Ok(self.upstream.name_commit(&localizer.repository(), push.tip(), &commit)?)
    }

    /// Pushes a little work to the next repository; gives the host's message about it.
    pub(super) async fn push_something(&mut self) -> anyhow::Result<Message> {
        let whose = self.pushed * 5 % LOCALIZERS.len();
        let localizer = &LOCALIZERS[whose];
        self.pushed += 1;
        self.items[whose] = after(self.items[whose]);
        let (repository, number) = (localizer.repository(), self.pushed);
        let commit = localizer
            .commit(&format!("Bug {} - Update strings: {}", 1_900_000 + number, localizer.words[number % 4]))
            .file("browser/browser/menubar.ftl", localizer.fluent(self.items[whose], WEEKS + number));
        let push = self.upstream.push(&repository, &localizer.pusher(), [commit]).await?;
        Ok(message(self.upstream.message_for_push(&repository, &push)?))
    }
}

/// How many menu items there are to translate in a week; every other week a version brings more.
fn strings_in(week: usize) -> usize {
    60 + 12 * (week / 2)
}

/// How many menu items a locale has after the next push: one more, or, when it has some that nobody needs, too few again.
fn after(items: usize) -> usize {
    let wanted = strings_in(WEEKS - 1);
    if items > wanted { wanted - 2 } else { items + 1 }
}

fn message(sent: elmo_upstream::Message) -> Message {
    Message { exchange: sent.exchange.to_owned(), routing_key: sent.routing_key, body: sent.body, root: None }
}
