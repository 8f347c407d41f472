//! Holds that the files of `deploy/` fit this server: their options are options, their paths are paths, their metrics are metrics.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use actix_web::{App, test::TestRequest};
use prometheus::{IntGauge, Registry};
use serde_json::Value;

use crate::{
    channels,
    config::{Config, Mode},
    connections, cpu_pool,
    engine::{Engine, Settings},
    http::operations::{self, HttpMetrics},
    render_workers,
};

type Environment = BTreeMap<String, String>;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy")
}

fn text(file: &str) -> String {
    let path = folder().join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The documents of a YAML file, with anchors and merge keys resolved.
fn yaml(file: &str) -> Vec<Value> {
    use serde::Deserialize;
    let read = |document| -> Result<Value, serde_yaml_ng::Error> {
        let mut value = serde_yaml_ng::Value::deserialize(document)?;
        // A merged mapping may merge others.
        for _ in 0..3 {
            value.apply_merge()?;
        }
        serde_yaml_ng::from_value(value)
    };
    let text = text(file);
    let documents = serde_yaml_ng::Deserializer::from_str(&text).map(read);
    documents.map(|document| document.unwrap_or_else(|error| panic!("{file}: {error}"))).collect()
}

fn one(file: &str) -> Value {
    let mut documents = yaml(file);
    assert_eq!(documents.len(), 1, "{file}");
    documents.remove(0)
}

/// Every file below `deploy/`, by its path there.
fn files() -> Vec<String> {
    let (mut found, mut folders) = (Vec::new(), vec![folder()]);
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(folder()).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found
}

fn list(value: &Value) -> Vec<&Value> {
    value.as_array().map(|items| items.iter().collect()).unwrap_or_default()
}

/// All values of members of this name, at any depth.
fn members<'a>(value: &'a Value, name: &str) -> Vec<&'a Value> {
    match value {
        Value::Object(object) => {
            let below = object.iter().flat_map(|(key, value)| {
                let own = (key == name).then_some(value);
                own.into_iter().chain(members(value, name))
            });
            below.collect()
        }
        Value::Array(items) => items.iter().flat_map(|item| members(item, name)).collect(),
        _ => Vec::new(),
    }
}

/// What the image sets.
fn image() -> Environment {
    let dockerfile = text("Dockerfile");
    let lines = dockerfile.lines().filter_map(|line| line.strip_prefix("ENV "));
    let pairs = lines.flat_map(str::split_whitespace).filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// A value for what a person or `env.sh` has to fill in.
fn filled(name: &str, value: &str) -> String {
    match value {
        "" if name == "RUBRICA_KEYS__MASTER" => "A".repeat(43) + "=",
        "" => "filled-in".to_owned(),
        given => given.to_owned(),
    }
}

/// Loads a configuration as the server does, and builds the parts that need nothing else.
fn load(file: &Path, environment: &Environment) -> Config {
    for name in environment.keys() {
        let known = ["RUBRICA_MODE", "RUBRICA_DATA", "RUBRICA_STORE"].contains(&name.as_str()) || name.contains("__");
        assert!(name.starts_with("RUBRICA_") && known, "{name} is no option");
    }
    let config = Config::load(Some(file), environment.clone());
    let config = config.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    config.try_parts(chrono::Utc::now()).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    config
}

/// Seconds of a duration as compose writes it.
fn seconds(duration: &str) -> i64 {
    let (number, unit) = duration.split_at(duration.len() - 1);
    number.parse::<i64>().unwrap() * if unit == "m" { 60 } else { 1 }
}

#[test]
fn every_file_can_be_read_by_what_it_is_for() {
    let mut read = 0;
    for file in files() {
        match Path::new(&file).extension().and_then(|extension| extension.to_str()) {
            Some("yaml") => assert!(yaml(&file).iter().all(Value::is_object), "{file}"),
            Some("json") => drop(serde_json::from_str::<Value>(&text(&file)).unwrap_or_else(|error| panic!("{file}: {error}"))),
            _ => continue,
        }
        read += 1;
    }
    assert!(read > 15, "only {read} files were found");
}

#[test]
fn the_nodes_of_compose_are_configured_by_options_that_there_are() {
    let example = text(".env.example");
    let secrets: Environment = example
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), filled(name, value)))
        .collect();
    // `${NAME:?what to do}` and `${NAME:-default}`, as compose fills them in.
    let interpolated = |value: &str| match value.strip_prefix("${").and_then(|value| value.strip_suffix('}')) {
        None => value.to_owned(),
        Some(inner) => match (inner.split_once(":?"), inner.split_once(":-")) {
            (Some((name, _)), _) => secrets.get(name).unwrap_or_else(|| panic!("{name} is not in .env.example")).clone(),
            (_, Some((name, default))) => secrets.get(name).cloned().unwrap_or_else(|| default.to_owned()),
            _ => panic!("{value} cannot be filled in"),
        },
    };
    let compose = one("compose.yaml");
    let services = compose["services"].as_object().unwrap();
    let ours: Vec<_> = services.iter().filter(|(_, service)| service["image"] == "rubrica:local").collect();
    let names: Vec<&str> = ours.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["migrate", "rubrica-1", "rubrica-2", "rubrica-3"]);
    for (name, service) in ours {
        let mut environment = image();
        for (variable, value) in service["environment"].as_object().unwrap() {
            let value = value.as_str().unwrap_or_else(|| panic!("{name}: {variable} is no text"));
            environment.insert(variable.clone(), interpolated(value));
        }
        let config = load(&folder().join("rubrica.toml"), &environment);
        assert_eq!((config.mode, config.store.is_shared()), (Mode::Development, true), "{name}");
        assert!(!config.channels.sandbox_is_on(), "{name}: its outbox would be another one on each node");
        if name != "migrate" {
            let patience = config.server.shutdown.num_seconds();
            let pause = config.server.drain_pause.num_seconds();
            assert!(seconds(service["stop_grace_period"].as_str().unwrap()) > pause + 2 * patience, "{name} is killed too soon");
            assert!(text("caddy/Caddyfile").contains(&format!("{name}:8080")), "{name} gets no requests");
            assert!(text("prometheus/prometheus.yaml").contains(&format!("{name}:8080")), "{name} is not watched");
        }
    }
}

