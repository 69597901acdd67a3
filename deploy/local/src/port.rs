//! Ports on the loopback address.
//!
//! Free ones are looked for below the range from which the kernel takes the local ports of outgoing connections: an
//! engine that is killed and restarted must find its port still free.

use std::net::{Ipv4Addr, TcpListener};

use crate::error::{Error, Result};
use crate::secret;

const FROM: u16 = 15_000;
const TO: u16 = 32_000;

/// The port asked for if it is free, or any free one.
pub(crate) fn choose(engine: &'static str, asked: Option<u16>) -> Result<u16> {
    match asked {
        Some(port) if is_free(port) => Ok(port),
        Some(port) => Err(Error::PortTaken { engine, port }),
        None => free(),
    }
}

fn free() -> Result<u16> {
    free_ports(1)
}

/// The first of so many free ports in a row. Looks from a random place on, so that processes which look at the same
/// moment do not find the same ones.
pub fn free_ports(count: u16) -> Result<u16> {
    let span = TO - FROM - count;
    let start = secret::number()? % span;
    (0..span)
        .map(|step| FROM + (start + step) % span)
        .find(|first| (*first..first + count).all(is_free))
        .ok_or(Error::NoFreePort { from: FROM, to: TO })
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_named_in_the_refusal() {
        let holder = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = holder.local_addr().unwrap().port();
        let refusal = choose("NATS", Some(port)).unwrap_err().to_string();
        assert!(refusal.contains(&port.to_string()), "{refusal}");
    }

    #[test]
    fn a_free_port_lies_below_those_of_outgoing_connections() {
        let port = choose("NATS", None).unwrap();
        assert!((FROM..TO).contains(&port));
    }

    #[test]
    fn a_row_of_free_ports_skips_one_that_is_taken() {
        let first = free_ports(8).unwrap();
        let _holder = TcpListener::bind((Ipv4Addr::LOCALHOST, first + 7)).unwrap();
        let next = free_ports(8).unwrap();
        assert!(!(next..next + 8).contains(&(first + 7)), "{next}");
    }
}
