//! Names of codes, out of the rule book that a case runs under and the
//! organisation. A code that nobody named is shown as it is.

use jiff::tz::TimeZone;
use organisation::Snapshot;
use playbook::{CaseType, Choice, Playbook};
use proto::common::v1::{PlaybookRef, TicketRef};

use crate::language::Tongue;

/// Where nobody said otherwise.
pub const USUAL_ZONE: &str = "Asia/Shanghai";

/// The rule book of a case and its type.
#[derive(Clone, Copy)]
pub struct Names<'d> {
    pub snapshot: &'d Snapshot,
    pub tongue: Tongue,
    pub book: Option<&'d Playbook>,
    pub case_type: Option<&'d CaseType>,
}

impl<'d> Names<'d> {
    pub fn of(snapshot: &'d Snapshot, tongue: Tongue, ticket: Option<&TicketRef>) -> Names<'d> {
        let none = PlaybookRef::default();
        let playbook = ticket.and_then(|ticket| ticket.playbook.as_ref()).unwrap_or(&none);
        let book = snapshot
            .playbook(&playbook.id, playbook.version)
            .or_else(|| snapshot.active_playbook(&playbook.id))
            .map(|book| &**book);
        let case_type = book.zip(ticket).and_then(|(book, ticket)| book.case_type(&ticket.case_type));
        Names { snapshot, tongue, book, case_type }
    }

    fn choice(&self, choices: &[Choice], code: &str) -> String {
        let found = choices.iter().find(|choice| choice.code == code);
        found.map_or_else(|| code.to_owned(), |choice| self.tongue.text(&choice.name).to_owned())
    }

    pub fn kind(&self) -> String {
        self.case_type.map(|kind| self.tongue.text(&kind.name).to_owned()).unwrap_or_default()
    }

    pub fn category(&self, code: &str) -> String {
        let form = self.case_type.and_then(|kind| kind.form.iter().find(|field| field.name == "category"));
        let choices = match self.case_type {
            Some(kind) if !kind.categories.is_empty() => kind.categories.as_slice(),
            _ => form.map_or(&[][..], |field| field.choices()),
        };
        self.choice(choices, code)
    }

    pub fn severity(&self, code: &str) -> String {
        self.choice(self.case_type.map_or(&[][..], |kind| &kind.severities), code)
    }

    /// Whether it is above the lowest.
    pub fn is_severe(&self, code: &str) -> bool {
        self.case_type
            .is_some_and(|kind| kind.severities.iter().position(|known| known.code == code) > Some(0))
    }

    pub fn channel(&self, code: &str) -> String {
        self.choice(self.case_type.map_or(&[][..], |kind| &kind.channels), code)
    }

    pub fn step(&self, id: &str) -> String {
        let step = self.case_type.and_then(|kind| kind.step(id));
        step.map_or_else(|| id.to_owned(), |step| self.tongue.text(&step.name).to_owned())
    }

    pub fn clock(&self, id: &str) -> String {
        let clock = self.book.and_then(|book| book.clock(id));
        clock.map_or_else(|| id.to_owned(), |clock| self.tongue.text(&clock.name).to_owned())
    }

    pub fn wait(&self, id: &str) -> String {
        let wait = self.book.and_then(|book| book.waits.get(id));
        wait.map_or_else(|| id.to_owned(), |wait| self.tongue.text(&wait.name).to_owned())
    }

    pub fn role(&self, id: &str) -> String {
        let role = self.book.and_then(|book| book.roles.get(id));
        role.map_or_else(
            || role_anywhere(self.snapshot, id, self.tongue),
            |role| self.tongue.text(&role.name).to_owned(),
        )
    }

    /// Why a case is severe: the words of the table's row, and its rule.
    pub fn reason(&self, code: &str) -> (String, String) {
        let table = self.case_type.and_then(|kind| kind.severity_table.as_ref());
        let row = table.and_then(|table| table.rows.iter().find(|row| row.code.as_deref() == Some(code)));
        match row {
            Some(row) => (
                row.reason.as_ref().map_or_else(|| code.to_owned(), |text| self.tongue.text(text).to_owned()),
                row.rules.first().cloned().unwrap_or_default(),
            ),
            None if code == "repeat" => {
                (self.tongue.say("重复投诉", "repeat complaint").to_owned(), String::new())
            }
            None => (code.to_owned(), String::new()),
        }
    }
}

pub fn zone(snapshot: &Snapshot, node: &str) -> TimeZone {
    TimeZone::get(snapshot.zone_of(node).unwrap_or(USUAL_ZONE)).unwrap_or(TimeZone::UTC)
}

pub fn node(snapshot: &Snapshot, code: &str) -> String {
    snapshot.node(code).map_or_else(|| code.to_owned(), |node| node.name.clone())
}

/// A role as any rule book in force names it, else one of the office.
pub fn role(snapshot: &Snapshot, id: &str, tongue: Tongue) -> String {
    role_anywhere(snapshot, id, tongue)
}

fn role_anywhere(snapshot: &Snapshot, id: &str, tongue: Tongue) -> String {
    let books = snapshot.playbook_ids().filter_map(|id| snapshot.active_playbook(id));
    let named = books.into_iter().find_map(|book| book.roles.get(id));
    match (named, id) {
        (Some(role), _) => tongue.text(&role.name).to_owned(),
        (None, "administrator") => tongue.say("系统管理员", "administrator").to_owned(),
        (None, "auditor") => tongue.say("审计", "auditor").to_owned(),
        (None, _) => id.to_owned(),
    }
}

/// The level of the organisation.
pub fn level(code: &str, tongue: Tongue) -> String {
    match code {
        "group" => tongue.say("集团", "group"),
        "division" => tongue.say("品牌事业部", "division"),
        "area" => tongue.say("大区", "area"),
        "branch" => tongue.say("门店", "branch"),
        "department" => tongue.say("部门", "department"),
        other => other,
    }
    .to_owned()
}

/// Where a case stands, as boards filter it.
pub const STATES: [(&str, &str, &str); 6] = [
    ("opened", "待派单", "opened"),
    ("dispatched", "待接单", "to be taken over"),
    ("working", "处理中", "being worked on"),
    ("work_done", "处理完毕", "work done"),
    ("followed_up", "已回访", "followed up"),
    ("closed", "已销项", "closed"),
];

pub fn state(code: &str, tongue: Tongue) -> String {
    let found = STATES.iter().find(|(known, ..)| *known == code);
    found.map_or_else(|| code.to_owned(), |(_, zh, en)| tongue.say(zh, en).to_owned())
}
