//! Clocks by what the watchdog said: each breaches at most once and climbs its rungs in order (P2).
//! And notices by what notify said: each telling once.

use std::collections::{HashMap, HashSet};

use chassis_core::Entry;
use proto::{AnyEvent, Id, Service, Shard, common::v1::TicketRef};

use crate::{Class, Findings, cases::Cases, print_of};

#[derive(Clone, Copy, Default)]
struct Clock {
    breached: bool,
    live: bool,
    rung: u32,
}

#[derive(Default)]
pub(super) struct Clocks {
    clocks: HashMap<u64, Clock>,
    sent: HashSet<u64>,
    /// What the cause at hand has queued so far, per shard of notify.
    queued: HashMap<Shard, (String, HashSet<u64>)>,
}

impl Clocks {
    pub(super) fn take(
        &mut self,
        entry: &Entry,
        event: &AnyEvent,
        cases: &mut Cases,
        findings: &mut Findings,
    ) {
        match event {
            AnyEvent::ClockStarted(e) => self.alive(&e.ticket, &e.clock, &e.instance, cases, true),
            AnyEvent::ClockMet(e) => self.alive(&e.ticket, &e.clock, &e.instance, cases, false),
            AnyEvent::ClockBreached(e) => {
                let clock = self.clock(&e.ticket, &e.clock, &e.instance);
                if std::mem::replace(&mut clock.breached, true) {
                    let text = format!("{} {} of {}", e.clock, e.instance, number(&e.ticket));
                    findings.add(Class::Doubled, "clock-breached-twice", entry.at, text);
                }
            }
            AnyEvent::EscalationRaised(e) => {
                let clock = self.clock(&e.ticket, &e.clock, &e.instance);
                let before = clock.rung;
                clock.rung = before.max(e.rung);
                let text = || {
                    format!(
                        "rung {} of {} {} after {before}, {}",
                        e.rung,
                        e.clock,
                        e.instance,
                        number(&e.ticket)
                    )
                };
                if e.rung == before {
                    findings.add(Class::Doubled, "rung-raised-twice", entry.at, text());
                } else if e.rung < before {
                    findings.add(Class::Promise, "rungs-out-of-order", entry.at, format!("P2: {}", text()));
                }
            }
            AnyEvent::NoticeQueued(e) => self.queued(entry, e, findings),
            // Told of each failure, however often: the next telling is another matter.
            AnyEvent::NoticeFailed(_) => {
                self.queued.remove(&entry.at.shard);
            }
            AnyEvent::NoticeSent(e)
                if !self.sent.insert(print_of(&[e.notice_id.as_bytes()])) && !e.may_be_double =>
            {
                findings.add(Class::Doubled, "notice-sent-twice", entry.at, &e.notice_id);
            }
            _ => {}
        }
    }

    fn clock(&mut self, ticket: &Option<TicketRef>, clock: &str, instance: &str) -> &mut Clock {
        let (id, cycle) = ticket.as_ref().map_or(("", 0), |ticket| (ticket.ticket_id.as_str(), ticket.cycle));
        let key = print_of(&[id.as_bytes(), &cycle.to_le_bytes(), clock.as_bytes(), instance.as_bytes()]);
        self.clocks.entry(key).or_default()
    }

    fn alive(
        &mut self,
        ticket: &Option<TicketRef>,
        clock: &str,
        instance: &str,
        cases: &mut Cases,
        live: bool,
    ) {
        let id = ticket.as_ref().and_then(|ticket| ticket.ticket_id.parse::<Id>().ok());
        let was = std::mem::replace(&mut self.clock(ticket, clock, instance).live, live);
        let Some(case) = id.map(|id| cases.case(id)) else { return };
        match (was, live) {
            (false, true) => case.live_clocks = case.live_clocks.saturating_add(1),
            (true, false) => case.live_clocks = case.live_clocks.saturating_sub(1),
            _ => {}
        }
    }

    /// Within one cause; a cause that speaks again is found as such.
    fn queued(&mut self, entry: &Entry, queued: &proto::notify::v1::NoticeQueued, findings: &mut Findings) {
        debug_assert_eq!(entry.at.service, Service::Notify);
        let (cause, told) = self.queued.entry(entry.at.shard).or_default();
        if *cause != entry.cause {
            entry.cause.clone_into(cause);
            told.clear();
        }
        let telling = print_of(&[queued.rule.as_bytes(), queued.recipient.as_bytes()]);
        if !told.insert(telling) {
            let text = format!("{} to {} by {}", queued.rule, queued.recipient, entry.cause);
            findings.add(Class::Doubled, "notice-queued-twice", entry.at, text);
        }
    }
}

fn number(ticket: &Option<TicketRef>) -> &str {
    ticket.as_ref().map_or("", |ticket| ticket.number.as_str())
}
