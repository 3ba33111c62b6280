use elmo_upstream::*;
use std::time::Instant;
#[tokio::main]
async fn main() {
    let arg = std::env::args().nth(1).unwrap_or_default();
    let upstream = Upstream::start(Options::default()).await.unwrap();
    upstream.create("warm").await.unwrap();
    upstream.push("warm", "a@b.c", [Commit::new("x").file("a", "b")]).await.unwrap();
    let t = Instant::now();
    upstream.create("r").await.unwrap();
    println!("create {:?}", t.elapsed());
    let mut times = vec![];
    for n in 0..40 {
        let t = Instant::now();
        upstream.push("r", "a@b.c", [Commit::new(format!("c {n}")).file(format!("x/y{}", n % 5), format!("z{n}"))]).await.unwrap();
        times.push(t.elapsed());
    }
    times.sort();
    println!("push min {:?} median {:?}", times[0], times[20]);
    let clients: Vec<_> = (0..3).collect();
    for _ in clients {
        let t = Instant::now();
        let out = std::process::Command::new("curl")
            .arg("-s")
            .arg("-w")
            .arg("%{time_total}")
            .arg("-o")
            .arg("/dev/null")
            .arg(format!("{}/r?cmd=heads", upstream.url()))
            .output()
            .unwrap();
        println!("heads {:?} {}", t.elapsed(), String::from_utf8_lossy(&out.stdout));
    }
    for (name, bulk) in [
        ("3000", Bulk { changesets: 3000, ..Bulk::default() }),
        ("10000", Bulk { changesets: 10_000, ..Bulk::default() }),
        ("50000", Bulk { changesets: 50_000, ..Bulk::default() }),
        ("line20000", Bulk::line(20_000)),
        ("empty20000", Bulk::empty_line(20_000)),
    ] {
        if !arg.split(',').any(|a| a == name) {
            continue;
        }
        upstream.create(name).await.unwrap();
        let imported = upstream.import(name, bulk).await.unwrap();
        println!("{name}: {imported:?}");
        println!(
            "{}",
            std::fs::read_to_string("/proc/self/status")
                .unwrap()
                .lines()
                .filter(|l| l.starts_with("VmHWM") || l.starts_with("VmRSS"))
                .collect::<Vec<_>>()
                .join(" ")
        );
        let t = Instant::now();
        upstream.push(name, "a@b.c", [Commit::new("after").file("q", "z")]).await.unwrap();
        println!("push after {:?}", t.elapsed());
    }
}
