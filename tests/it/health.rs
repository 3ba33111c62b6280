//! How a process says that it is well, and that it is not: by HTTP, and to systemd.

use crate::support::{PATIENCE, Pulse, Watched, World, account, until};
use elmo_testbed::{Cable, RabbitMq};
use reqwest::StatusCode;
use serde_json::json;
use tokio::net::UnixDatagram;

#[tokio::test]
async fn a_worker_says_how_it_is_at_a_port_of_its_own() {
    let (world, name) = World::with_repository("fr").await;
    let pulse = Pulse::new().await;
    let worker = Watched::worker(&world, &pulse).await;
    worker.until_well().await;
    let complete = "elmo_syncs_total{vcs=\"hg\",outcome=\"complete\"}";
    let wishes = "elmo_wish_to_complete_seconds_count{vcs=\"hg\"}";

    // It may find a push by itself, as it looks at everything in the beginning, and then no wish comes of the message.
    until("a wish is met", PATIENCE, async || {
        let push = world.push(&name, "again").await;
        pulse.publish(&[world.message(&name, &push)]).await;
        world.until_complete(&name, push.id).await;
        worker.figure(wishes).await > Some(0.0)
    })
    .await;

    assert!(worker.figure("elmo_pull_seconds_count{vcs=\"hg\",kind=\"pull\",outcome=\"ok\"}").await > Some(0.0));
    assert_eq!(worker.figure("elmo_lanes").await, Some(4.0));
    assert_eq!(worker.figure("elmo_wish_oldest_seconds").await, Some(0.0));
    for more_than_none in [
        complete,
        "elmo_database_statement_seconds_count",
        "elmo_database_transaction_seconds_count{outcome=\"ok\"}",
        "elmo_messages_total{exchange=\"exchange/hgpushes/v2\",kind=\"changegroup.1\",outcome=\"noted\"}",
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_cpu_seconds_total",
    ] {
        assert!(worker.figure(more_than_none).await > Some(0.0), "{more_than_none} of\n{}", worker.metrics().await);
    }
    assert_eq!(worker.get("/__lbheartbeat__").await.0, StatusCode::OK);
    assert!(worker.get("/__version__").await.1.contains(env!("CARGO_PKG_VERSION")));
    assert_eq!(worker.get("/dashboard").await.0, StatusCode::NOT_FOUND);
    assert_eq!(worker.terminate().await, Some(0));
}

#[tokio::test]
async fn a_worker_whose_broker_is_gone_is_not_well_until_it_is_back() {
    let (world, _) = World::with_repository("fr").await;
    let pulse = Pulse::of_its_own().await;
    let worker = Watched::worker(&world, &pulse).await;
    worker.until_well().await;

    pulse.rabbit.kill().await.unwrap();

    worker.until_only_wrong("broker").await;
    assert_eq!(worker.heartbeat().await["details"]["broker"][0]["connected"], false);
    assert_eq!(worker.get("/__lbheartbeat__").await.0, StatusCode::OK, "nobody is to start it anew for that");
    pulse.rabbit.restart().await.unwrap();
    worker.until_well().await;
}

#[tokio::test]
async fn a_connection_that_nothing_comes_over_is_none() {
    let (world, _) = World::with_repository("fr").await;
    let pulse = Pulse::new().await;
    let cable = Cable::to(pulse.rabbit.addr()).await.unwrap();
    let through_it = RabbitMq::pulse_settings(cable.addr().port(), &pulse.vhost);
    let worker = Watched::worker_with(&world, through_it.into()).await;
    worker.until_well().await;

    cable.freeze();

    worker.until_only_wrong("broker").await;
}

#[tokio::test]
async fn a_worker_that_cannot_write_clones_is_not_well() {
    let (world, _) = World::with_repository("fr").await;
    let pulse = Pulse::new().await;
    let worker = Watched::worker(&world, &pulse).await;
    worker.until_well().await;
    let clones = world.data().join("clones");
    std::fs::rename(&clones, world.data().join("elsewhere")).unwrap();

    std::fs::write(&clones, "no folder").unwrap();

    worker.until_only_wrong("clones").await;
}

#[tokio::test]
async fn a_web_server_is_not_asked_for_what_it_does_not_use() {
    let world = World::new().await;
    let nothing_runs = vec![("PATH", world.folder().display().to_string())];

    let server = Watched::server(&world, nothing_runs).await;

    let expected = json!({"status": "ok", "checks": {"database": "ok"}, "details": {}});
    assert_eq!(server.heartbeat().await, expected);
}

/// What systemd would hear.
struct Systemd(UnixDatagram);

impl Systemd {
    async fn hears(&self) -> String {
        let mut bytes = [0; 256];
        let length = tokio::time::timeout(PATIENCE, self.0.recv(&mut bytes)).await.expect("it is told").unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap().trim_end().to_owned()
    }

    /// Forgets what was said until now.
    fn forget(&self) {
        let mut bytes = [0; 256];
        while self.0.try_recv(&mut bytes).is_ok() {}
    }
}

#[tokio::test]
async fn systemd_hears_of_the_start_of_life_and_of_the_end() {
    let (world, _) = World::with_repository("fr").await;
    let pulse = Pulse::new().await;
    let socket = world.folder().join("notify");
    let systemd = Systemd(UnixDatagram::bind(&socket).unwrap());
    let mut settings = account(&pulse);
    settings.extend([("NOTIFY_SOCKET", socket.display().to_string()), ("WATCHDOG_USEC", "2000000".to_owned())]);

    let mut worker = Watched::worker_with(&world, settings).await;

    assert_eq!(systemd.hears().await, "READY=1");
    pulse.until_consumed().await;
    for _ in 0..3 {
        assert_eq!(systemd.hears().await, "WATCHDOG=1");
    }
    if let Some(hold) = world.hold_readers().await {
        worker.running.until_it_logs("a loop does not go round").await;
        systemd.forget();
        worker.running.until_it_logs("a loop does not go round").await;
        assert!(systemd.0.try_recv(&mut [0; 256]).is_err(), "who is stuck is not alive");
        drop(hold);
        assert_eq!(systemd.hears().await, "WATCHDOG=1");
    }
    systemd.forget();
    assert_eq!(worker.terminate().await, Some(0));
    while systemd.hears().await != "STOPPING=1" {}
}
