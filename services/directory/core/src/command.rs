//! What people and systems ask of the directory. Personal text is sealed and
//! passwords are hashed before they get here.

use chassis_core::{Refusal, Sealed};
use proto::Time;
use serde::{Deserialize, Serialize};

use crate::{level::NodeLevel, playbooks, state::RoleHeld};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Command {
    Import(Import),
    ActivatePlaybook(ActivatePlaybook),
    ActivateCalendar(ActivateCalendar),
    MoveTime(MoveTime),
    EndSession(EndSession),
    KeepFilter(KeepFilter),
}

impl Command {
    /// Everybody may, for himself.
    pub(crate) fn is_personal(&self) -> bool {
        matches!(self, Command::EndSession(_) | Command::KeepFilter(_))
    }
}

/// Somebody signs out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EndSession {
    pub person: String,
    /// `None`: all that began until now.
    pub session: Option<String>,
    /// When it would end by itself, and now: real time.
    pub until: Time,
    pub now: Time,
}

/// Somebody keeps a filter of a list, or forgets it (no query).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeepFilter {
    pub person: String,
    pub name: Sealed,
    /// The keyed hash of the name.
    pub token: String,
    pub query: String,
}

/// Records of the organisation, in any order.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Import {
    pub nodes: Vec<NodeInput>,
    pub persons: Vec<PersonInput>,
    /// The preview that somebody has seen: if anything else would change, nothing does.
    #[serde(default)]
    pub as_previewed: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NodeInput {
    /// Where it stood in its file: `nodes.csv:17`.
    pub place: String,
    pub code: String,
    pub parent: Option<String>,
    /// As written; the checks say which words there are.
    pub level: String,
    pub name: String,
    pub calendar: Option<String>,
    pub zone: Option<String>,
    pub closed: bool,
    pub phone: Option<Kept>,
    pub address: Option<Kept>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PersonInput {
    pub place: String,
    pub code: String,
    pub name: Option<Kept>,
    pub phone: Option<Kept>,
    pub mail: Option<Kept>,
    pub roles: Vec<RoleHeld>,
    pub deputy: Option<String>,
    /// From (included) to (excluded).
    pub absences: Vec<(Time, Time)>,
    pub disabled: bool,
    /// What he is good at, as codes.
    pub skills: Vec<String>,
    /// A hash in PHC format; `None` leaves the account as it is.
    pub password: Option<String>,
}

/// Sealed text with the keyed token of its words: sealing the same words twice
/// gives different text, and only the token tells that nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    pub sealed: Sealed,
    pub token: String,
}

impl Kept {
    /// Whether two optional texts say the same.
    pub(crate) fn same(a: Option<&Kept>, b: Option<&Kept>) -> bool {
        a.map(|kept| &kept.token) == b.map(|kept| &kept.token)
    }
}

/// The files of a playbook, as they will be read by every service.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ActivatePlaybook {
    pub files: Vec<File>,
    /// Whoever made the command has looked it through already.
    #[serde(default)]
    checked: bool,
}

impl ActivatePlaybook {
    pub fn new(files: Vec<File>) -> ActivatePlaybook {
        ActivatePlaybook { files, checked: false }
    }

    /// Looks the rule book through before it goes to the writer, which then need not: playing every case type through
    /// may take seconds, and a writer has no seconds.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn checked(self) -> Result<ActivatePlaybook, Refusal> {
        playbooks::check(&self.files)?;
        Ok(ActivatePlaybook { checked: true, ..self })
    }

    pub(crate) fn is_checked(&self) -> bool {
        self.checked
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    pub path: String,
    pub text: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ActivateCalendar {
    pub source: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MoveTime {
    /// real, accelerated, manual
    pub mode: String,
    /// Business time from here on; `None`: where it stands now.
    pub business_at: Option<Time>,
    /// Business seconds per real second, in thousandths (accelerated).
    pub factor_milli: u64,
    /// The database's clock when the command was accepted for carrying out.
    pub database_at: Time,
    /// The configuration says that this is production.
    pub production: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    Imported { nodes: u32, persons: u32, unchanged: u32, bad: Vec<BadRecord> },
    PlaybookActive { id: String, version: u32 },
    CalendarActive { id: String, version: u32 },
    TimeMoved,
    Done,
}

/// A record that was left out, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadRecord {
    pub place: String,
    pub field: String,
    pub zh: String,
    pub en: String,
}

impl BadRecord {
    pub fn new(place: &str, field: &str, zh: impl Into<String>, en: impl Into<String>) -> BadRecord {
        BadRecord { place: place.to_owned(), field: field.to_owned(), zh: zh.into(), en: en.into() }
    }
}

impl NodeInput {
    pub(crate) fn level(&self) -> Option<NodeLevel> {
        NodeLevel::parse(&self.level)
    }
}
