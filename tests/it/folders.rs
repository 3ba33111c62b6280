//! One repository of git with a folder for each locale: which pushes are whose, what is left alone in it, and results that name it.

use crate::support::{Deployment, GitHub, Pages, Way, comparison, elmo_json, run, text};
use elmo::domain::LocaleRules;
use elmo_upstream::git::{Commit, Push};

const NAME: &str = "l10n/all";
const BROWSER: &str = "_configs/browser.toml";

async fn with_folders() -> GitHub {
    let github = GitHub::with_repository(NAME).await;
    let repository = github.world.repository(NAME).await;
    github.world.store.set_locale_rules(repository.id, &LocaleRules::of_pattern("{locale}/**").unwrap()).await.unwrap();
    github
}

/// Somebody pushes a commit to a branch, and it is heard of.
async fn pushed(github: &GitHub, branch: &str, date: i64, commit: Commit) -> Push {
    let push = github.host.push_at(NAME, branch, "flod", date, [commit]).await.unwrap();
    github.hear(Way::Hook, NAME, std::slice::from_ref(&push)).await;
    push
}

/// The numbers of the pushes in a locale's list, newest first.
async fn pushes_of(pages: &Pages, locale: &str) -> Vec<i64> {
    let list = pages.json(&format!("/source/pushes/?locale={locale}")).await;
    list["pushes"].as_array().unwrap().iter().map(|push| push["push_id"].as_i64().unwrap()).collect()
}

fn difference(from: &str, to: &str) -> String {
    format!("/source/diff/?repo={NAME}&from={from}&to={to}")
}

#[tokio::test]
async fn a_merge_of_two_locales_is_a_push_of_both() {
    let github = with_folders().await;
    let german = Commit::new("German").file("de/menu.ftl", "key = Datei\n");
    let german = github.host.push_at(NAME, "german", "flod", 150, [german]).await.unwrap();
    let merge = Commit::new("merge").file("it/menu.ftl", "key = File\n").merge(german.after.unwrap());

    pushed(&github, "main", 200, merge).await;

    let pages = Pages::of(&github.world).await;
    assert_eq!((pushes_of(&pages, "de").await, pushes_of(&pages, "it").await), (vec![2], vec![2]));
    assert_eq!(pushes_of(&pages, "fr").await, [1], "it was there before");
}

#[tokio::test]
async fn a_file_that_goes_from_one_locale_to_another_is_a_push_of_both_and_one_rename() {
    let github = with_folders().await;
    let before = pushed(&github, "main", 200, Commit::new("strings").file("nn-NO/menu.ftl", "key = Fil\nother = Anna\n")).await;

    let moved = pushed(&github, "main", 300, Commit::new("new code").rename("nn-NO/menu.ftl", "nb-NO/menu.ftl")).await;

    let pages = Pages::of(&github.world).await;
    assert_eq!((pushes_of(&pages, "nn-NO").await, pushes_of(&pages, "nb-NO").await), (vec![3, 2], vec![3]));
    let shown = pages.shown(&difference(&before.after.unwrap(), &moved.after.unwrap())).await;
    assert!(shown.contains("nn-NO/menu.ftl") && shown.contains("nb-NO/menu.ftl") && shown.contains("renamed"), "{shown}");
}

#[tokio::test]
async fn other_rules_place_all_that_is_recorded_anew() {
    let github = with_folders().await;
    pushed(&github, "main", 200, Commit::new("strings").file("locales/de/menu.ftl", "key = Datei\n")).await;
    let pages = Pages::of(&github.world).await;
    let before = pushes_of(&pages, "de").await;

    let id = github.world.repository(NAME).await.id;
    github.world.store.set_locale_rules(id, &LocaleRules::of_pattern("locales/{locale}/**").unwrap()).await.unwrap();

    assert_eq!((before, pushes_of(&pages, "de").await), (Vec::new(), vec![2]));
    assert_eq!(pushes_of(&pages, "fr").await, Vec::<i64>::new(), "what is elsewhere is no locale's any more");
}

