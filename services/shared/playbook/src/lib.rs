//! The playbook: the rule book of one line of business, as a program.
//!
//! A playbook says what is collected, how a case is judged, who gets the work, which steps and proofs it needs, which
//! clocks run and who is told when one runs out, who may approve what, when the customer is called and what is
//! reported. Operations managers read it, analysts change it, and every service interprets its own part.
//!
//! ```text
//! YAML text --read--> spanned tree --load--> Playbook (typed, immutable, in an Arc)
//!                         |                     |-- Facts in --> classification, route, steps, chains, limits, ...
//!                         +-- diagnostics       +-- check, show, unsupported
//! ```
//!
//! Invariants
//! * Pure: no clock, no randomness, no I/O. The same text gives the same playbook, the same facts the same answer.
//! * Conditions are typed and compiled when the text is loaded; evaluation cannot fail and reads impersonal facts only.
//! * A loaded playbook refers to nothing that does not exist: names are resolved while loading.
//! * What a rule or a reading justifies carries its number (`DG-08`), so that every decision can say why.

pub mod approval;
pub mod case;
mod check;
pub mod clock;
pub mod condition;
pub mod derived;
pub mod diagnostic;
pub mod event;
pub mod facts;
pub mod follow_up;
pub mod form;
pub mod load;
pub mod model;
pub mod recurrence;
pub mod report;
pub mod role;
pub mod route;
pub mod schema;
mod show;
pub mod step;
pub mod table;
pub mod tell;
pub mod text;
mod unsupported;
pub mod yaml;

pub use approval::{ApprovalUse, Approver, Band, Matrix};
pub use case::{CaseType, Classification, Closing, Mark, Reason, RepeatRule, Seal};
pub use clock::{Budget, CalendarOf, Clock, Rung, Scope, Trigger, Warn};
pub use condition::Condition;
pub use diagnostic::{Diagnostic, Gravity, render_all};
pub use facts::{Facts, Kind, Value};
pub use follow_up::{FollowUp, FollowUpKind, Question, QuestionKind, Unhappy};
pub use form::{Choice, Field, FieldKind, Required};
pub use load::duty;
pub use model::{Duty, Param, ParamValue, Playbook, Privacy, Wait};
pub use recurrence::Recurrence;
pub use report::{Figure, FigureKind, GroupBy, Report};
pub use role::{CasePerson, Level, Recipient, Role, RoleAt};
pub use route::{Route, Routing};
pub use step::{DoneSteps, Lead, Performer, ProofKind, Step};
pub use table::{DecisionTable, HitPolicy};
pub use tell::{Channel, Tell};
pub use text::{Lang, Text};
