//! A web server that may only read: with the role that `docs/operations.md` makes on PostgreSQL, with a file of SQLite that is opened
//! for reading. What it may not do is refused by the database, not by us.

use crate::support::{Deployment, Running, World, comparison, follow_recipe, reader, run, text};
use sqlx::{AnyConnection, Connection};

/// The database's address for whoever may only read, made as an operator makes it.
async fn read_only(world: &World) -> String {
    if !world.database.is_a_server() {
        return format!("{}?mode=ro", world.database.url);
    }
    follow_recipe(world, "A role for web servers on PostgreSQL").await;
    world.database.url.replace("postgres://postgres@", &format!("postgres://{}@", reader(world)))
}

/// The program with its address.
async fn serve(world: &World, url: &str) -> (Running, String) {
    let settings = vec![("ELMO_LISTEN", "127.0.0.1:0".to_owned()), ("DATABASE_URL", url.to_owned())];
    let mut server = Running::start(world, settings, &["serve"]);
    let line = server.until_it_logs("serving pages").await;
    let (_, address) = line.split_once("url=").unwrap();
    (server, address.trim().trim_end_matches('/').to_owned())
}

/// One address of each kind.
async fn addresses(world: &World, name: &str) -> Vec<String> {
    let tip = world.upstream.tip(name).unwrap().to_string();
    let run = world.store.newest_runs(i64::MAX, 1).await.unwrap()[0].id;
    let api = [
        "repositories".to_owned(),
        format!("repositories/{}", name.replace('/', "%2F")),
        "pushes".to_owned(),
        format!("changesets?repository={}", name.replace('/', "%2F")),
        format!("changesets/{tip}"),
        "locales".to_owned(),
        "locales/fr".to_owned(),
        "trees".to_owned(),
        "trees/gecko-strings%2Fa".to_owned(),
        "runs".to_owned(),
        format!("runs/{run}"),
        "history?tree=gecko-strings/a&locale=fr".to_owned(),
        "compare-locales".to_owned(),
        "openapi.json".to_owned(),
    ];
    let pages = [
        "/".to_owned(),
        "/source/pushes/".to_owned(),
        format!("/source/pushes/{name}"),
        "/source/pushes/?locale=fr&path=menu&desc=first".to_owned(),
        format!("/source/diff/?repo={name}&from=null&to={tip}"),
        format!("/source/changeset/{tip}"),
        "/dashboard/".to_owned(),
        "/dashboard/history?tree=gecko-strings/a&locale=fr".to_owned(),
        "/dashboard/tree-status/gecko-strings/a".to_owned(),
        format!("/dashboard/compare?run={run}"),
        "/teams/".to_owned(),
        "/teams/fr".to_owned(),
        "/shipping/api/status".to_owned(),
        "/status".to_owned(),
        "/runs".to_owned(),
        "/trees/gecko-strings/a".to_owned(),
        "/schema/elmo-1.json".to_owned(),
        "/static/elmo.css".to_owned(),
        "/metrics".to_owned(),
        "/__heartbeat__".to_owned(),
        "/__version__".to_owned(),
    ];
    pages.into_iter().chain(api.map(|path| format!("/api/v1/{path}"))).collect()
}

#[tokio::test]
async fn every_page_is_shown_by_a_web_server_that_may_only_read() {
    let (world, name) = World::with_repository("fr").await;
    let deployment = Deployment::new(&world).await;
    deployment.compared(1, 1, &[comparison("fr", "a.toml", 3, &[])]).await;
    let url = read_only(&world).await;

    let (_server, address) = serve(&world, &url).await;

    let http = reqwest::Client::builder().build().unwrap();
    for path in addresses(&world, &name).await {
        let answer = http.get(format!("{address}{path}")).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}: {}", answer.text().await.unwrap());
    }
    let mut connection = AnyConnection::connect(&url).await.unwrap();
    for statement in ["insert into version (name, number) values ('x', 1)", "delete from push", "create table x (y bigint)"] {
        let refused = sqlx::raw_sql(statement).execute(&mut connection).await.expect_err(statement).to_string();
        assert!(refused.contains("permission denied") || refused.contains("readonly"), "{statement}: {refused}");
    }
    let push = world.push(&name, "second").await;
    world.announce(&name, &push).await;
    world.settle().await;
    let home = http.get(format!("{address}/")).send().await.unwrap().text().await.unwrap();
    assert!(home.contains("second"), "what others write is shown: {home}");
}

#[tokio::test]
async fn whoever_has_to_write_and_may_not_says_so_at_the_start() {
    let world = World::with_forest().await;
    let url = read_only(&world).await;
    let secret = [("GITHUB_WEBHOOK_SECRET", "a-secret".to_owned()), ("ELMO_LISTEN", "127.0.0.1:0".to_owned())];
    let account = [("PULSE_USER", "elmo".to_owned()), ("PULSE_PASSWORD", "elmo".to_owned())];
    for (command, settings, words) in
        [("serve", secret, "GITHUB_WEBHOOK_SECRET is set"), ("consume-pulse", account, "a worker writes down what it is told")]
    {
        let settings = settings.into_iter().chain([("DATABASE_URL", url.clone())]).collect();

        let ended = run(&world, settings, &[command]).await;

        assert_eq!(ended.status.code(), Some(1), "{command}: {}", text(&ended));
        let said = text(&ended);
        assert!(said.contains(words) && said.contains("the database may only be read"), "{command}: {said}");
    }
}

#[tokio::test]
async fn tables_that_are_not_up_to_date_are_told_of_and_not_shown() {
    let world = World::with_forest().await;
    let url = read_only(&world).await;
    for undone in [
        "alter table repository drop column wished_at",
        "alter table repository drop column wish_trace",
        "drop table compatibility",
        "delete from _sqlx_migrations where version = 11",
    ] {
        world.execute(undone).await;
    }

    let ended = run(&world, vec![("DATABASE_URL", url)], &["serve"]).await;

    assert_eq!(ended.status.code(), Some(1));
    assert!(text(&ended).contains("run elmo migrate as somebody who may write"), "{}", text(&ended));
}
