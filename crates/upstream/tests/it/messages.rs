//! Messages are as hg.mozilla.org sends them.

use elmo_upstream::{Commit, EXCHANGE, Message, Publishing};

use crate::support::{REPO, USER, upstream};

fn text(message: &Message) -> String {
    assert_eq!(message.exchange, EXCHANGE);
    String::from_utf8(message.body.clone()).unwrap()
}

fn meta(repository: &str, body: &str) -> String {
    let sent = body.rsplit_once("\"sent\": ").unwrap().1;
    format!(
        "\"_meta\": {{\"exchange\": \"exchange/hgpushes/v2\", \"routing_key\": \"{repository}\", \
         \"serializer\": \"json\", \"sent\": {sent}"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_has_its_message() {
    let upstream = upstream().await;
    let commits = [Commit::new("One").file("a", "1"), Commit::new("Other root").parent(elmo_upstream::Parent::Null)];
    let push = upstream.push_at(REPO, "zoé@example.com", 1_795_485_312, commits).await.unwrap();

    let message = upstream.message_for_push(REPO, &push).unwrap();

    let (body, url) = (text(&message), upstream.url_of(REPO));
    let expected = format!(
        "{{\"payload\": {{\"type\": \"changegroup.1\", \"data\": {{\"repo_url\": \"{url}\", \"heads\": [\"{}\", \"{}\"], \
         \"source\": \"serve\", \"pushlog_pushes\": [{{\"pushid\": 1, \"user\": \"zo\\u00c3\\u00a9@example.com\", \
         \"time\": 1795485312, \"push_json_url\": \"{url}/json-pushes?version=2&startID=0&endID=1\", \
         \"push_full_json_url\": \"{url}/json-pushes?version=2&full=1&startID=0&endID=1\"}}]}}}}, {}",
        push.nodes[0],
        push.nodes[1],
        meta(REPO, &body)
    );
    assert_eq!(body, expected);
    assert_eq!(message.routing_key, REPO);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_repository_and_a_pull_have_theirs() {
    let upstream = upstream().await;
    let push = upstream.push(REPO, USER, [Commit::new("One").file("a", "1")]).await.unwrap();
    upstream.fork(REPO, "users/fork").await.unwrap();

    let new = text(&upstream.message_newrepo("users/fork").unwrap());
    let pulled = text(&upstream.message_without_pushes("users/fork").unwrap());

    let url = upstream.url_of("users/fork");
    let payload = format!("{{\"payload\": {{\"type\": \"newrepo.1\", \"data\": {{\"repo_url\": \"{url}\"}}}}, ");
    assert_eq!(new, payload + &meta("users/fork", &new));
    let data = format!("\"heads\": [\"{}\"], \"source\": \"pull\", \"pushlog_pushes\": []}}}}, ", push.tip());
    assert!(pulled.contains(&data), "{pulled}");
}

#[tokio::test(flavor = "multi_thread")]
async fn obsolescence_has_its_message() {
    let upstream = upstream().await;
    upstream.create_with("facts/obs2", Publishing::No).await.unwrap();
    let first = upstream.push("facts/obs2", "me@example.com", [Commit::new("X").file("a", "1")]).await.unwrap();
    let amended = Commit::new("é").file("a", "2");
    let (second, marker) = upstream.amend("facts/obs2", first.tip(), "me@example.com", amended).await.unwrap();
    let unknown = elmo_upstream::Node::NULL.to_string().replace('0', "1").parse().unwrap();
    let prune = upstream.obsolete("facts/obs2", unknown, &[], "me@example.com").await.unwrap();

    let body = text(&upstream.message_obsolete("facts/obs2", &[marker.clone(), prune]).unwrap());

    let value: serde_json::Value = serde_json::from_str(&body).unwrap();
    let markers = &value["payload"]["data"]["markers"];
    let start = format!(
        "\"markers\": [{{\"precursor\": {{\"node\": \"{}\", \"known\": true, \"visible\": false, \"desc\": \"X\", \"push\": {{\"pushid\": 1,",
        first.tip()
    );
    assert!(body.contains(&start), "{body}");
    assert_eq!(markers[0]["successors"][0]["node"], second.tip().to_string());
    assert_eq!(markers[0]["successors"][0]["desc"], "Ã©");
    assert_eq!(markers[0]["successors"][0]["push"]["pushid"], 2);
    let end = "\"known\": false, \"visible\": null, \"desc\": null, \"push\": null}, \"successors\": [], \"user\": \"me@example.com\", \"time\": ";
    assert!(body.contains(end), "{body}");
    assert!(body.contains(&format!("\"time\": {}.0}}", marker.time)), "{body}");
}