#[tokio::test]
async fn submodules_and_large_files_elsewhere_are_left_alone() {
    let github = with_folders().await;
    let before = github.host.tip(NAME, "main").unwrap();
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";
    let commit = Commit::new("others")
        .submodule("vendor/other", &"1".repeat(40))
        .file("de/logo.png", pointer)
        .file(".gitmodules", "[submodule \"other\"]\n\tpath = vendor/other\n\turl = https://example.invalid/other\n");

    let push = pushed(&github, "main", 200, commit).await;

    github.world.assert_complete(NAME, 2).await;
    let pages = Pages::of(&github.world).await;
    let shown = pages.shown(&difference(&before, &push.after.unwrap())).await;
    for path in ["vendor/other", "de/logo.png", ".gitmodules"] {
        assert!(shown.contains(path), "{path} is not in:\n{shown}");
    }
}

#[tokio::test]
async fn a_result_hangs_on_a_commit_of_git_whether_it_comes_before_its_push_or_after() {
    let github = with_folders().await;
    let deployment = Deployment::new(&github.world).await;
    let url = github.host.url_of(NAME);
    let commit = |message: &str| Commit::new(message).file("de/menu.ftl", format!("key = {message}\n"));
    let result = |number: u32, push: &Push| {
        let revisions = [(url.as_str(), push.after.clone().unwrap())];
        deployment.publish(number, &elmo_json(&url, &[comparison("de", BROWSER, 4, &revisions)]))
    };

    let early = github.host.push_at(NAME, "main", "flod", 200, [commit("early")]).await.unwrap();
    deployment.announce(&result(1, &early)).await;
    let before = github.world.runs().await;
    github.hear(Way::Hook, NAME, &[early]).await;
    let late = pushed(&github, "main", 300, commit("late")).await;
    deployment.announce(&result(2, &late)).await;

    assert!(before[0].revisions.iter().all(|(_, _, known)| !known), "{before:?}");
    let mut after: Vec<(i64, bool)> = github.world.runs().await.iter().map(|run| (run.srctime, run.revisions[0].2)).collect();
    after.sort_unstable();
    assert_eq!(after, [(200, true), (300, true)]);
}

#[tokio::test]
async fn an_l10n_toml_says_which_paths_are_whose_and_settings_stand_before() {
    let github = GitHub::new().await;
    github.host.create(NAME).await.unwrap();
    let files = ["de/browser/menu.ftl", "fr/toolkit/menu.ftl", "it/elsewhere/menu.ftl"];
    let first = files.iter().fold(Commit::new("first"), |commit, path| commit.file(*path, "key = value\n"));
    github.host.push_at(NAME, "main", "flod", 100, [first]).await.unwrap();
    let folder = github.world.folder();
    let browser = "locales = ['de', 'fr', 'it']\n[[paths]]\nreference = 'en/browser/**'\nl10n = '{locale}/browser/**'\n";
    let toolkit = "[[paths]]\nreference = 'en/toolkit/**'\nl10n = '{locale}/toolkit/*'\n";
    let elsewhere = "[[paths]]\nreference = 'en/elsewhere/**'\nl10n = '{locale}/elsewhere/**'\nodd = 1\n";
    std::fs::write(folder.join("l10n.toml"), format!("{browser}[[includes]]\npath = 'toolkit.toml'\n")).unwrap();
    std::fs::write(folder.join("toolkit.toml"), toolkit).unwrap();
    std::fs::write(folder.join("other.toml"), elsewhere).unwrap();
    std::fs::write(folder.join("settings.toml"), "[log]\nfilter = 'warn'\n").unwrap();
    let elmo = async |args: &[&str]| {
        let output = run(&github.world, Vec::new(), args).await;
        assert!(output.status.success(), "{args:?}: {}", text(&output));
        text(&output)
    };
    let url = github.url(NAME).to_string();

    elmo(&["--config", "settings.toml", "repository", "add", NAME, &url, "--vcs", "git", "--config", "l10n.toml"]).await;
    elmo(&["sync", NAME, "--config", "settings.toml"]).await;

    let pages = Pages::of(&github.world).await;
    let mut with_pushes = Vec::new();
    for locale in ["de", "fr", "it"] {
        with_pushes.push(pushes_of(&pages, locale).await.len());
    }
    assert_eq!(with_pushes, [1, 1, 0]);

    let said = elmo(&["repository", "locales", NAME, "--config", "other.toml"]).await;

    assert!(said.contains("odd") && said.contains("has files of 1 locale now"), "what is not understood is said: {said}");
    assert_eq!((pushes_of(&pages, "it").await.len(), pushes_of(&pages, "de").await.len()), (1, 0));
}
