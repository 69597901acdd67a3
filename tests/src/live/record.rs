//! The journals of all services as one timeline, read as any reader reads them.

use std::collections::BTreeMap;

use proto::{AnyEvent, Service, Time, journal::v1::ReadRequest};
use trial::town::{Happened, Line, line_of};

use super::{World, rest::Heads};

const PAGE: u32 = 2_000;

/// What was said so far, by the branch that the scenario is about.
pub struct Record {
    branch: String,
    read: BTreeMap<(Service, u32), u64>,
    happened: Vec<Happened>,
}

impl Record {
    pub fn new(branch: &str) -> Record {
        Record { branch: branch.to_owned(), read: BTreeMap::new(), happened: Vec::new() }
    }

    /// Reads on up to these heads.
    ///
    /// # Errors
    /// A journal that cannot be read.
    pub async fn catch_up(&mut self, world: &World, heads: &Heads) -> anyhow::Result<()> {
        for ((service, shard), head) in
            heads.iter().filter(|((service, _), _)| *service != Service::Directory)
        {
            let mut last = self.read.get(&(*service, *shard)).copied().unwrap_or_default();
            while last < *head {
                let ask =
                    ReadRequest { shard: *shard, after_seq: last, limit: PAGE, ..ReadRequest::default() };
                let mut page = world.connection.journal(*service).read(ask).await?.into_inner();
                let before = last;
                while let Some(response) = page.message().await? {
                    let Some(entry) = response.entry else { continue };
                    last = entry.seq;
                    let event = AnyEvent::decode(&entry.r#type, &entry.payload)?;
                    if event.ticket().is_none_or(|ticket| ticket.branch == self.branch) {
                        self.happened.push(Happened {
                            at: Time(entry.recorded_at),
                            service: *service,
                            event,
                        });
                    }
                }
                anyhow::ensure!(last > before, "{service}/{shard} ends at {last}, before its head {head}");
            }
            self.read.insert((*service, *shard), last);
        }
        self.happened.sort_by_key(|happened| happened.at);
        Ok(())
    }

    pub fn happened(&self) -> &[Happened] {
        &self.happened
    }

    pub fn timeline(&self) -> Vec<Line> {
        self.happened.iter().filter_map(line_of).collect()
    }
}

/// Which opening a case was: its type, and the how many of that type.
pub fn place_of(happened: &[Happened], ticket: &str) -> Option<(String, usize)> {
    let mut before: BTreeMap<&str, usize> = BTreeMap::new();
    for opened in openings(happened) {
        let count = before.entry(opened.case_type.as_str()).or_default();
        if opened.ticket_id == ticket {
            return Some((opened.case_type.clone(), *count));
        }
        *count += 1;
    }
    None
}

/// The case that was opened there.
pub fn opened_at(happened: &[Happened], place: &(String, usize)) -> Option<String> {
    let of_type = openings(happened).filter(|opened| opened.case_type == place.0);
    of_type.map(|opened| opened.ticket_id.clone()).nth(place.1)
}

fn openings(happened: &[Happened]) -> impl Iterator<Item = &proto::common::v1::TicketRef> {
    happened.iter().filter_map(|happened| match &happened.event {
        AnyEvent::TicketOpened(opened) => opened.ticket.as_ref(),
        _ => None,
    })
}
