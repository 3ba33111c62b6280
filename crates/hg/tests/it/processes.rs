//! Servers as processes: how they are shared, ended and replaced. Scripts stand in for an hg that misbehaves.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use elmo_hg::{Hg, HgError, Servers};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::{LIMIT, World, is_dead, pids, servers, until};

/// What a command server says first, for `printf`.
const GREETING: &str = r#"printf 'o\000\000\000\050capabilities: runcommand\nencoding: UTF-8'"#;
/// Waits for a request.
const REQUEST: &str = "dd bs=65536 count=1 >/dev/null 2>&1";

/// The real hg, behind a script that writes down the number of each process.
fn counted(world: &World) -> (Hg, PathBuf) {
    let hg = world.script("counted-hg", "echo $$ >> $folder/pids\nexec hg \"$@\"");
    (Hg::new(hg), world.path("pids"))
}

fn pool(hg: impl Into<PathBuf>) -> Servers {
    Servers::new(Hg::new(hg).with_grace(Duration::from_millis(200)), 2, LIMIT)
}

#[tokio::test]
async fn one_server_serves_two_clones() {
    let world = World::new();
    let one = world.repo("one").await;
    let two = world.repo("two").await;
    let (hg, started) = counted(&world);
    let servers = Servers::new(hg, 2, LIMIT);

    for repo in [&one, &two, &one] {
        let root = servers.run(&repo.path, &["root"], LIMIT).await.unwrap();
        assert_eq!(root.stdout.trim_ascii_end(), repo.path.as_os_str().as_encoded_bytes());
    }

    assert_eq!(pids(&started).len(), 1);
    assert_eq!(servers.idle(), 1);
}

#[tokio::test]
async fn a_failed_command_leaves_its_server_well() {
    let world = World::new();
    let repo = world.repo("repo").await;
    let (hg, started) = counted(&world);
    let servers = Servers::new(hg, 2, LIMIT);

    let failed = servers.run(&repo.path, &["log", "-r", "none"], LIMIT).await.unwrap();
    let next = servers.run(&repo.path, &["root"], LIMIT).await.unwrap();

    assert_eq!((failed.code, next.code), (255, 0));
    assert!(failed.stderr.starts_with(b"abort: unknown revision 'none'"));
    assert_eq!(pids(&started).len(), 1);
}

#[tokio::test]
async fn commands_at_the_same_time_have_a_server_each_and_only_some_are_kept() {
    let world = World::new();
    let repo = world.repo("repo").await;
    let (hg, started) = counted(&world);
    let servers = Servers::new(hg, 1, LIMIT);
    let run = || servers.run(&repo.path, &["root"], LIMIT);

    let (one, two, three) = tokio::join!(run(), run(), run());

    assert!([one, two, three].into_iter().all(|output| output.unwrap().code == 0));
    assert_eq!(servers.idle(), 1);
    let living = || pids(&started).into_iter().filter(|&pid| !is_dead(pid)).count();
    assert_eq!(pids(&started).len(), 3);
    until("two of three are gone", || living() == 1).await;
}

