//! Every line of the rig: each replica's to Postgres, to NATS and to every replica of the other services.

use std::{collections::BTreeMap, net::SocketAddr};

use anyhow::Context;
use proto::Service;

use crate::faults::{
    crew::{Seat, Side},
    proxy::{Line, Weather},
};

/// Where a line leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum To {
    Postgres,
    /// One of the NATS servers.
    Nats(usize),
    Peer(Seat),
}

/// The lines, by where they begin and end.
pub struct Links {
    lines: BTreeMap<(Seat, To), Line>,
}

impl Links {
    /// Opens them all.
    pub async fn open(
        postgres: SocketAddr,
        nats: &[SocketAddr],
        address: impl Fn(Seat) -> SocketAddr,
    ) -> anyhow::Result<Links> {
        let mut lines = BTreeMap::new();
        for from in Seat::all() {
            let mut ends = vec![(To::Postgres, postgres)];
            ends.extend(nats.iter().enumerate().map(|(place, at)| (To::Nats(place), *at)));
            let others = Seat::all().filter(|to| to.service != from.service);
            ends.extend(others.map(|to| (To::Peer(to), address(to))));
            for (to, end) in ends {
                let name = format!("{from} -> {to:?}");
                let line = Line::open(name, vec![end]).await.context("a line cannot be opened")?;
                lines.insert((from, to), line);
            }
        }
        Ok(Links { lines })
    }

    pub fn address(&self, from: Seat, to: To) -> SocketAddr {
        self.lines[&(from, to)].address()
    }

    /// All NATS servers as this replica reaches them.
    pub fn nats_of(&self, from: Seat) -> Vec<SocketAddr> {
        let ends = self.lines.range((from, To::Nats(0))..=(from, To::Nats(usize::MAX)));
        ends.map(|(_, line)| line.address()).collect()
    }

    /// Where this replica reaches those of another service.
    pub fn peers_of(&self, from: Seat, service: Service) -> Vec<SocketAddr> {
        [Side::A, Side::B].map(|side| self.address(from, To::Peer(Seat { service, side }))).to_vec()
    }

    /// The lines that begin at one of these and lead where asked.
    pub fn chosen<'l>(
        &'l self,
        from: &'l [Seat],
        leads: impl Fn(To) -> bool + 'l,
    ) -> impl Iterator<Item = &'l Line> {
        let chosen = self.lines.iter().filter(move |((seat, to), _)| from.contains(seat) && leads(*to));
        chosen.map(|(_, line)| line)
    }

    /// Fine weather everywhere; what died is buried.
    pub fn heal(&self) {
        for line in self.lines.values() {
            line.set(Weather::Clear);
            line.bury();
        }
    }
}
