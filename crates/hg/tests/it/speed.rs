use elmo_hg::Changelog;
#[test]
#[ignore]
fn speed() {
    let path = std::path::PathBuf::from("/tmp/perf72");
    for _ in 0..3 {
        let t = std::time::Instant::now();
        let mut log = Changelog::open(&path).unwrap();
        let o = t.elapsed();
        let mut n = 0;
        for rev in 0..log.len() {
            n += log.read(rev).unwrap().files.len();
        }
        let e = t.elapsed();
        eprintln!("{} changesets {n} files open {o:?} all {e:?} {:.0}/s", log.len(), log.len() as f64 / e.as_secs_f64());
    }
}
