use elmo_upstream::*;
#[tokio::test(flavor = "multi_thread")]
async fn first() {
    let t = std::time::Instant::now();
    let upstream = Upstream::start(Options::default()).await.unwrap();
    eprintln!("start {:?}", t.elapsed());
    let t = std::time::Instant::now();
    upstream.create("l10n-central/fr").await.unwrap();
    eprintln!("create {:?}", t.elapsed());
    for n in 0..10 {
        let t = std::time::Instant::now();
        let push = upstream.push("l10n-central/fr", "a@b.c", [Commit::new(format!("c {n}")).file(format!("x/y{n}"), "z")]).await.unwrap();
        eprintln!("push {:?} {:?}", t.elapsed(), push.id);
    }
    let out = std::process::Command::new("hg").args(["verify", "-R"]).arg(upstream.path_of("l10n-central/fr")).output().unwrap();
    eprintln!("{}", String::from_utf8_lossy(&out.stdout));
    for path in ["/l10n-central/fr/json-pushes?version=2&startID=0&endID=2&full=1", "/l10n-central/fr/json-pushes?version=2&startID=8", "/?style=raw", "/l10n-central/fr?cmd=capabilities","/l10n-central/fr?cmd=capabilities"] {
        let t = std::time::Instant::now();
        let out = std::process::Command::new("curl").arg("-si").arg(format!("{}{path}", upstream.url())).output().unwrap();
        eprintln!("{:?}\n{}", t.elapsed(), String::from_utf8_lossy(&out.stdout));
    }
}
