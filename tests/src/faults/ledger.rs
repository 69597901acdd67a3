//! What callers were told, kept here: every accepted opening with its answer. At the end each has to be on record once.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs::File,
    io::Write,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use anyhow::Context;
use proto::intake::v1::OpenTicketRequest;

/// One accepted opening, as it was answered for the first time.
#[derive(Clone, Debug)]
pub struct Accepted {
    pub request: OpenTicketRequest,
    pub ticket: String,
    pub number: String,
    /// `intake/3/1.455`; the entry that it was said with.
    pub position: String,
}

#[derive(Default)]
struct Pages {
    accepted: Vec<Accepted>,
    /// Given up by an operator's order, and listed.
    given_up: Vec<Accepted>,
    file: Option<File>,
    /// What must not be: an answer that differs from the first, a call refused for good or never answered.
    wrong: Vec<String>,
    repeats: u64,
    tries: u64,
    longest: std::time::Duration,
}

/// Written line by line, so that it is there whatever becomes of us.
#[derive(Default)]
pub struct Ledger(Mutex<Pages>);

/// Intake's journal, as far as the ledger is compared with it.
#[derive(Clone, Debug, Default)]
pub struct Openings {
    /// The ticket of each opening.
    pub tickets: Vec<String>,
    /// What the entry at each position is about.
    pub about: HashMap<String, String>,
}

/// What a comparison with the journal says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    pub missing: Vec<String>,
    pub doubled: Vec<String>,
    /// Opened, and nobody was told so.
    pub unasked: Vec<String>,
    pub misplaced: Vec<String>,
}

impl Compared {
    pub fn is_clean(&self) -> bool {
        *self == Compared::default()
    }
}

