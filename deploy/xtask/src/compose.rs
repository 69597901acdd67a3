//! What docker-compose.yml must keep to, checked without Docker.

use std::fmt;

use anyhow::{Context, Result};
use saphyr::{LoadableYamlNode, Yaml};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    service: String,
    what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "service `{}` {}", self.service, self.what)
    }
}

/// Every fault at once; an error only if the text is no compose file at all.
pub fn faults(text: &str) -> Result<Vec<Fault>> {
    let documents = Yaml::load_from_str(text).context("docker-compose.yml is no YAML")?;
    let root = documents.first().context("docker-compose.yml is empty")?;
    let services = root
        .as_mapping_get("services")
        .and_then(Yaml::as_mapping)
        .context("docker-compose.yml has no `services`")?;
    let names: Vec<&str> = services.keys().filter_map(Yaml::as_str).collect();
    Ok(services
        .iter()
        .flat_map(|(name, service)| {
            let name = name.as_str().unwrap_or("?");
            faults_of(service, &names).into_iter().map(move |what| Fault { service: name.to_owned(), what })
        })
        .collect())
}

fn faults_of(service: &Yaml<'_>, names: &[&str]) -> Vec<String> {
    let mut faults = Vec::new();
    match (service.as_mapping_get("image"), service.as_mapping_get("build")) {
        (None, None) => faults.push("has neither `image` nor `build`".to_owned()),
        (Some(image), None) => faults.extend(unpinned(image.as_str().unwrap_or_default())),
        _ => {}
    }
    if service.as_mapping_get("healthcheck").is_none() {
        faults.push("has no `healthcheck`: nobody can wait for it".to_owned());
    }
    faults.extend(dependency_faults(service, names));
    faults
}

fn unpinned(image: &str) -> Option<String> {
    let last = image.rsplit('/').next().unwrap_or_default();
    let tag = last.split_once(':').map(|(_, tag)| tag);
    let pinned = image.contains('@') || tag.is_some_and(|tag| tag != "latest");
    (!pinned).then(|| format!("uses `{image}`, which is another image every month"))
}

/// The short form of `depends_on` waits for the container, not for what runs in it.
fn dependency_faults(service: &Yaml<'_>, names: &[&str]) -> Vec<String> {
    let Some(needed) = service.as_mapping_get("depends_on") else {
        return Vec::new();
    };
    let Some(needed) = needed.as_mapping() else {
        return vec!["lists `depends_on` without conditions".to_owned()];
    };
    let conditions = ["service_healthy", "service_completed_successfully"];
    let mut faults = Vec::new();
    for (name, how) in needed {
        let name = name.as_str().unwrap_or("?");
        if !names.contains(&name) {
            faults.push(format!("depends on `{name}`, which is not there"));
        }
        let condition = how.as_mapping_get("condition").and_then(Yaml::as_str);
        if !condition.is_some_and(|it| conditions.contains(&it)) {
            faults.push(format!("does not wait until `{name}` is ready"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        faults(text).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_sound_file_has_no_faults() {
        let text = "
services:
  nats:
    image: registry.example:5000/nats:2.15-alpine
    healthcheck: {test: [CMD, \"true\"]}
  intake:
    build: .
    healthcheck: {test: [CMD, \"true\"]}
    depends_on:
      nats: {condition: service_healthy}
";
        assert_eq!(found(text), Vec::<String>::new());
    }

    #[test]
    fn every_fault_is_named() {
        let text = "
services:
  nats:
    image: registry.example:5000/nats
  intake:
    healthcheck: {test: [CMD, \"true\"]}
    depends_on: [nats]
  notify:
    build: .
    healthcheck: {test: [CMD, \"true\"]}
    depends_on:
      mail: {condition: service_started}
";
        assert_eq!(
            found(text),
            [
                "service `nats` uses `registry.example:5000/nats`, which is another image every month",
                "service `nats` has no `healthcheck`: nobody can wait for it",
                "service `intake` has neither `image` nor `build`",
                "service `intake` lists `depends_on` without conditions",
                "service `notify` depends on `mail`, which is not there",
                "service `notify` does not wait until `mail` is ready",
            ]
        );
    }
}
