//! What the files in `deploy/` name is there: settings, commands, addresses, and what one part of them says of another.

use crate::support::{Pulse, Watched, World, text};
use elmo::config::{Config, EXAMPLE};
use elmo::domain::{HGPUSHES, TASK_COMPLETED};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use yaml_rust2::{Yaml, YamlLoader};

/// Said when the program is built, not when it runs.
const AT_BUILD: [&str; 1] = ["ELMO_COMMIT"];
/// The services of the compose file that are Elmo.
const OURS: [&str; 2] = ["worker", "web"];
/// As long as `elmo` takes to stop at the most, in seconds.
const STOPPING: i64 = 10;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

fn documents(path: &str) -> Vec<Yaml> {
    YamlLoader::load_from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn compose() -> Yaml {
    documents("deploy/compose.yaml").remove(0)
}

fn kubernetes() -> Vec<Yaml> {
    documents("deploy/kubernetes/elmo.yaml")
}

/// The Kubernetes objects that run something.
fn workloads(objects: &[Yaml]) -> Vec<&Yaml> {
    objects.iter().filter(|object| object["spec"]["template"].as_hash().is_some()).collect()
}

fn container(workload: &Yaml) -> &Yaml {
    &workload["spec"]["template"]["spec"]["containers"][0]
}

fn texts(list: &Yaml) -> Vec<&str> {
    list.as_vec().into_iter().flatten().filter_map(Yaml::as_str).collect()
}

fn list(value: &Yaml) -> &[Yaml] {
    value.as_vec().map_or(&[], Vec::as_slice)
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The environment variables of ours that a text names.
fn variables(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_uppercase() && c != '_');
    let ours = |word: &&str| ["ELMO_", "PULSE_", "TASKCLUSTER_", "GITHUB_", "OTEL_"].iter().any(|start| word.starts_with(start));
    words.filter(|word| ours(word) || *word == "DATABASE_URL").collect()
}

/// The environment variables that the settings ask for.
fn variables_read() -> BTreeSet<String> {
    let asked = RefCell::new(BTreeSet::from(["ELMO_CONFIG".to_owned()]));
    let environment = |name: &str| {
        asked.borrow_mut().insert(name.to_owned());
        // Only who has credentials is asked where they may be sent.
        name.starts_with("TASKCLUSTER_").then(|| "https://tc.example.org".to_owned())
    };
    Config::from_text("", "elmo.toml", environment).unwrap();
    asked.into_inner()
}

#[expect(clippy::disallowed_methods, reason = "a story runs the program as an operator does")]
fn assert_command(args: &[&str], file: &str) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_elmo")).args(args).arg("--help").output().unwrap();
    assert!(!args.is_empty() && output.status.success(), "{file} runs elmo {args:?}");
}

#[test]
fn every_variable_is_one_that_elmo_reads() {
    let read = variables_read();
    for path in files(&root().join("deploy")) {
        let text = std::fs::read_to_string(&path).unwrap();
        for name in variables(&text).difference(&BTreeSet::from(AT_BUILD)) {
            assert!(read.contains(*name), "{} names {name}, which nobody reads", path.display());
        }
    }
    assert_eq!(variables(EXAMPLE), read.iter().map(String::as_str).collect(), "elmo.example.toml names all of them");
}

#[test]
fn every_command_is_one_of_elmo() {
    let unit = read("deploy/elmo.service");
    let start = unit.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/elmo ")).unwrap();
    assert_command(&start.split(' ').collect::<Vec<_>>(), "elmo.service");
    let image = read("deploy/Containerfile");
    let default = image.lines().find_map(|line| line.strip_prefix("CMD ")).unwrap();
    assert_command(&serde_json::from_str::<Vec<&str>>(default).unwrap(), "Containerfile");
    for service in OURS {
        assert_command(&texts(&compose()["services"][service]["command"]), "compose.yaml");
    }
    let objects = kubernetes();
    for workload in workloads(&objects) {
        assert_command(&texts(&container(workload)["args"]), "kubernetes/elmo.yaml");
    }
}

#[test]
fn everywhere_it_gets_the_time_it_needs_to_stop() {
    let unit = read("deploy/elmo.service");
    let stop = unit.lines().find_map(|line| line.strip_prefix("TimeoutStopSec=")).unwrap();
    assert!(stop.parse::<i64>().unwrap() > STOPPING);
    let stop = compose()["x-elmo"]["stop_grace_period"].as_str().unwrap().trim_end_matches('s').parse::<i64>();
    assert!(stop.unwrap() > STOPPING);
    for workload in workloads(&kubernetes()) {
        assert!(workload["spec"]["template"]["spec"]["terminationGracePeriodSeconds"].as_i64().unwrap() > STOPPING);
    }
}

#[tokio::test]
async fn every_address_that_is_probed_is_answered() {
    let world = World::new().await;
    let pulse = Pulse::new().await;
    let (worker, server) = (Watched::worker(&world, &pulse).await, Watched::server(&world, Vec::new()).await);
    worker.until_well().await;
    let probed = probed();

    assert_eq!(probed.len(), 10, "{probed:?}");
    for (port, path) in probed {
        let of = if port == 8000 { &server } else { &worker };
        assert_eq!(of.get(&path).await.0, 200, "{port}{path}");
    }
}

/// Everything that is asked by others, each with the port it is asked at.
fn probed() -> Vec<(i64, String)> {
    let mut probed: Vec<(i64, String)> = OURS.map(compose_probe).into();
    for object in kubernetes() {
        for annotations in [&object["metadata"]["annotations"], &object["spec"]["template"]["metadata"]["annotations"]] {
            let port = annotations["prometheus.io/port"].as_str().map(|port| port.parse().unwrap());
            probed.extend(port.zip(annotations["prometheus.io/path"].as_str().map(str::to_owned)));
        }
        for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
            let port = container(&object)["ports"][0]["containerPort"].as_i64();
            probed.extend(port.zip(container(&object)[probe]["httpGet"]["path"].as_str().map(str::to_owned)));
        }
    }
    probed
}

