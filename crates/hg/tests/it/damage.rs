//! Damaged changelogs: whatever was done to the files, a changeset is the right one or an error.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use elmo_hg::{Changelog, ChangelogError, Changeset, Node};

use crate::made::{Form, Made, Shape, text};
use crate::support::{LIMIT, Repo, World, read_all};

/// Reads what can be read, checks it against what was there, and counts it.
fn read_what_is_right(repo: &Path, right: &HashMap<Node, Changeset>) -> usize {
    let Ok(mut changelog) = Changelog::open(repo) else {
        return 0;
    };
    changelog.heads();
    let read: Vec<_> = (0..changelog.len()).filter_map(|rev| changelog.read(rev).ok()).collect();
    for changeset in &read {
        assert_eq!(right.get(&changeset.node), Some(changeset));
    }
    read.len()
}

fn known(repo: &Repo) -> HashMap<Node, Changeset> {
    read_all(&repo.path).into_iter().map(|one| (one.node, one)).collect()
}

/// Both files of a changelog that is split, or the only one.
fn files(repo: &Repo) -> Vec<PathBuf> {
    let names = ["00changelog.i", "00changelog.d"].map(|name| repo.store(name));
    names.into_iter().filter(|path| path.exists()).collect()
}

/// One repository that hg has made, which is inline with older versions, and two with every form of chunk and delta.
async fn small_ones(world: &World) -> [Repo; 3] {
    let real = world.repo("real").await;
    real.fill().await;
    let forms = world.repo("forms").await;
    Made::in_every_form(Shape::default()).write_to(&forms);
    let chain = world.repo("chain").await;
    let mut made = Made::new(Shape { inline: true, general_delta: true });
    made.add(&text(0, b"start"), Form::Plain);
    for number in 1..8 {
        made.add(&text(number, b"start"), Form::Delta { against: number - 1, base: number - 1 });
    }
    made.write_to(&chain);
    [real, forms, chain]
}

#[tokio::test]
async fn a_changelog_that_breaks_off_anywhere_gives_no_wrong_changeset() {
    let world = World::new();
    for repo in small_ones(&world).await {
        let right = known(&repo);
        for file in files(&repo) {
            let whole = fs::read(&file).unwrap();
            for length in 0..whole.len() {
                fs::write(&file, &whole[..length]).unwrap();

                assert!(read_what_is_right(&repo.path, &right) < right.len());
            }
            fs::write(&file, whole).unwrap();
        }
        assert_eq!(read_what_is_right(&repo.path, &right), right.len());
    }
}

#[tokio::test]
async fn a_flipped_bit_gives_no_wrong_changeset() {
    let world = World::new();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for repo in small_ones(&world).await {
        let right = known(&repo);
        for file in files(&repo) {
            let whole = fs::read(&file).unwrap();
            for _ in 0..300 {
                let mut damaged = whole.clone();
                for _ in 0..=random.below(2) {
                    // The first bytes are where the numbers stand, so they get more than their share.
                    let within = if random.below(2) == 0 { damaged.len() } else { damaged.len().min(1000) };
                    damaged[random.below(within)] ^= 1 << random.below(8);
                }
                fs::write(&file, damaged).unwrap();

                read_what_is_right(&repo.path, &right);
            }
            fs::write(&file, whole).unwrap();
        }
    }
}

/// Numbers that look random and are the same each time (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }
}

#[tokio::test]
async fn a_lost_data_file_is_an_error() {
    let world = World::new();
    let [_, forms, _] = small_ones(&world).await;
    fs::remove_file(forms.store("00changelog.d")).unwrap();

    assert!(matches!(Changelog::open(&forms.path), Err(ChangelogError::Io { .. })));
}

#[tokio::test]
async fn a_reader_of_a_repository_that_is_written_to_sees_the_old_or_the_new() {
    let world = World::new();
    let source = world.repo("source").await;
    source.fill().await;
    for number in 0..3 {
        let long: String = (0..20_000).map(|step| format!("{:x} ", step * 7919 + number)).collect();
        source.write(b"a", long.as_bytes());
        source.commit(&long).await;
    }
    assert!(source.store("00changelog.d").exists());
    let clone = world.clone_of("source", "clone").await;
    let strip = ["--config", "extensions.strip=", "strip", "--no-backup", "-r", "1:"];
    let right = known(&source);

    let writer = tokio::spawn({
        let (path, servers, url) = (clone.path.clone(), clone.servers.clone(), world.url("source"));
        async move {
            for _ in 0..5 {
                servers.run(&path, &strip, LIMIT).await.unwrap();
                servers.pull(&path, &url, LIMIT).await.unwrap();
            }
        }
    });
    let mut reads = 0;
    while !writer.is_finished() {
        reads += read_what_is_right(&clone.path, &right);
        tokio::task::yield_now().await;
    }

    writer.await.unwrap();
    assert!(reads > 0);
    assert_eq!(read_what_is_right(&clone.path, &right), right.len());
}
