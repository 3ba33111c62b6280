//! What is asked of a clone through a command server.

use std::fs;
use std::os::unix::fs::symlink;

use elmo_hg::{HgError, Kind, Node, Servers, StatusEntry};

use crate::support::{LIMIT, Repo, World, hg, read_all};

#[tokio::test]
async fn hg_tells_its_version() {
    let version = hg().version().await.unwrap();

    assert!(version.starts_with(|first: char| first.is_ascii_digit()), "{version}");
}

#[tokio::test]
async fn heads_are_all_of_them_closed_ones_too() {
    let world = World::new();
    let repo = world.repo("heads").await;
    let merge = repo.fill().await[3];
    repo.run(&["branch", "other"]).await;
    let other = repo.commit("other").await;
    repo.run(&["update", "--rev", &merge.to_string()]).await;
    repo.run(&["branch", "closed"]).await;
    repo.commit("open").await;
    let closed = repo.commit_with("closed", &["--close-branch"]).await;

    let heads = repo.servers.heads(&repo.path).await.unwrap();

    assert_eq!(heads, [other, closed]);
}

#[tokio::test]
async fn a_file_is_given_byte_by_byte_and_only_at_its_exact_path() {
    let world = World::new();
    let repo = world.repo("cat").await;
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let names: [&[u8]; 5] = [b"dir/a", b"caf\xe9 ", b"-x", b"glob:*", b"set:all()\\{}"];
    for name in names {
        repo.write(name, &[name, &bytes].concat());
    }
    repo.write(b"empty", b"");
    let node = repo.commit("all").await;

    for name in names {
        let content = repo.servers.cat(&repo.path, &node, name, LIMIT).await.unwrap();
        assert_eq!(content, Some([name, &bytes].concat()), "{}", name.escape_ascii());
    }
    assert_eq!(repo.servers.cat(&repo.path, &node, b"empty", LIMIT).await.unwrap(), Some(Vec::new()));
    for name in [&b"dir"[..], b"", b"dir/a/b", b"none", b"di", b"*", b"a\0b"] {
        let content = repo.servers.cat(&repo.path, &node, name, LIMIT).await.unwrap();
        assert_eq!(content, None, "{}", name.escape_ascii());
    }
    let unknown: Node = "1234567890123456789012345678901234567890".parse().unwrap();
    let error = repo.servers.cat(&repo.path, &unknown, b"empty", LIMIT).await.unwrap_err();
    assert!(matches!(error, HgError::Unknown { .. }), "{error:?}");
}

fn entry(kind: Kind, path: &[u8], copied_from: Option<&[u8]>) -> StatusEntry {
    StatusEntry { path: path.to_vec(), kind, copied_from: copied_from.map(<[u8]>::to_vec) }
}

#[tokio::test]
async fn a_status_tells_what_differs_and_what_was_copied() {
    let world = World::new();
    let repo = world.repo("status").await;
    for name in [&b"changed"[..], b"copied", b"gone", b"moved\xe9 ", b"same"] {
        repo.write(name, name);
    }
    let from = repo.commit("from").await;
    repo.write(b"changed", b"2");
    repo.write(b"dir/new\nline", b"refused by hg");
    fs::remove_file(repo.path.join("dir/new\nline")).unwrap();
    repo.write(b"new", b"new");
    let moved = [&b"mv"[..], b"moved\xe9 ", b"there\xe9"].map(std::os::unix::ffi::OsStrExt::from_bytes);
    let moved: [&std::ffi::OsStr; 3] = moved;
    let at = ["--cwd", repo.path.to_str().unwrap()].map(std::ffi::OsStr::new);
    repo.run(&[&at[..], &moved[..]].concat()).await;
    repo.run(&["--cwd", repo.path.to_str().unwrap(), "cp", "copied", "copy"]).await;
    repo.run(&["--cwd", repo.path.to_str().unwrap(), "rm", "gone"]).await;
    let to = repo.commit("to").await;

    let mut there = repo.servers.status(&repo.path, &from, &to).await.unwrap();
    there.sort_by(|one, other| one.path.cmp(&other.path));

    let expected = [
        entry(Kind::Modified, b"changed", None),
        entry(Kind::Added, b"copy", Some(b"copied")),
        entry(Kind::Removed, b"gone", None),
        entry(Kind::Removed, b"moved\xe9 ", None),
        entry(Kind::Added, b"new", None),
        entry(Kind::Added, b"there\xe9", Some(b"moved\xe9 ")),
    ];
    assert_eq!(there, expected);
    assert_eq!(repo.servers.status(&repo.path, &to, &to).await.unwrap(), []);
    assert_eq!(repo.servers.status(&repo.path, &Node::NULL, &from).await.unwrap().len(), 5);
}

