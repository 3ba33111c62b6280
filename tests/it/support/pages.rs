//! The pages, asked for over HTTP as a browser does.

use super::World;
use elmo::domain::Clock;
use elmo::fetch::{Artifacts, Versions};
use elmo::web::Limits;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use std::path::Path;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A web server over a world's database, ended when dropped.
pub(crate) struct Pages {
    root: String,
    http: reqwest::Client,
    _stop: DropGuard,
}

/// An answer.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: String,
}

impl Pages {
    /// Pages that know no deployment, so that no details can be fetched.
    pub(crate) async fn of(world: &World) -> Pages {
        Pages::read_by(world, Path::new("hg")).await
    }

    /// Pages that read clones by this program in place of hg.
    pub(crate) async fn read_by(world: &World, hg: &Path) -> Pages {
        let clock = world.bringer.clock.clone();
        let folder = world.data().join("artifacts").display().to_string();
        let artifacts = Artifacts::open(&folder, 1 << 20, Vec::new(), clock.clone()).expect("the artifact cache opens");
        Pages::start(world, clock, artifacts, hg).await
    }

    /// Pages by a clock and an artifact cache of their own.
    pub(crate) async fn with(world: &World, clock: Clock, artifacts: Artifacts) -> Pages {
        Pages::start(world, clock, artifacts, Path::new("hg")).await
    }

    async fn start(world: &World, clock: Clock, artifacts: Artifacts, hg: &Path) -> Pages {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let root = format!("http://{}", listener.local_addr().expect("its address"));
        let router =
            elmo::web::router(world.store.clone(), clock, artifacts, Versions::new(&world.data(), hg, Path::new("git")), None);
        let stop = CancellationToken::new();
        tokio::spawn(elmo::web::serve(listener, router, Limits::default(), stop.clone()));
        let http = reqwest::Client::builder().build().expect("HTTP is set up");
        Pages { root, http, _stop: stop.drop_guard() }
    }

    /// The whole address of a path.
    pub(crate) fn address(&self, path: &str) -> String {
        format!("{}{path}", self.root)
    }

    pub(crate) async fn get(&self, path: &str) -> Page {
        self.ask(Method::GET, path).await
    }

    pub(crate) async fn ask(&self, method: Method, path: &str) -> Page {
        self.ask_with(method, path, &[]).await
    }

    /// The same with headers.
    pub(crate) async fn ask_with(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Page {
        let request = self.http.request(method, self.address(path));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let answer = request.send().await.expect("an answer");
        let (status, headers) = (answer.status(), answer.headers().clone());
        Page { status, headers, body: answer.text().await.expect("the answer's body") }
    }

    /// A page that is there.
    pub(crate) async fn shown(&self, path: &str) -> String {
        let page = self.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.body);
        page.body
    }

    /// The same page as JSON.
    pub(crate) async fn json(&self, path: &str) -> Value {
        let with_format = format!("{path}{}format=json", if path.contains('?') { '&' } else { '?' });
        serde_json::from_str(&self.shown(&with_format).await).expect("JSON")
    }
}

impl Page {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}
