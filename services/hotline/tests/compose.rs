//! docker-compose.yml and its Dockerfile against the program: what each
//! container would be given is loaded and parsed here, without Docker.

use std::collections::{BTreeMap, BTreeSet};

use chassis::Config;
use clap::Parser;
use hotline::{
    cli::{Cli, Command},
    run::Part,
};
use proto::Service;
use saphyr::{LoadableYamlNode, Yaml};

const COMPOSE: &str = include_str!("../../../docker-compose.yml");
const DOCKERFILE: &str = include_str!("../../../deploy/docker/Dockerfile");
const ROLES: &str = include_str!("../../../deploy/docker/postgres/10-services.sql");
const EXAMPLE: &str = include_str!("../../../deploy/docker/env.example");
const NATS: &str = include_str!("../../../deploy/local/nats.conf");
const BRANCHES: &str = include_str!("../../../deploy/local/branches.conf");

/// Containers that run others' programs.
const ENGINES: [&str; 2] = ["nats", "postgres"];
const MASTER_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn read(text: &str) -> Yaml<'_> {
    Yaml::load_from_str(text).expect("docker-compose.yml is YAML").remove(0)
}

fn get<'a, 'd>(node: &'a Yaml<'d>, key: &str) -> Option<&'a Yaml<'d>> {
    node.as_mapping_get(key)
}

fn list<'a>(node: Option<&'a Yaml<'_>>) -> Vec<&'a str> {
    node.and_then(|node| node.as_sequence()).into_iter().flatten().filter_map(|word| word.as_str()).collect()
}

fn containers<'a, 'd>(file: &'a Yaml<'d>) -> BTreeMap<&'a str, &'a Yaml<'d>> {
    let services = get(file, "services").and_then(|node| node.as_mapping()).expect("services");
    services.iter().map(|(name, service)| (name.as_str().expect("a name"), service)).collect()
}

fn container<'a, 'd>(file: &'a Yaml<'d>, name: &str) -> &'a Yaml<'d> {
    containers(file).get(name).unwrap_or_else(|| panic!("there is no container {name}"))
}

/// The container's own variables; those of the image come before them.
fn environment(container: &Yaml<'_>) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    collect(get(container, "environment").expect("an environment"), &mut variables);
    variables
}

fn collect(node: &Yaml<'_>, into: &mut BTreeMap<String, String>) {
    for (key, value) in node.as_mapping().into_iter().flatten() {
        match (key.as_str(), value.as_str()) {
            // What is merged in; keys of the mapping itself come after it and win.
            (Some("<<"), None) => collect(value, into),
            (Some(key), Some(value)) => {
                into.insert(key.to_owned(), value.to_owned());
            }
            (key, _) => panic!("{key:?} is not a variable with a text"),
        }
    }
}

/// Every `${NAME...}` replaced by what an operator would set.
fn filled(text: &str) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (inside, after) = after.split_once('}').expect("a closing brace");
        filled.push_str(before);
        filled.push_str(if inside.starts_with("HOTLINE_MASTER_KEY") { MASTER_KEY } else { "0a1b" });
        rest = after;
    }
    filled + rest
}

/// Names of `${NAME...}`, with how they are asked for (`:?`, `:-default`, `-`).
fn asked_for(text: &str) -> BTreeSet<(String, String)> {
    let inside = text.split("${").skip(1).filter_map(|part| Some(part.split_once('}')?.0));
    inside
        .map(|inside| {
            let end = inside.find(|c: char| !c.is_ascii_uppercase() && c != '_').unwrap_or(inside.len());
            (inside[..end].to_owned(), inside[end..].to_owned())
        })
        .collect()
}

/// What the program makes of a container's variables; unknown keys and wrong
/// types are refused by it, and production asks for its keys.
fn configuration(file: &Yaml<'_>, service: Service) -> Result<Config, chassis::config::ConfigError> {
    let variables = environment(container(file, service.name()));
    Config::load(None, variables.into_iter().map(|(name, value)| (name, filled(&value))))
}

fn command_line(words: &[&str]) -> Command {
    let line = std::iter::once("hotline").chain(words.iter().copied());
    Cli::try_parse_from(line).expect("a command of hotline").command
}