/// The containers of a Deployment's or Job's pods.
fn containers(resource: &Value) -> Vec<&Value> {
    list(&resource["spec"]["template"]["spec"]["containers"])
}

#[test]
fn the_nodes_of_kubernetes_are_configured_by_options_that_there_are() {
    let secret = one("k8s/base/secret.example.yaml");
    let secrets = secret["stringData"].as_object().unwrap().iter();
    let secrets = secrets.map(|(name, value)| (name.clone(), filled(name, value.as_str().unwrap())));
    let mut environment = image();
    environment.extend(secrets);
    for file in ["k8s/base/deployment.yaml", "k8s/base/migrate.yaml"] {
        let resource = one(file);
        for container in containers(&resource) {
            let from = &container["envFrom"][0]["secretRef"]["name"];
            assert_eq!(from, &secret["metadata"]["name"], "{file}");
            assert!(container.to_string().contains("/etc/rubrica/rubrica.toml"), "{file}");
            assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true, "{file}");
        }
    }
    // The authority's file itself is not there; that the option is, `load` tells by its name.
    let authority = ["k8s/components/store-tls/deployment.yaml", "k8s/components/store-tls/migrate.yaml"].map(one);
    for variable in authority.iter().flat_map(containers).flat_map(|container| list(&container["env"])) {
        environment.insert(variable["name"].as_str().unwrap().into(), variable["value"].as_str().unwrap().into());
    }
    for overlay in ["k8s/base", "k8s/overlays/example"] {
        let config = load(&folder().join(overlay).join("rubrica.toml"), &environment);
        assert_eq!((config.mode, config.store.is_shared()), (Mode::Production, true), "{overlay}");
        assert_eq!(config.server.listen.to_string(), "0.0.0.0:8080", "{overlay}");
        let pod = &one("k8s/base/deployment.yaml")["spec"]["template"]["spec"];
        let pause: i64 = members(pod, "preStop")[0]["exec"]["command"][1].as_str().unwrap().parse().unwrap();
        let patience = pod["terminationGracePeriodSeconds"].as_i64().unwrap();
        let end = config.server.drain_pause + config.server.shutdown * 2;
        assert!(patience > pause + end.num_seconds(), "a pod is killed too soon");
    }
}

#[actix_web::test]
async fn what_is_probed_and_scraped_is_there() {
    let mut paths = BTreeSet::new();
    let deployment = one("k8s/base/deployment.yaml");
    paths.extend(members(&deployment, "httpGet").iter().map(|get| get["path"].as_str().unwrap().to_owned()));
    paths.extend(members(&deployment, "prometheus.io/path").iter().map(|path| path.as_str().unwrap().to_owned()));
    let monitor = one("k8s/components/service-monitor/service-monitor.yaml");
    paths.extend(members(&monitor, "path").iter().map(|path| path.as_str().unwrap().to_owned()));
    for file in ["Dockerfile", "compose.yaml"] {
        let text = text(file);
        let addresses = text.split("http://127.0.0.1:8080").skip(1);
        paths.extend(addresses.map(|rest| rest.split(['"', ' ', '\n']).next().unwrap().to_owned()));
    }
    let caddy = text("caddy/Caddyfile");
    let health = caddy.lines().filter_map(|line| line.trim().strip_prefix("health_uri "));
    paths.extend(health.map(str::to_owned));
    assert_eq!(paths.iter().collect::<Vec<_>>(), ["/health/live", "/health/ready", "/metrics"]);

    let app = actix_web::test::init_service(App::new().configure(operations::configure)).await;
    for path in &paths {
        let answer = actix_web::test::call_service(&app, TestRequest::get().uri(path).to_request()).await;
        // Without its parts the application can answer with a fault, but it has the route.
        assert_ne!(answer.status(), 404, "{path}");
    }
    let absent = actix_web::test::call_service(&app, TestRequest::get().uri("/healthz").to_request()).await;
    assert_eq!(absent.status(), 404);
}

