//! GitHub's webhooks, sent to the program as GitHub sends them.

use crate::support::{Running, World, until};
use elmo::domain::{NewRepository, RepositoryUrl, UrlRules, Vcs};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use sha2::Sha256;
use std::time::{Duration, Instant};

const URL: &str = "https://git.example.org/l10n/all";
const SECRET: &str = "a-secret";

/// The program with its address; whoever drops it ends it.
struct Hooks {
    _server: Running,
    address: String,
    http: Client,
}

impl Hooks {
    async fn of(world: &World, secret: &str) -> Hooks {
        Hooks::about(world, secret, URL).await
    }

    /// `url` is followed as `l10n/all`.
    async fn about(world: &World, secret: &str, url: &str) -> Hooks {
        let url = RepositoryUrl::parse(url, UrlRules::OnlyHttp).unwrap();
        let new = NewRepository { vcs: Vcs::Git, ..NewRepository::at("l10n/all".parse().unwrap(), url) };
        world.store.add_repository(&new, jiff::Timestamp::UNIX_EPOCH).await.unwrap();
        let settings = vec![("ELMO_LISTEN", "127.0.0.1:0".to_owned()), ("GITHUB_WEBHOOK_SECRET", secret.to_owned())];
        let mut server = Running::start(world, settings, &["serve"]);
        let line = server.until_it_logs("serving pages").await;
        let (_, address) = line.split_once("url=").unwrap();
        let address = format!("{}hooks/github", address.trim());
        Hooks { _server: server, address, http: Client::builder().build().expect("HTTP is set up") }
    }

    async fn send(&self, event: &str, body: &str, signature: &str) -> Response {
        let request = self.http.post(&self.address).header("content-type", "application/json").header("x-github-event", event);
        let request = request.header("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958");
        request.header("x-hub-signature-256", signature).body(body.to_owned()).send().await.unwrap()
    }

    /// Sends it signed; gives the status.
    async fn deliver(&self, event: &str, body: &str) -> u16 {
        self.send(event, body, &signed(SECRET, body)).await.status().as_u16()
    }
}

fn signed(secret: &str, body: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(body);
    let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}

fn push(after: char) -> String {
    let body = json!({
        "ref": "refs/heads/main", "before": "a".repeat(40), "after": after.to_string().repeat(40), "pusher": {"name": "flod"},
        "repository": {"id": 7, "html_url": URL, "pushed_at": 1_484_248_575},
    });
    body.to_string()
}

async fn notices(world: &World) -> usize {
    let id = world.store.repository(&"l10n/all".parse().unwrap()).await.unwrap().unwrap().id;
    world.store.branches(id).await.unwrap().notices.len()
}

async fn error(answer: Response) -> (u16, String) {
    let status = answer.status().as_u16();
    (status, answer.text().await.unwrap())
}

#[tokio::test]
async fn a_push_is_noted_before_it_is_answered_and_a_second_delivery_changes_nothing() {
    let world = World::new().await;
    let hooks = Hooks::of(&world, SECRET).await;
    let began = Instant::now();

    assert_eq!(hooks.deliver("push", &push('b')).await, 202);

    assert!(began.elapsed() < Duration::from_secs(5), "GitHub waits for ten");
    assert_eq!(notices(&world).await, 1);
    assert_eq!(hooks.deliver("push", &push('b')).await, 202);
    assert_eq!(notices(&world).await, 1);
}

#[tokio::test]
async fn only_what_is_signed_is_taken() {
    let world = World::new().await;
    let hooks = Hooks::of(&world, "the-new-one the-old-one").await;
    let body = push('b');
    for wrong in
        ["", "sha256=00", &signed("another", &body), &signed("the-old-one", &push('c')), &signed("the-old-one", &body)[7..]]
    {
        let (status, words) = error(hooks.send("push", &body, wrong).await).await;
        assert_eq!(status, 401, "{wrong}: {words}");
        assert!(words.contains("not signed by a secret that is known here"), "{words}");
    }
    assert_eq!(notices(&world).await, 0);

    let (old, new) = (signed("the-old-one", &body), signed("the-new-one", &body));

    assert_eq!(hooks.send("push", &body, &old).await.status(), 202);
    assert_eq!(hooks.send("push", &body, &new).await.status(), 202);
    assert_eq!(notices(&world).await, 1);
}