fn compose_probe(service: &str) -> (i64, String) {
    let compose = compose();
    let test = texts(&compose["services"][service]["healthcheck"]["test"]).concat();
    let (_, address) = test.split_once("http://127.0.0.1:").unwrap();
    let (port, path) = address.split('\'').next().unwrap().split_once('/').unwrap();
    (port.parse().unwrap(), format!("/{path}"))
}

#[test]
fn kubernetes_knows_every_word_of_the_objects() {
    let manifests = root().join("deploy/kubernetes/elmo.yaml");
    let checked = kubernetes_validate(&["--strict", manifests.to_str().unwrap()]);
    assert!(checked.status.success(), "{}", text(&checked));
}

#[expect(clippy::disallowed_methods, reason = "a story runs the program that holds objects against Kubernetes' own schemas")]
fn kubernetes_validate(args: &[&str]) -> std::process::Output {
    std::process::Command::new("kubernetes-validate").args(args).output().expect("kubernetes-validate, which bin/test installs")
}

#[test]
fn what_kubernetes_objects_say_of_each_other_is_so() {
    let objects = kubernetes();
    let of_kind = |kind: &'static str| objects.iter().filter(move |object| object["kind"].as_str() == Some(kind));
    let workloads = workloads(&objects);
    assert_eq!(workloads.len(), 2);
    let named = |kind: &Yaml, name: &Yaml| objects.iter().any(|one| one["kind"] == *kind && one["metadata"]["name"] == *name);
    for scaler in of_kind("HorizontalPodAutoscaler") {
        let target = &scaler["spec"]["scaleTargetRef"];
        assert!(named(&target["kind"], &target["name"]), "{target:?}");
    }
    for budget in of_kind("PodDisruptionBudget") {
        let of = |workload: &&&Yaml| workload["spec"]["selector"] == budget["spec"]["selector"];
        assert!(workloads.iter().any(|workload| of(&workload)), "{budget:?}");
    }
    for workload in &workloads {
        let (labels, pod) = (&workload["spec"]["template"]["metadata"]["labels"], &workload["spec"]["template"]["spec"]);
        assert_eq!(&workload["spec"]["selector"]["matchLabels"], labels);
        let claims = list(&workload["spec"]["volumeClaimTemplates"]).iter().map(|claim| &claim["metadata"]["name"]);
        let volumes: Vec<&Yaml> = list(&pod["volumes"]).iter().map(|volume| &volume["name"]).chain(claims).collect();
        for mount in list(&container(workload)["volumeMounts"]) {
            assert!(volumes.contains(&&mount["name"]), "{mount:?}");
        }
        for volume in list(&pod["volumes"]).iter().filter(|volume| volume["configMap"].as_hash().is_some()) {
            assert!(of_kind("ConfigMap").any(|map| map["metadata"]["name"] == volume["configMap"]["name"]), "{volume:?}");
        }
    }
    for service in of_kind("Service") {
        let behind = |workload: &&&Yaml| workload["spec"]["template"]["metadata"]["labels"] == service["spec"]["selector"];
        let workload = workloads.iter().find(behind).unwrap_or_else(|| panic!("{service:?}"));
        for port in list(&service["spec"]["ports"]) {
            let named = |one: &Yaml| one["name"] == port["targetPort"];
            assert!(list(&container(workload)["ports"]).iter().any(named), "{port:?}");
        }
    }
}

#[test]
fn the_secret_that_kubernetes_is_told_to_make_holds_what_is_asked_of_it() {
    let told = read("deploy/kubernetes/elmo.yaml");
    for workload in workloads(&kubernetes()) {
        for variable in list(&container(workload)["env"]) {
            let Some(key) = variable["valueFrom"]["secretKeyRef"]["key"].as_str() else { continue };
            assert_eq!(variable["valueFrom"]["secretKeyRef"]["name"].as_str(), Some("elmo"));
            assert!(told.contains(&format!("--from-literal={key}=")), "{key}");
        }
    }
}

#[test]
fn the_settings_in_kubernetes_can_be_used() {
    let objects = kubernetes();
    let settings = objects.iter().find_map(|object| object["data"]["elmo.toml"].as_str()).unwrap();
    let config = Config::from_text(settings, "elmo.toml", |_| None).unwrap();
    let listening = [config.worker_listen().unwrap(), config.listen()];
    let ports = workloads(&objects).into_iter().map(|workload| container(workload)["ports"][0]["containerPort"].as_i64().unwrap());
    assert_eq!(ports.map(|port| format!("0.0.0.0:{port}")).collect::<Vec<_>>(), listening);
}

#[test]
fn the_broker_for_trying_out_has_what_elmo_asks_for() {
    let definitions: serde_json::Value = serde_json::from_str(&read("deploy/rabbitmq/definitions.json")).unwrap();
    let exchanges: Vec<_> = definitions["exchanges"].as_array().unwrap().iter().map(|exchange| exchange["name"].as_str()).collect();
    assert_eq!(exchanges, [Some(HGPUSHES), Some(TASK_COMPLETED)]);
    let compose = compose();
    for name in ["PULSE_USER", "PULSE_PASSWORD"] {
        let value = compose["services"]["worker"]["environment"][name].as_str().unwrap();
        assert_eq!(value, format!("${{{name}:-elmo}}"));
    }
    assert_eq!((&definitions["users"][0]["name"], &definitions["users"][0]["password"]), (&"elmo".into(), &"elmo".into()));
}
