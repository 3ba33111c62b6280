//! The outside: hosts of Mercurial and git, and a Taskcluster, on which a script is played.

use elmo::domain::{Kept, Message, NewForest, NewRepository, RepositoryUrl, RootUrl, UrlRules, Vcs};
use elmo::store::Store;
use elmo_upstream::{Options, Upstream, git};

/// The forests, the second a fork of the first.
pub const FORESTS: [&str; 2] = ["l10n-central", "beta"];
/// The repository of git.
pub const GIT: &str = "l10n/all";
/// The branches of it that are followed.
pub const BRANCHES: [&str; 2] = ["main", "next"];
/// The secret by which its host signs webhooks.
pub const SECRET: &str = "chaos";

/// Everything that Elmo asks.
pub struct Outside {
    pub hg: Upstream,
    pub git: git::Host,
    pub tasks: elmo_queue::Queue,
}

impl Outside {
    /// Hosts with one repository of git, of one push.
    ///
    /// # Errors
    /// When Mercurial or git is not there.
    pub async fn new() -> anyhow::Result<Outside> {
        let options = Options { workers: 2, ..Options::default() };
        let (hg, git, tasks) = (Upstream::start(options).await?, git::Host::start().await?, elmo_queue::Queue::start().await?);
        git.create(GIT).await?;
        let commit = git::Commit::new("first").file("de/first.ftl", "first = Erste\n");
        git.push_at(GIT, "main", "flod", 1, [commit]).await?;
        Ok(Outside { hg, git, tasks })
    }

    /// The Taskcluster's name.
    pub fn root(&self) -> RootUrl {
        self.tasks.root().parse().expect("a queue's own root is one")
    }

    /// Lets a database follow all of it.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn follow(&self, store: &Store) -> anyhow::Result<()> {
        for (name, fork_of) in [(FORESTS[0], None), (FORESTS[1], Some(FORESTS[0].parse()?))] {
            let url = RepositoryUrl::parse(&self.hg.url_of(name), UrlRules::OnlyHttp)?;
            store.add_forest(&NewForest { name: name.parse()?, url, fork_of }).await?;
        }
        let url = RepositoryUrl::parse(&self.git.url_of(GIT), UrlRules::OnlyHttp)?;
        let branches = BRANCHES.iter().map(|branch| Kept::from(*branch)).collect();
        let new = NewRepository { vcs: Vcs::Git, branches, ..NewRepository::at(GIT.parse()?, url) };
        store.add_repository(&new, jiff::Timestamp::now()).await?;
        Ok(())
    }
}

/// Something that somebody outside says.
#[derive(Clone, Debug)]
pub enum News {
    /// hg.mozilla.org, of a push: where it is lost, the pushlog tells the same.
    Push(Message),
    /// hg.mozilla.org, of what no pushlog tells.
    Hg(Message),
    /// A run of a task ended.
    Result { sent: elmo_queue::Message, root: RootUrl },
    /// GitHub's webhook.
    Hook(Message),
}

impl News {
    /// As Elmo takes it.
    pub fn message(&self) -> Message {
        match self {
            News::Push(message) | News::Hg(message) | News::Hook(message) => message.clone(),
            News::Result { sent, root } => Message {
                exchange: sent.exchange.to_owned(),
                routing_key: sent.routing_key.clone(),
                body: sent.body.clone(),
                root: Some(root.clone()),
            },
        }
    }

    /// What it is, for the report.
    pub fn kind(&self) -> &'static str {
        match self {
            News::Push(_) => "messages of pushes",
            News::Hg(_) => "messages of new repositories and markers",
            News::Result { .. } => "messages of results",
            News::Hook(_) => "webhooks",
        }
    }
}
