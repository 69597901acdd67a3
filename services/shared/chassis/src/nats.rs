//! The connection to NATS: it may come up after us and go away; the client
//! reconnects for ever.

use std::time::Duration;

use async_nats::{Client, ConnectOptions, ServerAddr};
use thiserror::Error;

#[derive(Debug, Error)]
pub enum NatsError {
    #[error("the address is not one of NATS (nats://user:password@host:4222)")]
    Address(#[source] std::io::Error),
    #[error("connecting failed")]
    Connect(#[source] async_nats::ConnectError),
}

/// Connects as the user that the address names. Of a cluster all addresses are given, separated by commas: any one will
/// do, and another when it dies.
pub async fn connect(url: &str, name: &str) -> Result<Client, NatsError> {
    let addresses: Vec<ServerAddr> =
        url.split(',').map(|one| one.trim().parse()).collect::<Result<_, _>>().map_err(NatsError::Address)?;
    let mut options = ConnectOptions::new()
        .name(name)
        .retry_on_initial_connect()
        .max_reconnects(None)
        .reconnect_delay_callback(|tries| Duration::from_millis((50 << tries.min(5)).min(1_000)))
        .connection_timeout(Duration::from_secs(3))
        // A server that says nothing to two of them is given up: after ten seconds instead of three minutes.
        .ping_interval(Duration::from_secs(3));
    // The client does not read them from the address by itself.
    if let (Some(user), Some(password)) = (addresses[0].username(), addresses[0].password()) {
        options = options.user_and_password(user.to_owned(), password.to_owned());
    }
    options.connect(addresses).await.map_err(NatsError::Connect)
}

/// For messages and logs.
pub fn without_password(url: &str) -> String {
    let hidden = url.split(',').map(|one| match one.rsplit_once('@') {
        Some((_, host)) => format!("nats://***@{host}"),
        None => one.to_owned(),
    });
    hidden.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_of_several_addresses_is_shown() {
        assert_eq!(without_password("nats://u:p@a:1,nats://u:p@b:2"), "nats://***@a:1,nats://***@b:2");
        assert_eq!(without_password("nats://a:1"), "nats://a:1");
    }
}