impl Ledger {
    pub fn create(path: &Path) -> anyhow::Result<Ledger> {
        let file = File::create(path).with_context(|| path.display().to_string())?;
        Ok(Ledger(Mutex::new(Pages { file: Some(file), ..Pages::default() })))
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn accept(&self, accepted: Accepted) {
        let mut pages = self.pages();
        if let Some(file) = &mut pages.file {
            let Accepted { request, ticket, number, position } = &accepted;
            let _ = writeln!(file, "{} {ticket} {number} {position}", request.request_id);
        }
        pages.accepted.push(accepted);
    }

    /// The same request was answered again.
    pub fn repeated(&self, first: &Accepted, ticket: &str, number: &str, position: &str) {
        let mut pages = self.pages();
        pages.repeats += 1;
        if (ticket, number, position) != (&first.ticket, &first.number, &first.position) {
            let told = format!("{ticket} {number} {position}");
            let before = format!("{} {} {}", first.ticket, first.number, first.position);
            let id = &first.request.request_id;
            pages.wrong.push(format!("request {id} was answered with {before}, and then with {told}"));
        }
    }

    pub fn wrong(&self, what: String) {
        self.pages().wrong.push(what);
    }

    /// How often a call was made, and how long it took until it was answered.
    pub fn answered(&self, tries: u64, after: std::time::Duration) {
        let mut pages = self.pages();
        pages.tries += tries;
        pages.longest = pages.longest.max(after);
    }

    pub fn all(&self) -> Vec<Accepted> {
        self.pages().accepted.clone()
    }

    /// An operator gave these tickets up: they are answered for by the list, and no longer by the journal.
    pub fn give_up(&self, tickets: &BTreeSet<String>) -> usize {
        let mut pages = self.pages();
        let (gone, kept) = std::mem::take(&mut pages.accepted)
            .into_iter()
            .partition(|accepted| tickets.contains(&accepted.ticket));
        pages.accepted = kept;
        pages.given_up.extend::<Vec<Accepted>>(gone);
        pages.given_up.len()
    }

    pub fn len(&self) -> usize {
        self.pages().accepted.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn repeats(&self) -> u64 {
        self.pages().repeats
    }

    pub fn longest(&self) -> std::time::Duration {
        self.pages().longest
    }

    pub fn tries(&self) -> u64 {
        self.pages().tries
    }

    pub fn faults(&self) -> Vec<String> {
        self.pages().wrong.clone()
    }

    /// Against the journal: each accepted opening once, and the position that was said is about it.
    pub fn compare(&self, journal: &Openings) -> Compared {
        let mut opened: HashMap<&str, u64> = HashMap::new();
        for ticket in &journal.tickets {
            *opened.entry(ticket).or_default() += 1;
        }
        let mut compared = Compared::default();
        let mut numbers: BTreeMap<String, u64> = BTreeMap::new();
        for accepted in self.all() {
            *numbers.entry(accepted.number.clone()).or_default() += 1;
            match opened.remove(accepted.ticket.as_str()) {
                None => compared.missing.push(accepted.ticket),
                Some(1) if journal.about.get(&accepted.position) == Some(&accepted.ticket) => {}
                Some(1) => {
                    let Accepted { ticket, position, .. } = accepted;
                    compared.misplaced.push(format!("{ticket}: the entry at {position} is not about it"));
                }
                Some(_) => compared.doubled.push(accepted.ticket),
            }
        }
        let twice = numbers.into_iter().filter(|(_, times)| *times > 1);
        compared.doubled.extend(twice.map(|(number, _)| number));
        compared.unasked = opened.into_keys().map(str::to_owned).collect();
        compared
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(ticket: &str) -> Accepted {
        Accepted {
            request: OpenTicketRequest { request_id: format!("r-{ticket}"), ..Default::default() },
            ticket: ticket.to_owned(),
            number: format!("n-{ticket}"),
            position: format!("intake/0/1.{ticket}"),
        }
    }

    fn journal(tickets: &[&str]) -> Openings {
        let about = |ticket: &&str| (format!("intake/0/1.{ticket}"), (*ticket).to_owned());
        Openings {
            tickets: tickets.iter().map(|ticket| (*ticket).to_owned()).collect(),
            about: tickets.iter().map(about).collect(),
        }
    }

    #[test]
    fn what_was_said_and_is_on_record_once_is_in_order() {
        let ledger = Ledger::default();
        ledger.accept(accepted("1"));
        ledger.accept(accepted("2"));
        assert!(ledger.compare(&journal(&["2", "1"])).is_clean());
    }

    #[test]
    fn what_is_missing_doubled_misplaced_or_unasked_is_named() {
        let ledger = Ledger::default();
        for ticket in ["1", "2", "3"] {
            ledger.accept(accepted(ticket));
        }
        let mut found = journal(&["2", "2", "3", "4"]);
        found.about.insert("intake/0/1.3".to_owned(), "9".to_owned());
        let compared = ledger.compare(&found);
        assert_eq!(compared.missing, ["1"]);
        assert_eq!(compared.doubled, ["2"]);
        assert_eq!(compared.misplaced, ["3: the entry at intake/0/1.3 is not about it"]);
        assert_eq!(compared.unasked, ["4"]);
    }

    #[test]
    fn a_number_given_twice_is_a_doubling() {
        let ledger = Ledger::default();
        ledger.accept(accepted("1"));
        ledger.accept(Accepted { number: "n-1".to_owned(), ..accepted("2") });
        assert_eq!(ledger.compare(&journal(&["1", "2"])).doubled, ["n-1"]);
    }

    #[test]
    fn what_was_given_up_is_not_missed_but_whatever_else_is_gone_is() {
        let ledger = Ledger::default();
        for ticket in ["1", "2", "3"] {
            ledger.accept(accepted(ticket));
        }
        assert_eq!(ledger.give_up(&BTreeSet::from(["2".to_owned(), "9".to_owned()])), 1);
        assert_eq!(ledger.compare(&journal(&["1"])).missing, ["3"]);
        assert_eq!(ledger.len(), 2);
    }

    #[test]
    fn another_answer_to_the_same_request_is_wrong() {
        let ledger = Ledger::default();
        let first = accepted("1");
        ledger.repeated(&first, "1", "n-1", "intake/0/1.1");
        assert!(ledger.faults().is_empty());
        ledger.repeated(&first, "2", "n-1", "intake/0/1.1");
        assert_eq!((ledger.faults().len(), ledger.repeats()), (1, 2));
    }
}
