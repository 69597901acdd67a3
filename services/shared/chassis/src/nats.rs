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

/// Connects as the user that the address names.
pub async fn connect(url: &str, name: &str) -> Result<Client, NatsError> {
    let address: ServerAddr = url.parse().map_err(NatsError::Address)?;
    let mut options = ConnectOptions::new()
        .name(name)
        .retry_on_initial_connect()
        .max_reconnects(None)
        .reconnect_delay_callback(|tries| Duration::from_millis((50 << tries.min(5)).min(1_000)))
        .connection_timeout(Duration::from_secs(3));
    // The client does not read them from the address by itself.
    if let (Some(user), Some(password)) = (address.username(), address.password()) {
        options = options.user_and_password(user.to_owned(), password.to_owned());
    }
    options.connect(address).await.map_err(NatsError::Connect)
}

/// For messages and logs.
pub fn without_password(url: &str) -> String {
    match url.rsplit_once('@') {
        Some((_, host)) => format!("nats://***@{host}"),
        None => url.to_owned(),
    }
}
