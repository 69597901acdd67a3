//! Statements for a Postgres server through `psql`: enough to make databases and to look into them, without a client
//! library in every tool that starts engines.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::blocking;
use crate::error::{Error, Result};

/// A server as `psql` reaches it.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    psql: PathBuf,
    /// Everything before the path, with user and password.
    authority: String,
    /// What follows the path, with its `?`.
    query: String,
}

impl Server {
    pub(crate) fn ours(psql: PathBuf, user: &str, password: &str, port: u16) -> Server {
        Server {
            psql,
            authority: format!("postgres://{user}:{password}@127.0.0.1:{port}"),
            query: String::new(),
        }
    }

    /// A server somebody named by the url of a database on it.
    pub(crate) fn named(psql: PathBuf, variable: &'static str, url: &str) -> Result<Server> {
        let rest = url
            .strip_prefix("postgres://")
            .or_else(|| url.strip_prefix("postgresql://"))
            .ok_or_else(|| bad(variable, "it does not begin with postgres://"))?;
        let (before, query) = match rest.split_once('?') {
            Some((before, query)) => (before, format!("?{query}")),
            None => (rest, String::new()),
        };
        let (authority, database) = before.split_once('/').unwrap_or((before, ""));
        if database.is_empty() {
            return Err(bad(variable, "it names no database"));
        }
        Ok(Server { psql, authority: format!("postgres://{authority}"), query })
    }

    pub(crate) fn url(&self, database: &str) -> String {
        format!("{}/{database}{}", self.authority, self.query)
    }

    /// The url without the password, which must not stand in the list of processes; and the password.
    fn without_password(&self, database: &str) -> (String, Option<String>) {
        let url = self.url(database);
        let Some((scheme, rest)) = url.split_once("://") else {
            return (url, None);
        };
        let Some((login, place)) = rest.split_once('@') else {
            return (url, None);
        };
        match login.split_once(':') {
            Some((user, password)) => (format!("{scheme}://{user}@{place}"), Some(decoded(password))),
            None => (url, None),
        }
    }
}

pub(crate) async fn run(server: &Server, database: &str, statements: &str) -> Result<String> {
    let (url, password) = server.without_password(database);
    let mut command = Command::new(&server.psql);
    command
        .args(["--no-psqlrc", "--no-password", "--quiet", "--no-align", "--tuples-only"])
        .args(["--set", "ON_ERROR_STOP=1", "--dbname", &url])
        .args(statements.split(";\n").flat_map(|it| ["--command", it]))
        .env("PGCONNECT_TIMEOUT", "10")
        .envs(password.map(|it| ("PGPASSWORD", it)))
        .stdin(Stdio::null())
        .current_dir("/");
    let output =
        blocking(move || command.output().map_err(|source| Error::Run { program: "psql".into(), source }))
            .await?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
    }
    Err(Error::Sql { message: String::from_utf8_lossy(&output.stderr).trim().to_owned() })
}

pub(crate) async fn fresh_database(server: &Server, name: &str, template: Option<&str>) -> Result<String> {
    check(name)?;
    let template = template.unwrap_or("template0");
    check(template)?;
    let statements = format!(
        "DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE);\nCREATE DATABASE \"{name}\" TEMPLATE \"{template}\""
    );
    run(server, "postgres", &statements).await?;
    Ok(server.url(name))
}

/// Quoting could carry any name; urls, logs and file names of tests could not.
fn check(name: &str) -> Result<()> {
    let fits = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_' || it == '-';
    let letter_first = name.starts_with(|it: char| it.is_ascii_lowercase());
    if letter_first && name.len() <= 48 && name.chars().all(fits) {
        return Ok(());
    }
    Err(Error::BadName { name: name.to_owned() })
}

fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).and_then(|it| std::str::from_utf8(it).ok());
        match (bytes[at], hex.and_then(|it| u8::from_str_radix(it, 16).ok())) {
            (b'%', Some(byte)) => {
                plain.push(byte);
                at += 3;
            }
            (byte, _) => {
                plain.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

fn bad(variable: &'static str, problem: &str) -> Error {
    Error::BadUrl { variable, problem: problem.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(url: &str) -> Result<Server> {
        Server::named(PathBuf::from("psql"), "DATABASE_URL", url)
    }

    #[test]
    fn a_named_server_keeps_its_parameters_when_the_database_changes() {
        let server = named("postgresql://me:a%40b@db.example:5433/main?sslmode=require").unwrap();
        assert_eq!(server.url("other"), "postgres://me:a%40b@db.example:5433/other?sslmode=require");
    }

    #[test]
    fn the_password_is_handed_over_apart_from_the_url() {
        let server = named("postgres://me:a%40b%3A@db.example/main").unwrap();
        let (url, password) = server.without_password("main");
        assert_eq!(url, "postgres://me@db.example/main");
        assert_eq!(password.as_deref(), Some("a@b:"));
    }

    #[test]
    fn a_url_without_a_database_is_refused() {
        assert!(matches!(named("postgres://me@db.example"), Err(Error::BadUrl { .. })));
        assert!(matches!(named("mysql://me@db.example/x"), Err(Error::BadUrl { .. })));
    }

    #[test]
    fn names_that_could_break_out_are_refused() {
        for name in ["", "a\"b", "A", "1a", "a b", "a;b"] {
            assert!(check(name).is_err(), "{name}");
        }
        check("test_intake-17").unwrap();
    }
}