#[tokio::test]
async fn a_log_keeps_the_order_of_what_is_asked_for_however_much_it_is() {
    let world = World::new();
    let repo = world.repo("log").await;
    repo.run(&["debugbuilddag", "+1200"]).await;
    let mut all = read_all(&repo.path);
    all.reverse();
    let nodes: Vec<Node> = all.iter().map(|one| one.node).collect();

    assert_eq!(repo.servers.log(&repo.path, &nodes).await.unwrap(), all);
    assert_eq!(repo.servers.log(&repo.path, &[]).await.unwrap(), []);
    all.reverse();
    assert_eq!(repo.servers.log_range(&repo.path, 690..1195).await.unwrap(), all[690..1195]);
    assert_eq!(repo.servers.log_range(&repo.path, 1200..1300).await.unwrap(), []);
}

#[tokio::test]
async fn a_pull_tells_whether_it_brought_something() {
    let world = World::new();
    let source = world.repo("source").await;
    source.commit_file("a", "first").await;
    let clone = world.clone_of("source", "clone").await;
    source.commit_file("a", "second").await;
    let url = world.url("source");

    let first = clone.servers.pull(&clone.path, &url, LIMIT).await.unwrap();
    let second = clone.servers.pull(&clone.path, &url, LIMIT).await.unwrap();

    assert!(first.changes && !second.changes);
    assert_eq!(read_all(&clone.path), read_all(&source.path));
}

#[tokio::test]
async fn a_repository_made_anew_is_unrelated() {
    let world = World::new();
    world.repo("one").await.commit_file("a", "one").await;
    world.repo("two").await.commit_file("a", "two").await;
    let clone = world.clone_of("one", "clone").await;

    let error = clone.servers.pull(&clone.path, &world.url("two"), LIMIT).await.unwrap_err();

    assert!(matches!(error, HgError::Unrelated { .. }), "{error:?}");
}

#[tokio::test]
async fn a_clone_that_is_not_there_is_told_from_a_source_that_is_not_there() {
    let world = World::new();
    let clone = world.repo("clone").await;

    let no_clone = clone.servers.heads(&world.path("none")).await.unwrap_err();
    let no_source = clone.servers.pull(&clone.path, &world.url("none"), LIMIT).await.unwrap_err();

    assert!(matches!(no_clone, HgError::Corrupt { .. }), "{no_clone:?}");
    assert!(matches!(no_source, HgError::Gone { .. }), "{no_source:?}");
}

#[tokio::test]
async fn a_damaged_clone_is_corrupt() {
    let world = World::new();
    world.repo("source").await.fill().await;
    // hg 7 keeps the changelog's texts in a file of their own from the start.
    for files in [&["00changelog.d", "00changelog.i"][..], &["00manifest.i"]] {
        let clone = world.clone_of("source", files[0]).await;
        let file = files.iter().find(|file| clone.store(file).exists()).unwrap();
        let node = clone.tip().await;
        let mut bytes = fs::read(clone.store(file)).unwrap();
        let end = bytes.len();
        bytes[end - 4..].fill(0xff);
        fs::write(clone.store(file), bytes).unwrap();

        let error = clone.servers.status(&clone.path, &Node::NULL, &node).await.unwrap_err();

        assert!(matches!(error, HgError::Corrupt { .. }), "{file}: {error:?}");
    }
}