#[test]
fn there_is_a_container_for_every_service_and_no_other() {
    let file = read(COMPOSE);
    let parts: Vec<String> = Part::all().iter().map(ToString::to_string).collect();
    let expected: BTreeSet<&str> = parts.iter().map(String::as_str).chain(ENGINES).collect();
    assert_eq!(containers(&file).into_keys().collect::<BTreeSet<_>>(), expected);
}

#[test]
fn each_container_runs_and_asks_after_its_own_service() {
    let file = read(COMPOSE);
    for service in Part::all() {
        let container = container(&file, &service.to_string());
        let run = command_line(&list(get(container, "command")));
        assert!(matches!(run, Command::Run { service: run } if Part::from(run) == service), "{service}");
        let test = list(get(container, "healthcheck").and_then(|check| get(check, "test")));
        assert_eq!(test[..2], ["CMD", "hotline"], "no shell is needed");
        let ask = command_line(&test[2..]);
        let is_its_own =
            matches!(ask, Command::Healthcheck { service: Some(asked) } if Part::from(asked) == service);
        assert!(is_its_own, "{service}");
    }
}

#[test]
fn configurations_fit_and_ports_and_peers_agree() {
    let file = read(COMPOSE);
    for service in Service::ALL {
        let container = container(&file, service.name());
        let config = configuration(&file, service).expect("the container's variables fit");
        assert!(config.is_production() && config.listen.is_unspecified(), "{service}");
        let port = config.port(service);
        assert_eq!(list(get(container, "ports")), [format!("127.0.0.1:{port}:{port}")], "{service}");
        for peer in Service::ALL {
            let expected = format!("http://{peer}:{}", config.port(peer));
            assert_eq!(config.peers_of(peer), [expected], "{service} reaches {peer}");
        }
        let database = format!("postgres://hotline_{}:0a1b@postgres:5432/hotline", service.schema());
        assert_eq!(config.database_url, database);
        assert_eq!(config.nats_url, "nats://core:0a1b@nats:4222");
        assert_eq!(config.identity.signing_key_file.to_str(), Some("/run/secrets/signing_key"));
        assert_eq!(list(get(container, "secrets")), ["signing_key"]);
    }
    let secrets = get(&file, "secrets").and_then(|secrets| get(secrets, "signing_key"));
    assert!(secrets.and_then(|key| get(key, "file")).is_some(), "the key comes out of a file");
}

#[test]
fn the_console_is_published_where_it_listens_and_keeps_its_attachments() {
    let file = read(COMPOSE);
    let container = container(&file, "console");
    let variables = environment(container).into_iter().map(|(name, value)| (name, filled(&value)));
    let config = Config::load(None, variables).expect("the container's variables fit");
    let port = config.console_address().port();
    assert_eq!(list(get(container, "ports")), [format!("127.0.0.1:{port}:{port}")]);
    assert_eq!(list(get(container, "volumes")), ["console-state:/state"]);
    assert!(config.is_production() && Service::ALL.iter().all(|service| config.port(*service) != port));
}

#[test]
fn an_unknown_variable_and_a_wrong_port_would_be_found() {
    let unknown = COMPOSE.replace("HOTLINE_TELEMETRY__LOG_FORMAT", "HOTLINE_TELEMETRY__FORMAT");
    assert!(configuration(&read(&unknown), Service::Intake).is_err());
    let wrong = COMPOSE.replace("http://dispatch:7401", "http://dispatch:7400");
    let config = configuration(&read(&wrong), Service::Intake).expect("it fits");
    let expected = format!("http://dispatch:{}", config.port(Service::Dispatch));
    assert_ne!(config.peers_of(Service::Dispatch), [expected]);
}

#[test]
fn services_run_without_rights_and_come_back() {
    let file = read(COMPOSE);
    for service in Part::all() {
        let container = container(&file, &service.to_string());
        let text = |key| get(container, key).and_then(|value| value.as_str());
        assert_eq!(text("user"), Some("10001"), "{service}");
        assert_eq!(text("image"), Some("hotline:local"), "one image: {service}");
        assert_eq!(get(container, "read_only").and_then(|value| value.as_bool()), Some(true), "{service}");
        assert_eq!(list(get(container, "cap_drop")), ["ALL"], "{service}");
    }
    for (name, container) in containers(&file) {
        let restart = get(container, "restart").and_then(|value| value.as_str());
        assert_eq!(restart, Some("unless-stopped"), "{name}");
    }
}

