//! A git host, and the four ways in which Elmo hears of what is pushed there.

use super::World;
use elmo::domain::{GITHUB_HOOK, GITHUB_PUSHES, GITHUB_WEBHOOKS, Kept, Message, NewRepository, RepositoryUrl, UrlRules, Vcs};
use elmo::store::Store;
use elmo_upstream::git::{Commit, Host, Push};
use serde_json::{Value, json};

/// A way in which news of a push comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Taskcluster's message.
    Taskcluster,
    /// The message that Elmo's documentation names.
    Republished,
    /// GitHub's own webhook.
    Hook,
    /// The timer strikes.
    Look,
}

impl Way {
    pub(crate) const ALL: [Way; 4] = [Way::Taskcluster, Way::Republished, Way::Hook, Way::Look];
}

/// What stories look at of a push: its number, who, when, and its commits by their messages, the tip last.
pub(crate) type Told = (u64, String, i64, Vec<String>);

/// A git host, and a world that follows repositories there.
pub(crate) struct GitHub {
    pub(crate) host: Host,
    pub(crate) world: World,
}

impl GitHub {
    pub(crate) async fn new() -> GitHub {
        GitHub { world: World::new().await, host: Host::start().await.expect("the host starts") }
    }

    /// A repository that is followed and has one push on `main`, recorded.
    pub(crate) async fn with_repository(name: &str) -> GitHub {
        let github = GitHub::new().await;
        github.host.create(name).await.expect("a repository");
        github.push(name, "first", 100).await;
        github.follow(name, &[]).await;
        github.world.settle().await;
        github
    }

    pub(crate) fn url(&self, name: &str) -> RepositoryUrl {
        RepositoryUrl::parse(&self.host.url_of(name), UrlRules::OnlyHttp).unwrap()
    }

    /// Follows branches; the host's HEAD where none is named.
    pub(crate) async fn follow(&self, name: &str, branches: &[&str]) {
        self.follow_in(&self.world.store, name, branches).await;
    }

    /// The same in another database.
    pub(crate) async fn follow_in(&self, store: &Store, name: &str, branches: &[&str]) {
        let branches = branches.iter().map(|branch| Kept::from(*branch)).collect();
        let new = NewRepository { vcs: Vcs::Git, branches, ..NewRepository::at(name.parse().unwrap(), self.url(name)) };
        store.add_repository(&new, self.world.bringer.clock.now()).await.expect("it is followed");
    }

    /// Somebody pushes a commit to `main` that writes a file, at a time.
    pub(crate) async fn push(&self, name: &str, message: &str, date: i64) -> Push {
        let commit = Commit::new(message).file(format!("fr/{message}.ftl"), format!("key = {message}\n"));
        self.host.push_at(name, "main", "flod", date, [commit]).await.expect("a push")
    }

    /// The body of GitHub's webhook about a push.
    pub(crate) fn payload(&self, name: &str, push: &Push) -> Value {
        let end = |commit: &Option<String>| commit.clone().unwrap_or_else(|| "0".repeat(40));
        let number = name.bytes().fold(0_i64, |number, byte| number * 31 % 1_000_003 + i64::from(byte));
        json!({
            "ref": format!("refs/heads/{}", push.branch), "before": end(&push.before), "after": end(&push.after),
            "created": push.before.is_none(), "deleted": push.after.is_none(), "forced": push.forced,
            "pusher": {"name": push.user, "email": format!("{}@example.org", push.user)},
            "repository": {"id": number, "full_name": name, "html_url": self.host.url_of(name), "pushed_at": push.date},
            "commits": [], "head_commit": null,
        })
    }

    /// The message that comes a way.
    pub(crate) fn message(&self, way: Way, name: &str, push: &Push) -> Option<Message> {
        let payload = self.payload(name, push);
        let (exchange, routing_key, body) = match way {
            Way::Taskcluster => (GITHUB_PUSHES, "primary.l10n.all", json!({"version": 1, "eventId": "x", "body": payload})),
            Way::Republished => (GITHUB_WEBHOOKS, "l10n/all/push", json!({"event": "push", "request_id": "x", "payload": payload})),
            Way::Hook => (GITHUB_HOOK, "push", payload),
            Way::Look => return None,
        };
        let (exchange, routing_key) = (exchange.to_owned(), routing_key.to_owned());
        Some(Message { exchange, routing_key, body: body.to_string().into_bytes(), root: None })
    }

    /// News of pushes comes a way, and the lanes do what is due.
    pub(crate) async fn hear(&self, way: Way, name: &str, pushes: &[Push]) {
        for push in pushes {
            if let Some(message) = self.message(way, name, push) {
                self.world.deliver(message).await;
            }
        }
        if way == Way::Look {
            self.world.store.want(&name.parse().unwrap(), self.world.bringer.clock.now()).await.expect("it is wanted");
        }
        self.world.settle().await;
    }

    /// The pushes as they are recorded, by their numbers.
    pub(crate) async fn told(&self, name: &str) -> Vec<Told> {
        let told = |push: &elmo::store::PushRow| {
            let messages = push.changesets.iter().rev().map(|commit| commit.description.to_string()).collect();
            (push.push_id, push.user.to_string(), push.date, messages)
        };
        let mut pushes: Vec<Told> = self.world.pushes(name).await.iter().map(told).collect();
        pushes.sort();
        pushes
    }
}

/// What a story expects to be told.
pub(crate) fn told(id: u64, user: &str, date: i64, messages: &[&str]) -> Told {
    (id, user.to_owned(), date, messages.iter().map(|message| (*message).to_owned()).collect())
}
