//! Clones and pulls over HTTP, from `hg serve` and from hosts that are not well.

use elmo_hg::{CloneProgress, HgError};
use tokio::net::TcpListener;

use crate::support::{Host, LIMIT, World, hg, host_that_answers, read_all};

#[tokio::test]
async fn a_clone_over_http_is_the_same_and_is_kept_in_step() {
    let world = World::new();
    let source = world.repo("source").await;
    source.fill().await;
    let host = Host::start(&world).await;
    let url = format!("{}/source", host.url);
    let clone = world.path("clone");
    let streamed = world.path("streamed");

    hg().clone_repository(&url, &clone, LIMIT, |_| ()).await.unwrap();
    hg().with_stream_clones().clone_repository(&url, &streamed, LIMIT, |_| ()).await.unwrap();
    source.commit_file("d", "later").await;

    for clone in [&clone, &streamed] {
        assert!(source.servers.pull(clone, &url, LIMIT).await.unwrap().changes);
        assert!(!source.servers.pull(clone, &url, LIMIT).await.unwrap().changes);
        assert_eq!(read_all(clone), read_all(&source.path));
        assert!(!clone.join("a").exists());
    }
}

#[tokio::test]
async fn an_empty_repository_can_be_cloned() {
    let world = World::new();
    let source = world.repo("source").await;
    let host = Host::start(&world).await;
    let url = format!("{}/source", host.url);

    hg().clone_repository(&url, &world.path("clone"), LIMIT, |_| ()).await.unwrap();

    assert!(read_all(&world.path("clone")).is_empty());
    assert!(!source.servers.pull(&world.path("clone"), &url, LIMIT).await.unwrap().changes);
}

#[tokio::test]
async fn a_growing_clone_tells_its_size() {
    let world = World::new();
    let slow = world.script("slow", "for to; do :; done; mkdir -p $to/.hg; head -c 5000 /dev/zero > $to/.hg/x; sleep 2");
    let mut told = Vec::new();

    let slow = elmo_hg::Hg::new(slow);
    slow.clone_repository("from", &world.path("clone"), LIMIT, |progress| told.push(progress)).await.unwrap();

    assert!(!told.is_empty());
    assert!(told.iter().all(|progress| *progress == CloneProgress { bytes: 5000 }), "{told:?}");
}

#[tokio::test]
async fn a_repository_that_the_host_does_not_have_is_gone() {
    let world = World::new();
    let clone = world.repo("clone").await;
    let host = Host::start(&world).await;
    let url = format!("{}/none", host.url);

    let pull = clone.servers.pull(&clone.path, &url, LIMIT).await.unwrap_err();
    let cloned = hg().clone_repository(&url, &world.path("none"), LIMIT, |_| ()).await.unwrap_err();

    assert!(matches!(pull, HgError::Gone { .. }), "{pull:?}");
    assert!(matches!(cloned, HgError::Gone { .. }), "{cloned:?}");
}

#[tokio::test]
async fn a_host_that_is_not_there_is_a_matter_of_the_network() {
    let world = World::new();
    let clone = world.repo("clone").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://me:secret@{}/", listener.local_addr().unwrap());
    drop(listener);

    for url in [url.as_str(), "http://no-such-host.invalid/"] {
        let error = clone.servers.pull(&clone.path, url, LIMIT).await.unwrap_err();

        assert!(matches!(error, HgError::Network { .. }), "{error:?}");
        assert!(!error.to_string().contains("secret"));
    }
}

#[tokio::test]
async fn what_a_host_answers_decides_what_can_be_done() {
    let world = World::new();
    let clone = world.repo("clone").await;
    let answers = [
        ("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", "Network"),
        ("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "Network"),
        ("HTTP/1.1 429 Slow down\r\nContent-Length: 0\r\n\r\n", "Network"),
        ("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi", "Network"),
        ("HTTP/1.1 200 OK\r\nContent-Type: application/mercurial-0.1\r\nContent-Length: 9\r\n\r\nhi", "Network"),
        ("", "Network"),
        ("what?\r\n\r\n", "Network"),
        ("HTTP/1.1 404 None\r\nContent-Length: 0\r\n\r\n", "Gone"),
        ("HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", "Gone"),
        ("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", "Refused"),
        ("HTTP/1.1 401 Who?\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n", "Refused"),
    ];
    let mut wrong = Vec::new();
    for (answer, expected) in answers {
        let url = host_that_answers(answer).await;

        let error = clone.servers.pull(&clone.path, &url, LIMIT).await.unwrap_err();

        if !format!("{error:?}").starts_with(expected) {
            wrong.push(format!("{answer:?}: {error:?}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