#[test]
fn secrets_are_asked_for_and_never_written_down() {
    let example: BTreeSet<&str> = EXAMPLE
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| Some(line.split_once('=')?.0))
        .collect();
    let asked = asked_for(COMPOSE);
    assert_eq!(example, asked.iter().map(|(name, _)| &**name).collect(), "env.example names them all");
    let is_secret = |name: &str| name.ends_with("PASSWORD") || name.ends_with("MASTER_KEY");
    for (name, how) in asked.iter().filter(|(name, _)| is_secret(name)) {
        assert_eq!(how, ":?", "{name} has no default");
    }
    for (container, node) in containers(&read(COMPOSE)) {
        for (name, value) in environment(node).into_iter().filter(|(name, _)| is_secret(name)) {
            assert!(value.starts_with("${"), "{name} of {container} is written down");
        }
    }
}

#[test]
fn every_service_has_its_role_and_its_schema() {
    let given = environment(container(&read(COMPOSE), "postgres"));
    for service in Service::ALL {
        let schema = service.schema();
        let password = format!("{}_PASSWORD", schema.to_uppercase());
        for line in [
            format!("\\getenv {schema}_password {password}"),
            format!("create role hotline_{schema} login password :'{schema}_password';"),
            format!("create schema {schema} authorization hotline_{schema};"),
        ] {
            assert!(ROLES.lines().any(|there| there == line), "{line}");
        }
        assert!(given.contains_key(&password), "{password} reaches Postgres");
    }
    assert_eq!(ROLES.matches("create role").count(), Service::ALL.len());
}

#[test]
fn nats_is_given_every_variable_of_its_configuration() {
    let given = environment(container(&read(COMPOSE), "nats"));
    let lines = NATS.lines().chain(BRANCHES.lines()).filter(|line| !line.trim_start().starts_with('#'));
    let used: BTreeSet<String> = lines
        .flat_map(|line| line.split('$').skip(1))
        .filter(|name| name.starts_with("HOTLINE_"))
        .map(|name| name.chars().take_while(|c| c.is_ascii_uppercase() || *c == '_').collect())
        .collect();
    assert_eq!(used, given.into_keys().collect());
}

#[test]
fn the_image_is_pinned_and_runs_without_rights() {
    let lines: Vec<&str> = DOCKERFILE.lines().map(str::trim).collect();
    let images: Vec<&str> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("FROM "))
        .filter_map(|stage| stage.split_whitespace().next())
        .collect();
    assert_eq!(images.len(), 2, "what builds does not ship");
    assert!(images.iter().all(|image| image.contains(':') && !image.ends_with(":latest")), "{images:?}");
    let rust = format!("rust:{}-", env!("CARGO_PKG_RUST_VERSION"));
    assert!(images[0].starts_with(&rust), "built with {rust}");
    let last_stage = lines.iter().rposition(|line| line.starts_with("FROM ")).expect("a stage");
    assert!(lines[last_stage..].contains(&"USER 10001"));
}

#[test]
fn the_image_runs_and_asks_after_the_whole_program() {
    let words = |start: &str| -> Vec<&str> {
        let line = DOCKERFILE.lines().find_map(|line| line.trim().strip_prefix(start)).expect(start);
        let list = line.split_once('[').expect("a list").1.trim_end_matches(']');
        list.split(',').map(|word| word.trim().trim_matches('"')).collect()
    };
    assert_eq!(words("ENTRYPOINT"), ["hotline"]);
    assert!(matches!(command_line(&words("CMD")), Command::Up));
    let check = words("HEALTHCHECK");
    assert_eq!(check[0], "hotline");
    assert!(matches!(command_line(&check[1..]), Command::Healthcheck { service: None }));
    let own: Vec<(String, String)> = DOCKERFILE
        .lines()
        .filter_map(|line| line.trim().trim_start_matches("ENV ").trim_end_matches(" \\").split_once('='))
        .filter(|(name, _)| name.starts_with("HOTLINE_"))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    assert_eq!(own.len(), 2, "{own:?}");
    Config::load(None, own.into_iter()).expect("the image's own variables fit");
}
