//! Where requests go: nobody but the operator leads Elmo into a private network, be it by a URL, a name that resolves there, or a
//! redirect. Somebody listens there and counts.

use crate::support::{World, run, text};
use elmo::domain::{ErrorClass, RepositoryUrl, UrlRules, in_full};
use elmo::fetch::{CloneSettings, Clones, FetchError, GitClones, GitSettings, Http, HttpSettings, PrivateHosts};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const PATIENCE: Duration = Duration::from_secs(20);

/// A host on this machine that answers everybody the same, and counts.
struct Host {
    port: u16,
    asked: Arc<AtomicUsize>,
}

impl Host {
    async fn that_answers(answer: String) -> Host {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = Host { port: listener.local_addr().unwrap().port(), asked: Arc::default() };
        let asked = Arc::clone(&host.asked);
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                asked.fetch_add(1, Ordering::SeqCst);
                let answer = answer.clone();
                tokio::spawn(async move {
                    let mut question = vec![0; 16 << 10];
                    let _ = connection.read(&mut question).await;
                    let _ = connection.write_all(answer.as_bytes()).await;
                });
            }
        });
        host
    }

    /// One that has what nobody outside is to see.
    async fn inside() -> Host {
        Host::that_answers("HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecret".to_owned()).await
    }

    async fn that_redirects(to: &str) -> Host {
        Host::that_answers(format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")).await
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// What asks hosts, of which these may be private.
struct Asking {
    http: Http,
    clones: Clones,
    git: GitClones,
    _folder: TempDir,
}

impl Asking {
    fn with(hosts: &[&str]) -> Asking {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let private_hosts = PrivateHosts::new(hosts.iter().map(|host| (*host).to_owned()).collect());
        let http =
            Http::new(HttpSettings { time: PATIENCE, private_hosts: private_hosts.clone(), ..HttpSettings::default() }).unwrap();
        let limits = CloneSettings { clone_time: PATIENCE, pull_time: PATIENCE, aside_bytes: 0 };
        let git = GitSettings { clone_time: PATIENCE, fetch_time: PATIENCE, files_too: false, tokens: Vec::new() };
        Asking {
            clones: Clones::new(folder.path(), Path::new("hg"), 0, limits).with_private_hosts(private_hosts),
            git: GitClones::new(folder.path(), Path::new("git"), git).with_http(http.clone()),
            http,
            _folder: folder,
        }
    }

    /// Asks in each way; gives why nothing came of it.
    async fn refusals(&self, url: &str) -> Vec<FetchError> {
        let repository = RepositoryUrl::parse(url, UrlRules::OnlyHttp).unwrap();
        let name = "a/b".parse().unwrap();
        let pulled = self.clones.pull(&name, &repository).await;
        let cloned = self.clones.make(&name, &repository, |_| {}).await;
        let listed = self.git.ask(&repository).await.map(drop);
        let read = self.http.get(url).await.map(drop);
        [read, cloned, pulled, listed].map(|refused| refused.expect_err(url)).into()
    }
}

#[tokio::test]
async fn a_repository_in_a_private_network_is_not_asked_be_it_by_address_or_by_name() {
    let (inside, asking) = (Host::inside().await, Asking::with(&[]));
    for host in ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"] {
        for refused in asking.refusals(&format!("http://{host}:{}/a/b", inside.port)).await {
            let said = in_full(&refused);
            assert!(said.contains("is in a private network, which is not allowed (setting private_hosts)"), "{host}: {said}");
            assert_eq!(refused.class, ErrorClass::Ours, "{host}");
        }
    }
    assert_eq!(inside.asked(), 0);
}

#[tokio::test]
async fn a_redirect_leads_to_no_other_host_and_no_other_port() {
    let inside = Host::inside().await;
    let asking = Asking::with(&["127.0.0.1", "localhost"]);
    for target in ["127.0.0.1", "localhost"] {
        let to = format!("http://{target}:{}/a/b/info/refs?service=git-upload-pack", inside.port);
        let host = Host::that_redirects(&to).await;
        let url = format!("http://127.0.0.1:{}/a/b", host.port);

        let read = asking.http.get(&url).await.expect_err("it is redirected");
        let listed = asking.git.ask(&RepositoryUrl::parse(&url, UrlRules::OnlyHttp).unwrap()).await.expect_err("it is redirected");

        assert!(in_full(&read).contains("redirected to another host"), "{}", in_full(&read));
        assert!(in_full(&listed).contains("redirected to another host"), "{}", in_full(&listed));
        assert!(host.asked() >= 2);
    }
    assert_eq!(inside.asked(), 0);
}

#[tokio::test]
async fn a_host_that_is_allowed_is_asked() {
    let (inside, asking) = (Host::inside().await, Asking::with(&["127.0.0.1"]));

    let read = asking.http.get(&format!("http://127.0.0.1:{}/a", inside.port)).await;

    assert_eq!(read.unwrap(), b"secret");
    assert_eq!(inside.asked(), 1);
}

#[tokio::test]
async fn the_program_asks_nothing_inside_unless_the_operator_says_so() {
    let (world, name) = World::with_repository("fr").await;
    let sync = async |hosts: &str| run(&world, vec![("ELMO_PRIVATE_HOSTS", hosts.to_owned())], &["sync", &name]).await;

    let refused = sync("").await;

    assert_eq!(refused.status.code(), Some(3), "{}", text(&refused));
    assert!(text(&refused).contains("private network"), "{}", text(&refused));
    let allowed = sync("example.org 127.0.0.1").await;
    assert!(allowed.status.success(), "{}", text(&allowed));
}