#[tokio::test]
async fn other_events_are_taken_and_counted_and_a_ping_is_answered() {
    let world = World::new().await;
    let hooks = Hooks::of(&world, SECRET).await;
    let deliver = async |event: &str, body: &str| hooks.send(event, body, &signed(SECRET, body)).await;

    assert_eq!(deliver("ping", "{\"zen\": \"Keep it logically awesome.\"}").await.text().await.unwrap(), "pong\n");
    assert_eq!(deliver("star", "{}").await.status(), 202);
    assert_eq!(deliver("push", "not json").await.status(), 202);

    assert_eq!(world.counted("unknown type").await, 1);
    assert!(world.parked_reasons().await[0].contains("the payload is not what it should be"), "{:?}", world.parked_reasons().await);
    let (status, words) = error(deliver("", "{}").await).await;
    assert_eq!((status, words.contains("X-GitHub-Event is missing")), (400, true), "{words}");
}

/// What each event looks like, as octokit has published it; `bin/install-npm tests/github` brings it.
fn published() -> Vec<(String, Value)> {
    let path =
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/github/node_modules/@octokit/webhooks-examples/api.github.com/index.json");
    let examples = std::fs::read_to_string(path).expect("the examples are missing: bin/install-npm tests/github brings them");
    let events: Vec<Value> = serde_json::from_str(&examples).expect("they are JSON");
    let of_one = |event: &Value| {
        let name = event["name"].as_str().expect("an event has a name").to_owned();
        event["examples"]
            .as_array()
            .expect("an event has examples")
            .iter()
            .map(|body| (name.clone(), body.clone()))
            .collect::<Vec<_>>()
    };
    events.iter().flat_map(of_one).collect()
}

#[tokio::test]
async fn every_webhook_that_is_published_as_an_example_is_taken_and_its_pushes_are_noted() {
    let world = World::new().await;
    let hooks = Hooks::about(&world, SECRET, "https://github.com/Codertocat/Hello-World").await;
    let (mut events, mut moves) = (0, Vec::new());
    for (event, body) in published() {
        let status = hooks.deliver(&event, &body.to_string()).await;

        assert_eq!(status, if event == "ping" { 200 } else { 202 }, "{event}: {body}");
        events += 1;
        let is_of_a_branch = body["ref"].as_str().is_some_and(|name| name.starts_with("refs/heads/"));
        if event == "push" && is_of_a_branch && !moves.contains(&body["after"]) {
            moves.push(body["after"].clone());
        }
    }

    assert!(events > 300 && !moves.is_empty(), "{events} events, {moves:?}");
    assert_eq!(notices(&world).await, moves.len());
    assert_eq!(world.parked_reasons().await, [""; 0]);
}

#[tokio::test]
async fn what_is_too_long_or_no_json_is_refused_in_words() {
    let world = World::new().await;
    let hooks = Hooks::of(&world, SECRET).await;
    let form = hooks.http.post(&hooks.address).header("content-type", "application/x-www-form-urlencoded");
    let form = form.header("x-hub-signature-256", signed(SECRET, "payload=1")).body("payload=1").send().await.unwrap();
    let (status, words) = error(form).await;
    assert_eq!((status, words.contains("content type of the webhook to application/json")), (400, true), "{words}");

    let long = " ".repeat((25 << 20) + 1);
    let answer = hooks.http.post(&hooks.address).header("x-hub-signature-256", signed(SECRET, &long)).body(long).send().await;

    let refused = match answer {
        Ok(answer) => [400, 413].contains(&answer.status().as_u16()),
        // The connection may end while the rest is being sent.
        Err(error) => error.is_request() || error.is_body(),
    };
    assert!(refused);
}

#[tokio::test]
async fn without_a_secret_there_is_no_such_address() {
    let world = World::new().await;
    let hooks = Hooks::of(&world, "").await;
    let answer = hooks.send("push", &push('b'), &signed("", &push('b'))).await;
    assert!([404, 405].contains(&answer.status().as_u16()), "{}", answer.status());
    assert_eq!(hooks.http.get(&hooks.address).send().await.unwrap().status(), 404);
}

/// Its name is another, its number is the same.
#[tokio::test]
async fn a_repository_that_was_renamed_is_not_lost() {
    let world = World::new().await;
    let hooks = Hooks::of(&world, SECRET).await;
    assert_eq!(hooks.deliver("push", &push('b')).await, 202);
    let renamed: Value = serde_json::from_str(&push('c').replace("/l10n/all", "/l10n/everything")).unwrap();

    assert_eq!(hooks.deliver("push", &renamed.to_string()).await, 202);

    assert_eq!(notices(&world).await, 2);
    until("the event is there", Duration::from_secs(5), async || {
        let id = world.store.repository(&"l10n/all".parse().unwrap()).await.unwrap().unwrap().id;
        let events = world.store.events(id).await.unwrap();
        events.iter().any(|event| event.words == "https://git.example.org/l10n/everything")
    })
    .await;
}
