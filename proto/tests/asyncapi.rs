//! `asyncapi.yaml` says what is on the wire, no more and no less.

use std::collections::{BTreeMap, BTreeSet};

use proto::{Service, event::EVENTS, subject};
use saphyr::{LoadableYamlNode, Yaml};

const DOCUMENT: &str = include_str!("../asyncapi.yaml");
const ENVELOPE: &str = include_str!("../src/envelope.rs");

fn document(text: &str) -> Yaml<'_> {
    Yaml::load_from_str(text).expect("asyncapi.yaml is YAML").remove(0)
}

fn at<'a, 'd>(node: &'a Yaml<'d>, path: &[&str]) -> &'a Yaml<'d> {
    path.iter()
        .fold(node, |node, key| node.as_mapping_get(key).unwrap_or_else(|| panic!("no {key} in {path:?}")))
}

fn entries<'a>(node: &'a Yaml<'_>) -> impl Iterator<Item = (&'a str, &'a Yaml<'a>)> {
    let mapping = node.as_mapping().expect("a mapping");
    mapping.iter().map(|(key, value)| (key.as_str().expect("a name"), value))
}

fn reference<'a>(node: &'a Yaml<'_>) -> &'a str {
    at(node, &["$ref"]).as_str().expect("a reference")
}

/// Message (its protobuf name) -> address of the channel that carries it.
fn documented(text: &str) -> Result<BTreeMap<String, String>, String> {
    let root = document(text);
    let mut found = BTreeMap::new();
    for (name, channel) in entries(at(&root, &["channels"])) {
        let address = at(channel, &["address"]).as_str().expect("an address").to_owned();
        for (_, message) in entries(at(channel, &["messages"])) {
            let key = reference(message).strip_prefix("#/components/messages/").expect("a message");
            let message = at(&root, &["components", "messages", key]);
            let kind = at(message, &["name"]).as_str().expect("a name").to_owned();
            if kind == "head" {
                continue;
            }
            if at(message, &["payload", "schema", "$ref"]).as_str() != Some(&*source_of(&kind)) {
                return Err(format!("{kind} is not read from {}", source_of(&kind)));
            }
            if let Some(other) = found.insert(kind.clone(), address.clone()) {
                return Err(format!("{kind} stands in {name} and at {other}"));
            }
        }
    }
    Ok(found)
}

fn source_of(kind: &str) -> String {
    let package = kind.rsplit_once('.').map_or("", |(package, _)| package);
    format!("./{}/events.proto", package.replace('.', "/"))
}

/// Whose event it is; `None`: the loop's own, said by every service.
fn service_of(kind: &str) -> Option<Service> {
    let schema = kind.split('.').nth(1).expect("hotline.<schema>.v1.<name>");
    let service = Service::ALL.into_iter().find(|service| service.schema() == schema);
    assert!(service.is_some() || schema == "journal", "{kind} is an event of a service");
    service
}

/// Where an event may stand: under its own subject, or addressed to one home.
fn faults(text: &str) -> Vec<String> {
    let found = match documented(text) {
        Ok(found) => found,
        Err(fault) => return vec![fault],
    };
    let mut faults = Vec::new();
    for (kind, thing, event) in EVENTS {
        let service = service_of(kind).map_or("{service}", Service::name);
        let own = format!("hotline.event.{service}.{{shard}}.{thing}.{event}");
        let peer = format!("hotline.peer.{service}.{{from}}.{{to}}");
        match found.get(*kind) {
            None => faults.push(format!("{kind} is not documented")),
            Some(address) if *address != own && *address != peer => {
                faults.push(format!("{kind} stands at {address}, not at {own}"));
            }
            Some(_) => {}
        }
    }
    let known: BTreeSet<&str> = EVENTS.iter().map(|(kind, _, _)| *kind).collect();
    faults.extend(
        found.keys().filter(|kind| !known.contains(&***kind)).map(|kind| format!("{kind} does not exist")),
    );
    faults
}

#[test]
fn exactly_the_events_that_exist_are_documented() {
    assert_eq!(faults(DOCUMENT), Vec::<String>::new());
}

#[test]
fn a_missing_a_wrong_and_an_invented_event_are_found() {
    let wrong = DOCUMENT.replace("{shard}.ticket.closed", "{shard}.ticket.shut");
    assert!(faults(&wrong)[0].contains("hotline.intake.v1.TicketClosed stands at"));
    let other = DOCUMENT.replace("name: hotline.intake.v1.TicketNoted", "name: hotline.intake.v1.TicketSung");
    let found = faults(&other).join("\n");
    assert!(
        found.contains("TicketNoted is not documented") && found.contains("TicketSung does not exist"),
        "{found}"
    );
}

#[test]
fn addresses_are_those_that_the_program_builds() {
    let shard = proto::Shard::new(3).expect("one of sixteen");
    for (kind, address) in documented(DOCUMENT).expect("sound") {
        let service = service_of(&kind).unwrap_or(Service::Intake);
        let built = address.replace("{service}", service.name());
        let built = built.replace("{shard}", "3").replace("{from}", "3").replace("{to}", "3");
        let (_, thing, event) =
            EVENTS.iter().find(|(known, _, _)| *known == kind).expect("checked elsewhere");
        let own = [subject::event(service, shard, thing, event), subject::peer(service, shard, shard)];
        assert!(own.contains(&built), "{built}");
        assert!(subject::parse(&built).is_some(), "{built} is read back");
    }
    let root = document(DOCUMENT);
    let head = at(&root, &["channels", "head"]);
    let built = at(head, &["address"])
        .as_str()
        .expect("an address")
        .replace("{shard}", "3")
        .replace("{service}", "intake");
    assert_eq!(built, subject::head(Service::Intake, shard));
    let services = at(head, &["parameters", "service", "enum"]).as_sequence().expect("a list");
    assert!(services.iter().filter_map(Yaml::as_str).eq(Service::ALL.map(Service::name)));
}

#[test]
fn headers_are_those_of_the_envelope() {
    let root = document(DOCUMENT);
    let headers = at(&root, &["components", "schemas", "EventHeaders"]);
    let documented: BTreeSet<&str> = entries(at(headers, &["properties"])).map(|(name, _)| name).collect();
    // gRPC metadata and a header's value stand in the same module.
    let others = ["POSITION", "PROTOBUF"];
    let written: BTreeSet<&str> = ENVELOPE
        .lines()
        .filter_map(|line| line.strip_prefix("pub const ")?.split_once(": &str = "))
        .filter(|(name, _)| !others.contains(name))
        .map(|(_, value)| value.trim_matches(['"', ';']))
        .collect();
    assert!(written.len() > 10, "the envelope is read: {written:?}");
    assert_eq!(documented, written);
    for required in at(headers, &["required"]).as_sequence().expect("a list") {
        assert!(documented.contains(required.as_str().expect("a name")), "{required:?} is a header");
    }
}

#[test]
fn every_channel_has_its_operation() {
    let root = document(DOCUMENT);
    let said: BTreeSet<&str> = entries(at(&root, &["operations"]))
        .map(|(_, operation)| reference(at(operation, &["channel"])).trim_start_matches("#/channels/"))
        .collect();
    let channels: BTreeSet<&str> = entries(at(&root, &["channels"])).map(|(name, _)| name).collect();
    assert_eq!(said, channels);
}