#[tokio::test]
async fn a_format_that_hg_does_not_know_is_corrupt() {
    let world = World::new();
    let repo = world.repo("new").await;
    fs::write(repo.path.join(".hg/requires"), "exp-of-the-future\n").unwrap();

    let error = repo.servers.heads(&repo.path).await.unwrap_err();

    assert!(matches!(error, HgError::Corrupt { .. }), "{error:?}");
}

#[tokio::test]
async fn neither_hooks_nor_extensions_of_a_clone_are_run() {
    let world = World::new();
    let source = world.repo("source").await;
    source.commit_file("a", "first").await;
    let clone = world.clone_of("source", "clone").await;
    source.commit_file("a", "second").await;
    let trap = world.path("trap.py");
    fs::write(&trap, format!("open({:?}, 'w')\n", world.path("sprung").display().to_string())).unwrap();
    let hook = format!("touch '{}'", world.path("sprung").display());
    let settings = format!(
        "[extensions]\ntrap = {}\n[hooks]\npre-pull = {hook}\nincoming = {hook}\n[alias]\npull = ! {hook}\n",
        trap.display()
    );
    for name in ["hgrc", "hgrc-not-shared"] {
        fs::write(clone.path.join(".hg").join(name), &settings).unwrap();
    }

    let pulled = clone.servers.pull(&clone.path, &world.url("source"), LIMIT).await.unwrap();

    assert!(pulled.changes);
    assert!(!world.path("sprung").exists());
}

/// Puts a lock into a clone as if `pid` of this machine held it.
fn lock(clone: &Repo, pid: u32) {
    use std::os::unix::fs::MetadataExt;
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let namespace = fs::metadata("/proc/self/ns/pid").unwrap().ino();
    symlink(format!("{}/{namespace:x}:{pid}", host.trim()), clone.store("lock")).unwrap();
}

async fn behind(world: &World) -> Repo {
    let source = world.repo("source").await;
    source.commit_file("a", "first").await;
    let clone = world.clone_of("source", "clone").await;
    source.commit_file("a", "second").await;
    clone
}

#[tokio::test]
async fn the_lock_of_a_dead_process_is_broken_by_hg() {
    let world = World::new();
    let clone = behind(&world).await;
    let mut dead = hg().command().arg("version").stdout(std::process::Stdio::null()).spawn().unwrap();
    let pid = dead.id().unwrap();
    dead.wait().await.unwrap();
    lock(&clone, pid);

    let pulled = clone.servers.pull(&clone.path, &world.url("source"), LIMIT).await.unwrap();

    assert!(pulled.changes);
}

#[tokio::test]
async fn the_lock_of_a_living_process_makes_a_clone_busy() {
    let world = World::new();
    let clone = behind(&world).await;
    lock(&clone, std::process::id());
    let impatient = Servers::new(hg().with_lock_wait(std::time::Duration::from_secs(1)), 1, LIMIT);

    let error = impatient.pull(&clone.path, &world.url("source"), LIMIT).await.unwrap_err();

    assert!(matches!(error, HgError::Busy { .. }), "{error:?}");
    assert!(error.may_pass());
}

#[tokio::test]
async fn a_change_that_was_cut_off_is_undone_by_recover() {
    let world = World::new();
    let clone = behind(&world).await;
    // What a killed hg leaves behind: a journal of how long the files were.
    let length = fs::metadata(clone.store("00changelog.i")).unwrap().len();
    fs::write(clone.store("journal"), format!("00changelog.i\0{length}\n")).unwrap();

    let cut_off = clone.servers.pull(&clone.path, &world.url("source"), LIMIT).await.unwrap_err();
    clone.servers.recover(&clone.path).await.unwrap();
    let pulled = clone.servers.pull(&clone.path, &world.url("source"), LIMIT).await.unwrap();
    clone.servers.recover(&clone.path).await.unwrap();

    assert!(matches!(cut_off, HgError::Interrupted { .. }), "{cut_off:?}");
    assert!(pulled.changes);
    assert_eq!(clone.read_twice().await.len(), 2);
}