#[tokio::test]
async fn a_server_makes_room_after_many_commands() {
    let world = World::new();
    let repo = world.repo("repo").await;
    let (hg, started) = counted(&world);
    let servers = Servers::new(hg, 1, LIMIT);

    for _ in 0..201 {
        servers.run(&repo.path, &["root"], LIMIT).await.unwrap();
    }

    let started = pids(&started);
    assert_eq!(started.len(), 2);
    assert!(is_dead(started[0]));
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_ended_with_all_it_has_started() {
    let world = World::new();
    let repo = world.repo("repo").await;
    let polite = "";
    let deaf = "trap '' TERM";
    for (name, manners) in [("polite", polite), ("deaf", deaf)] {
        let body =
            format!("{manners}\n{GREETING}\n{REQUEST}\nsleep 1000 &\necho $! >> $folder/{name}\necho $$ >> $folder/{name}\nwait");
        let servers = pool(world.script(&format!("{name}-hg"), &body));
        let limit = Duration::from_millis(1500);

        let error = servers.run(&repo.path, &["root"], limit).await.unwrap_err();

        assert!(matches!(error, HgError::TimedOut { limit: told } if told == limit), "{error:?}");
        assert_eq!(servers.idle(), 0);
        let started = pids(&world.path(name));
        assert_eq!(started.len(), 2);
        until("both are dead", || started.iter().all(|&pid| is_dead(pid))).await;
    }
}

#[tokio::test]
async fn a_clone_that_takes_too_long_is_ended_with_all_it_has_started() {
    let world = World::new();
    let slow = world.script("hg", "trap '' TERM\nsleep 1000 &\necho $! >> $folder/pids\necho $$ >> $folder/pids\nwait");
    let hg = Hg::new(slow).with_grace(Duration::from_millis(100));

    let ended = hg.clone_repository("from", &world.path("to"), Duration::from_secs(1), |_| ()).await;

    assert!(matches!(ended, Err(HgError::TimedOut { .. })), "{ended:?}");
    let started = pids(&world.path("pids"));
    assert_eq!(started.len(), 2);
    until("both are dead", || started.iter().all(|&pid| is_dead(pid))).await;
}

#[tokio::test]
async fn a_pull_whose_time_is_over_leaves_the_clone_usable() {
    let world = World::new();
    let source = world.repo("source").await;
    source.commit_file("a", "first").await;
    let clone = world.clone_of("source", "clone").await;
    source.commit_file("a", "second").await;
    // The transaction is open when the hook of the server's own settings holds it up.
    let hold = "exec hg --config hooks.pretxnclose='touch $folder/held; sleep 1000' \"$@\"".replace("$folder", &world.url(""));
    let slow = Servers::new(Hg::new(world.script("slow-hg", &hold)), 1, LIMIT);

    let error = slow.pull(&clone.path, &world.url("source"), Duration::from_secs(5)).await.unwrap_err();
    let pulled = servers().pull(&clone.path, &world.url("source"), LIMIT).await.unwrap();

    assert!(matches!(error, HgError::TimedOut { .. }), "{error:?}");
    assert!(world.path("held").exists());
    assert!(pulled.changes);
    assert_eq!(clone.read_twice().await.len(), 2);
}

#[tokio::test]
async fn a_future_that_is_dropped_takes_its_process_along() {
    let world = World::new();
    let repo = world.repo("repo").await;
    let body = format!("{GREETING}\n{REQUEST}\necho $$ >> $folder/pids\nsleep 1000");
    let servers = pool(world.script("slow-hg", &body));
    let started = world.path("pids");

    let run = servers.run(&repo.path, &["root"], LIMIT);
    tokio::select! {
        output = run => panic!("it answered: {output:?}"),
        () = until("it has started", || pids(&started).len() == 1) => {}
    }

    until("it is dead", || is_dead(pids(&started)[0])).await;
}

#[tokio::test]
async fn a_server_that_dies_at_a_command_is_replaced() {
    let world = World::new();
    let repo = world.repo("repo").await;
    let dying = format!("touch $folder/died\n{GREETING}\n{REQUEST}\necho 'out of memory' >&2\nexit 9");
    let hg = world.script("hg", &format!("if test -e $folder/died; then exec hg \"$@\"; fi\n{dying}"));
    let servers = pool(hg);

    let error = servers.run(&repo.path, &["root"], LIMIT).await.unwrap_err();
    let next = servers.run(&repo.path, &["root"], LIMIT).await.unwrap();

    let HgError::Broken { said, .. } = &error else { panic!("{error:?}") };
    assert_eq!(said, "out of memory");
    assert_eq!(next.code, 0);
}

#[tokio::test]
async fn a_server_that_dies_of_a_traceback_would_do_so_again() {
    let world = World::new();
    let repo = world.repo("repo").await;
    let traceback = r#"Traceback (most recent call last):
  File "x.py", line 1
ValueError"#;
    let body = format!("{GREETING}\n{REQUEST}\nprintf '{traceback}' >&2\nexit 1");

    let error = pool(world.script("hg", &body)).run(&repo.path, &["root"], LIMIT).await.unwrap_err();

    assert!(matches!(error, HgError::Failed { code: 1, .. }), "{error:?}");
    assert!(!error.may_pass());
}

#[tokio::test]
async fn a_server_that_died_while_it_was_idle_is_not_noticed() {
    let world = World::new();
    let repo = world.repo("repo").await;
    let (hg, started) = counted(&world);
    let servers = Servers::new(hg, 2, LIMIT);
    servers.run(&repo.path, &["root"], LIMIT).await.unwrap();
    let first = pids(&started)[0];

    kill_process(Pid::from_raw(i32::try_from(first).unwrap()).unwrap(), Signal::KILL).unwrap();
    until("it is dead", || is_dead(first)).await;
    let next = servers.run(&repo.path, &["root"], LIMIT).await.unwrap();

    assert_eq!(next.code, 0);
    assert_eq!(pids(&started).len(), 2);
}

#[tokio::test]
async fn an_idle_server_is_ended_after_a_while() {
    let world = World::new();
    let repo = world.repo("repo").await;
    let (hg, started) = counted(&world);
    let servers = Servers::new(hg, 2, Duration::from_millis(50));
    servers.run(&repo.path, &["root"], LIMIT).await.unwrap();

    until("none is idle", || servers.idle() == 0).await;

    until("it is dead", || is_dead(pids(&started)[0])).await;
    servers.run(&repo.path, &["root"], LIMIT).await.unwrap();
    until("none is idle again", || servers.idle() == 0).await;
}

#[tokio::test]
async fn dropping_the_last_handle_leaves_no_process_behind() {
    let world = World::new();
    let repo = world.repo("repo").await;
    let (hg, started) = counted(&world);
    let servers = Servers::new(hg, 2, LIMIT);
    let other = servers.clone();
    servers.run(&repo.path, &["root"], LIMIT).await.unwrap();

    drop(servers);
    assert!(!is_dead(pids(&started)[0]));
    drop(other);

    until("it is dead", || is_dead(pids(&started)[0])).await;
}

#[tokio::test]
async fn after_shutting_down_no_server_is_kept() {
    let world = World::new();
    let repo = world.repo("repo").await;
    let (hg, started) = counted(&world);
    let servers = Servers::new(hg, 2, LIMIT);
    servers.run(&repo.path, &["root"], LIMIT).await.unwrap();

    servers.shut_down().await;
    assert!(is_dead(pids(&started)[0]));
    servers.run(&repo.path, &["root"], LIMIT).await.unwrap();

    assert_eq!(servers.idle(), 0);
    assert!(is_dead(pids(&started)[1]));
}

#[tokio::test]
async fn too_much_output_is_an_error_and_the_next_command_works() {
    let world = World::new();
    let repo = world.repo("repo").await;
    repo.write(b"large", &[b'x'; 10_000]);
    let node = repo.commit("large").await;
    let narrow = servers().with_output_limit(9_000);

    let error = narrow.cat(&repo.path, &node, b"large", LIMIT).await.unwrap_err();
    let heads = narrow.heads(&repo.path).await.unwrap();

    assert!(matches!(error, HgError::TooLong { limit: 9_000 }), "{error:?}");
    assert_eq!(heads, [node]);
}

#[tokio::test]
async fn questions_are_answered_with_nothing_and_unknown_remarks_are_skipped() {
    let world = World::new();
    let repo = world.repo("repo").await;
    let talk = r"printf 'q\000\000\000\003foo'; printf 'L\000\000\020\000'; dd bs=4 count=1 2>/dev/null | od -An -tx1 > $folder/answer
printf 'd\000\000\000\001xo\000\000\000\002hie\000\000\000\003errr\000\000\000\004\000\000\000\007'
sleep 1000";
    let servers = pool(world.script("hg", &format!("{GREETING}\n{REQUEST}\n{talk}")));

    let output = servers.run(&repo.path, &["root"], LIMIT).await.unwrap();

    assert_eq!((output.code, &output.stdout[..], &output.stderr[..]), (7, &b"hi"[..], &b"err"[..]));
    assert_eq!(fs::read_to_string(world.path("answer")).unwrap().trim(), "00 00 00 00");
}

#[tokio::test]
async fn what_does_not_talk_like_a_command_server_is_broken() {
    let world = World::new();
    let repo = world.repo("repo").await;
    let demands = format!("{GREETING}\n{REQUEST}\nprintf 'X\\000\\000\\000\\001x'; sleep 1000");
    let large = format!("{GREETING}\n{REQUEST}\nprintf 'r\\377\\377\\377\\377'; sleep 1000");
    let bodies = ["echo hello; sleep 1000", "exit 1", "printf 'o\\377\\377\\377\\377'; sleep 1000", &demands, &large];
    for (number, body) in bodies.into_iter().enumerate() {
        let servers = pool(world.script(&format!("hg{number}"), body));

        let error = servers.run(&repo.path, &["root"], LIMIT).await.unwrap_err();

        assert!(matches!(error, HgError::Broken { .. }), "{body}: {error:?}");
        assert!(error.may_pass());
    }
    let endless = format!("{GREETING}\n{REQUEST}\nprintf 'o\\377\\377\\377\\377'; sleep 1000");
    let error = pool(world.script("endless", &endless)).run(&repo.path, &["root"], LIMIT).await.unwrap_err();
    assert!(matches!(error, HgError::TooLong { .. }), "{error:?}");
}

#[tokio::test]
async fn a_program_that_is_not_there_and_an_argument_that_cannot_be_are_told() {
    let world = World::new();
    let repo = world.repo("repo").await;

    let missing = pool(world.path("no-hg")).run(&repo.path, &["root"], LIMIT).await.unwrap_err();
    let argument = servers().run(&repo.path, &["log", "a\0b"], LIMIT).await.unwrap_err();

    assert!(matches!(missing, HgError::Program { .. }), "{missing:?}");
    assert!(matches!(argument, HgError::Program { .. }), "{argument:?}");
}
