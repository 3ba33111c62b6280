//! Clones that something has happened to.

use std::fs;
use std::path::Path;

use elmo_git::{Depth, GitError, HashKind, Range, Renames};
use elmo_upstream::git::Commit;

use crate::support::{LIMIT, World, after, files_in};

/// A clone whose objects are all in one pack.
async fn packed(world: &World) -> std::path::PathBuf {
    let commits = (0..200).map(|number| Commit::new(format!("{number}")).file(format!("l10n/{}", number % 7), number.to_string()));
    world.push("main", commits).await;
    let clone = world.cloned().await;
    assert!(pack(&clone).is_some());
    clone
}

fn pack(clone: &Path) -> Option<std::path::PathBuf> {
    files_in(&clone.join("objects/pack")).into_iter().find(|file| file.extension().is_some_and(|end| end == "pack"))
}

fn overwrite(file: &Path, contents: &[u8]) {
    // git makes them read-only.
    fs::remove_file(file).unwrap();
    fs::write(file, contents).unwrap();
}

#[tokio::test]
async fn a_clone_that_is_well_passes_every_check() {
    let world = World::new().await;
    let empty = world.path("empty.git");
    world.git.init(&empty, HashKind::Sha1).await.unwrap();
    let clone = packed(&world).await;

    for depth in [Depth::Tips, Depth::Everything] {
        world.git.check(&clone, depth, LIMIT).await.unwrap();
        world.git.check(&empty, depth, LIMIT).await.unwrap();
    }
}

#[tokio::test]
async fn damage_is_found_and_named_as_such() {
    let world = World::new().await;
    let clone = packed(&world).await;
    let tip = world.git.branches(&clone).await.unwrap().into_values().next().unwrap();
    let whole = fs::read(pack(&clone).unwrap()).unwrap();
    let pack = pack(&clone).unwrap();
    let half = whole.len() / 2;
    let zeroed: Vec<u8> = [&whole[..half], &[0; 64], &whole[half + 64..]].concat();

    for (what, bytes) in [("cut", &whole[..half]), ("zeroed", &zeroed[..]), ("empty", b"")] {
        overwrite(&pack, bytes);

        let checked = world.git.check(&clone, Depth::Everything, LIMIT).await.unwrap_err();
        let read = world.git.commits(&clone, &Range::of([tip]), Renames::Exact, LIMIT).unwrap().rest().await.unwrap_err();

        assert!(matches!(checked, GitError::Corrupt { .. }), "{what}: {checked:?}");
        // Without a pack the tip is simply not there.
        assert!(matches!(read, GitError::Corrupt { .. } | GitError::Unknown { .. }), "{what}: {read:?}");
    }
    let quick = world.git.check(&clone, Depth::Tips, LIMIT).await.unwrap_err();
    assert!(matches!(quick, GitError::Corrupt { .. }), "{quick:?}");
}

#[tokio::test]
async fn what_is_no_clone_is_damaged_too() {
    let world = World::new().await;
    world.push_file("main", "a", "1").await;
    let clone = world.cloned().await;
    fs::write(clone.join("HEAD"), "nonsense").unwrap();
    fs::create_dir(world.path("folder")).unwrap();

    for path in [clone, world.path("folder"), world.path("none")] {
        let fetch = world.try_fetch(&path).await.unwrap_err();
        assert!(matches!(fetch, GitError::Corrupt { .. }), "{fetch:?}");
    }
}

#[tokio::test]
async fn a_branch_that_points_to_nothing_is_damage() {
    let world = World::new().await;
    world.push_file("main", "a", "1").await;
    let clone = world.cloned().await;
    fs::write(clone.join("refs/heads/main"), format!("{}\n", "1".repeat(40))).unwrap();

    let error = world.git.check(&clone, Depth::Tips, LIMIT).await.unwrap_err();

    assert!(matches!(error, GitError::Corrupt { .. }), "{error:?}");
}

#[tokio::test]
async fn a_lock_that_a_killed_git_has_left_is_named_and_can_be_removed() {
    let world = World::new().await;
    world.push_file("main", "a", "1").await;
    let clone = world.cloned().await;
    world.push_file("main", "a", "2").await;
    let lock = clone.join("refs/heads/main.lock");
    fs::write(&lock, "").unwrap();
    fs::write(clone.join("packed-refs.lock"), "").unwrap();
    fs::write(clone.join("objects/pack/tmp_pack_abc"), "half").unwrap();

    let locked = world.try_fetch(&clone).await.unwrap_err();
    let mut removed = world.git.remove_locks(&clone).await.unwrap();
    let fetched = world.fetch(&clone).await;

    assert!(matches!(&locked, GitError::Locked { lock: named } if *named == lock), "{locked:?}");
    removed.sort();
    assert_eq!(removed, [clone.join("objects/pack/tmp_pack_abc"), clone.join("packed-refs.lock"), lock]);
    assert_eq!(fetched.moved.len(), 1);
}

#[tokio::test]
async fn a_lock_of_all_branches_is_told_too() {
    let world = World::new().await;
    world.push_file("main", "a", "1").await;
    let update = world.push_file("update", "a", "2").await;
    let clone = world.cloned().await;
    world.host.delete_branch(crate::support::REPO, "update", "anna").await.unwrap();
    fs::write(clone.join("packed-refs.lock"), "").unwrap();

    let locked = world.try_fetch(&clone).await.unwrap_err();

    assert!(matches!(&locked, GitError::Locked { lock } if lock.ends_with("packed-refs.lock")), "{locked:?}");
    assert!(world.git.branches(&clone).await.unwrap().values().any(|hash| *hash == update));
}

/// Bytes that cannot be packed.
fn noise(length: usize) -> Vec<u8> {
    let step = |state: &u64| Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
    let states = std::iter::successors(Some(1), step);
    states.map(|state| (state >> 56) as u8).take(length).collect()
}

#[tokio::test]
async fn a_full_disk_is_told_and_the_next_fetch_completes() {
    let world = World::new().await;
    let clone = world.path("clone.git");
    world.git.init(&clone, HashKind::Sha1).await.unwrap();
    let noise = noise(200_000);
    let tip = after(&world.push("main", [Commit::new("1").file("large", noise)]).await);
    // No file may grow beyond 16 KiB (32 blocks), as if there were no more room.
    let full = world.script("full-git", "trap '' XFSZ\nulimit -f 32\nexec git \"$@\"");

    let error = full.fetch(&clone, &world.remote(), &elmo_git::Wanted::All, LIMIT, |_| ()).await.unwrap_err();
    let fetched = world.fetch(&clone).await;

    assert!(matches!(error, GitError::Disk { .. }), "{error:?}");
    assert_eq!(fetched.moved[0].after, Some(tip));
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_a_matter_of_the_disk() {
    let world = World::new().await;
    let file = world.path("file");
    fs::write(&file, "").unwrap();

    let error = world.git.init(&file.join("clone.git"), HashKind::Sha1).await.unwrap_err();

    assert!(matches!(error, GitError::Disk { .. }), "{error:?}");
}