#[test]
fn nothing_that_needs_no_token_is_shown_to_the_outside() {
    let ingress = one("k8s/overlays/example/ingress.yaml");
    let paths = members(&ingress, "path");
    assert!(!paths.is_empty());
    for path in paths {
        let path = path.as_str().unwrap();
        assert!(!["/", "/metrics", "/health", "/sandbox"].contains(&path), "{path}");
    }
    assert!(text("caddy/Caddyfile").contains("@inside path /metrics\n\trespond @inside 404"));
}

/// Everything that the server registers, with either store.
async fn registry() -> Registry {
    let registry = Registry::new();
    actors::Metrics::new(&registry).unwrap();
    HttpMetrics::new(&registry).unwrap();
    connections::Metrics::new(&registry).unwrap();
    channels::Metrics::new(&registry).unwrap();
    cpu_pool::Metrics::new(&registry).unwrap();
    render_workers::Metrics::new(&registry).unwrap();
    crate::page_view::Metrics::new(&registry).unwrap();
    crate::scoring::Metrics::new(&registry).unwrap();
    crate::trust_services::Metrics::new(&registry).unwrap();
    crate::handwriting::Metrics::new(&registry).unwrap();
    store::scylla::Metrics::new(&registry).unwrap();
    store::scylla::WakeMetrics::new(&registry).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = Config { data: Some(folder.path().to_owned()), ..Config::default() };
    Engine::open(&Settings::of(&config), &registry).await.unwrap().close().await.unwrap();
    registry
}

/// Whether there is a metric of this name: a name that is taken cannot be registered anew with another help.
fn is_registered(registry: &Registry, name: &str) -> bool {
    let taken = |name: &str| registry.register(Box::new(IntGauge::new(name, "is it taken?").unwrap())).is_err();
    let whole = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name);
    taken(whole)
}

/// The queries of the dashboard and of the alerts, each with where it stands.
fn queries() -> Vec<(String, String)> {
    let dashboard: Value = serde_json::from_str(&text("grafana/dashboards/rubrica.json")).unwrap();
    let rules = one("prometheus/rules.yaml");
    let mut queries = Vec::new();
    for panel in list(&dashboard["panels"]) {
        let title = panel["title"].as_str().unwrap();
        queries
            .extend(list(&panel["targets"]).iter().map(|target| (title.to_owned(), target["expr"].as_str().unwrap().to_owned())));
    }
    for variable in list(&dashboard["templating"]["list"]).iter().filter(|variable| variable["type"] == "query") {
        queries.push(("variable".into(), variable["query"]["query"].as_str().unwrap().to_owned()));
    }
    for rule in members(&rules, "rules").into_iter().flat_map(list) {
        queries.push((rule["alert"].as_str().unwrap().to_owned(), rule["expr"].as_str().unwrap().to_owned()));
    }
    queries
}

#[actix_web::test]
async fn what_the_dashboard_and_the_alerts_ask_for_is_measured() {
    let registry = registry().await;
    let mut asked = BTreeSet::new();
    let queries = queries();
    for (place, query) in &queries {
        let words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        for name in words.filter(|word| word.starts_with("rubrica_")) {
            asked.insert(name.to_owned());
            assert!(asked.len() < 200 && is_registered(&registry, name), "{place}: nothing measures {name}");
        }
    }
    assert!(queries.len() > 40 && asked.len() > 20, "{} queries, {} metrics", queries.len(), asked.len());
    assert!(!is_registered(&registry, "rubrica_no_such_total"));
    let held = format!("sum(rubrica_wake_shards) < {}", store::SHARDS);
    assert!(queries.iter().any(|(place, query)| place == "RubricaWakeupShardsUnheld" && *query == held), "{held}");
}

#[test]
fn the_panels_of_the_dashboard_do_not_overlap() {
    let dashboard: Value = serde_json::from_str(&text("grafana/dashboards/rubrica.json")).unwrap();
    let mut taken = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for panel in list(&dashboard["panels"]) {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{}", panel["title"]);
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap());
        assert!(x + w <= 24, "{}", panel["title"]);
        for cell in (y..y + h).flat_map(|row| (x..x + w).map(move |column| (row, column))) {
            assert!(taken.insert(cell), "{}", panel["title"]);
        }
    }
}
