//! What people do to the case. Who does it is found as the services would ask him; a scenario may name somebody else.

use std::collections::BTreeMap;

use chassis_core::{Actor, Refusal, RefusalKind};
use dispatch_core::{Command as Order, Work};
use follow_up_core::{
    CallBack, Command as Call, NotReached,
    command::{RecordAttempt, RecordCall},
};
use intake_core::{
    Command, PhoneBook, Reply,
    command::{AssetGiven, Close, Identified, Identify, Note, Open, Reclassify, Reopen},
    keys,
};
use jiff::tz::TimeZone;
use playbook::{FollowUpKind, ProofKind};
use proto::Id;
use serde::Deserialize;

use super::{Town, form, form::Words};

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    Open,
    Acknowledge,
    Refuse,
    Assign,
    /// A step is reported as done.
    Done,
    Approve,
    Reject,
    /// The paper of an approval by word of mouth is brought, or the approver denies it.
    Confirm,
    DenyPaper,
    /// The customer was reached.
    Call,
    /// The letter went out; the visit took place.
    Send,
    Visit,
    NotReached,
    /// A named wait begins, ends.
    Wait,
    GoOn,
    /// More time for a clock is asked for, granted, refused.
    Extend,
    Grant,
    Deny,
    /// The customer asks again.
    Chase,
    Reclassify,
    Close,
    Reopen,
    /// Nothing: time passes.
    Nothing,
}

/// One deed with all that it may say.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deed {
    #[serde(rename = "do")]
    pub what: What,
    /// How long after the one before: `2h`, `1 working day`.
    pub after: Option<String>,
    /// When, on the branch's clock: `2026-03-02 10:00`.
    pub at: Option<String>,
    /// A role (`gm`, `gm@area`) or a person's code.
    pub by: Option<String>,
    pub step: Option<String>,
    #[serde(default)]
    pub form: Words,
    pub proofs: Option<Vec<ProofKind>>,
    #[serde(default)]
    pub answers: Words,
    pub reason: Option<String>,
    pub outcome: Option<String>,
    /// The duty that it is about: the newest case opened for it.
    pub duty: Option<String>,
    /// By word of mouth: who approves; `by` takes it down.
    pub verbally: Option<String>,
    /// The clock that is to have more time, and which run of it.
    pub clock: Option<String>,
    pub instance: Option<String>,
    /// The wait; how much more time.
    #[serde(rename = "for")]
    pub wait: Option<String>,
    pub to: Option<String>,
    pub rule: Option<String>,
    /// What is opened.
    #[serde(rename = "type")]
    pub case_type: Option<String>,
    pub channel: Option<String>,
    /// It must be refused, with this gate; `any` for any.
    pub refused: Option<String>,
}

impl Deed {
    pub fn new(what: What) -> Deed {
        Deed {
            what,
            after: None,
            at: None,
            by: None,
            step: None,
            form: Words::new(),
            proofs: None,
            answers: Words::new(),
            reason: None,
            outcome: None,
            duty: None,
            verbally: None,
            clock: None,
            instance: None,
            wait: None,
            to: None,
            rule: None,
            case_type: None,
            channel: None,
            refused: None,
        }
    }
}

impl Town {
    /// Does it now.
    ///
    /// # Errors
    /// The refusal of the service.
    pub fn act(&mut self, deed: &Deed) -> Result<(), Refusal> {
        if let Some(duty) = &deed.duty {
            self.turn_to(&playbook::duty::case_type_of(duty));
        }
        match deed.what {
            What::Nothing => Ok(()),
            What::Open => self.open(deed),
            What::Acknowledge | What::Refuse | What::Assign | What::Done => self.work_on(deed),
            What::Approve | What::Reject => self.decide(deed),
            What::Confirm | What::DenyPaper => self.paper(deed),
            What::Call | What::Send | What::Visit | What::NotReached => self.call(deed),
            What::Extend | What::Grant | What::Deny => self.more_time(deed),
            What::Wait | What::GoOn | What::Chase => self.note(deed),
            What::Reclassify | What::Close | What::Reopen => self.change(deed),
        }
    }

    pub(super) fn zone(&self) -> TimeZone {
        let zone = self.directory().zone_of(self.branch()).and_then(|zone| TimeZone::get(zone).ok());
        zone.unwrap_or(TimeZone::UTC)
    }

    pub(super) fn by(&self, deed: &Deed, usual: Option<String>) -> Result<Actor, Refusal> {
        let person = match &deed.by {
            Some(who) => self.person(who),
            None => usual,
        };
        let who = deed.by.clone().unwrap_or_default();
        let person = person.ok_or_else(|| {
            refusal(
                "nobody",
                format!("没有人可以做这件事 {who}。"),
                format!("There is nobody to do this {who}."),
            )
        })?;
        Ok(self.actor(&person))
    }

    /// Whoever takes calls: the role of the highest level that the rule book has.
    fn usual_taker(&self) -> Option<String> {
        let mut roles: Vec<_> = self.playbook().roles.values().collect();
        roles.sort_by_key(|role| std::cmp::Reverse(role.level));
        let centre = roles.iter().find(|role| role.id.starts_with("call-centre"));
        centre.into_iter().chain(&roles).find_map(|role| self.person(&role.id))
    }

    pub(super) fn the_ticket(&self) -> Result<(Id, u32), Refusal> {
        let ticket = self.ticket().ok_or_else(|| {
            refusal("no-case", "还没有立案。".to_owned(), "No case was opened yet.".to_owned())
        })?;
        Ok((ticket.id, ticket.cycle))
    }

    fn open(&mut self, deed: &Deed) -> Result<(), Refusal> {
        let case_type = match &deed.case_type {
            Some(id) => id.clone(),
            None => self.first_type().unwrap_or_default(),
        };
        let actor = self.by(deed, self.usual_taker())?;
        let playbook = std::sync::Arc::clone(&self.playbook);
        let rule = playbook.case_type(&case_type);
        let filled = match rule {
            Some(rule) => form::fill(rule, &deed.form, &playbook.currency, &self.zone())?,
            None => form::Filled::default(),
        };
        let customer = self.identify(&actor, &filled)?;
        let channel = rule.and_then(|rule| rule.channels.first()).map(|channel| channel.code.clone());
        let open = Open {
            customer: customer.as_ref().map(|found| found.customer),
            asset: customer.as_ref().and_then(|found| found.asset),
            playbook: playbook.id.clone(),
            case_type,
            branch: self.branch.clone(),
            channel: deed.channel.clone().or(channel).unwrap_or_default(),
            facts: filled.facts,
            personal: filled.personal,
            about_persons: filled.about,
            tokens: filled.tokens.into_values().collect(),
            occurred_at: None,
        };
        let home = open.bucket().shard();
        let opened = self.intake.command(&actor, home, &Command::Open(Box::new(open)));
        let opened = self.after(&actor, opened)?;
        if let Reply::Opened(opened) = opened {
            (self.ticket, self.taker) = (Some(opened.ticket), actor.person().map(str::to_owned));
        }
        Ok(())
    }

    /// The customer behind a telephone, if the form has one.
    fn identify(&mut self, actor: &Actor, filled: &form::Filled) -> Result<Option<Identified>, Refusal> {
        let Some(phone) = filled.tokens.get("phone") else { return Ok(None) };
        let book = keys::phone_book(phone);
        let owner = match self.intake.get::<PhoneBook>(book) {
            Some(book) => book.customer,
            None => {
                let mut entropy = [0; 9];
                entropy.copy_from_slice(&blake3::hash(phone.as_bytes()).as_bytes()[..9]);
                Id::mint(self.now(), book.bucket(), entropy)
            }
        };
        let (plate, vin) = (filled.tokens.get("plate"), filled.tokens.get("vin"));
        let asset = (plate.is_some() || vin.is_some()).then(|| AssetGiven {
            plate_token: plate.cloned(),
            vin_token: vin.cloned(),
            plate: plate.map(|_| form::sealed()),
            vin: vin.map(|_| form::sealed()),
            ..Default::default()
        });
        let command = Identify {
            phone_token: phone.clone(),
            owner,
            phone: form::sealed(),
            name: Some(form::sealed()),
            tokens: vec![phone.clone()],
            asset,
        };
        let found = self.intake.command(actor, book.shard(), &Command::Identify(Box::new(command)));
        Ok(match self.after(actor, found)? {
            Reply::Identified(found) => Some(found),
            _ => None,
        })
    }

    fn work_on(&mut self, deed: &Deed) -> Result<(), Refusal> {
        let (ticket, cycle) = self.the_ticket()?;
        let work = self.work();
        let actor = self.by(deed, work.as_ref().and_then(|work| self.whose_turn(work, deed)))?;
        let step = deed.step.clone().unwrap_or_default();
        let command = match deed.what {
            What::Acknowledge => Order::Acknowledge { ticket, cycle },
            What::Refuse => Order::Refuse {
                ticket,
                cycle,
                reason: deed.reason.clone().unwrap_or_else(|| "not_ours".to_owned()),
                text: None,
            },
            What::Assign => {
                let person = deed.to.as_deref().and_then(|to| self.person(to)).unwrap_or_default();
                Order::Assign { ticket, cycle, step, person }
            }
            _ => {
                let book = self.playbook();
                let rule = work.as_ref().and_then(|work| book.case_type(&work.case_type)?.step(&step));
                let zone = self.directory().zone_of(self.branch());
                let report = form::report(rule, &deed.form, deed.proofs.as_deref(), &book.currency, zone)?;
                Order::CompleteStep { ticket, cycle, step, report }
            }
        };
        let done = self.dispatch.command(&actor, ticket.shard(), &command);
        self.after(&actor, done).map(|_| ())
    }

    pub(super) fn whose_turn(&self, work: &Work, deed: &Deed) -> Option<String> {
        let (assignee, role) = match deed.step.as_ref().and_then(|step| work.open.get(step)) {
            Some(open) => (&open.assignee, &open.role),
            None => (&work.hand_off.assignee, &work.hand_off.role),
        };
        assignee.clone().or_else(|| self.person(&format!("{}@{}", role.role, role.level.as_str())))
    }

    fn decide(&mut self, deed: &Deed) -> Result<(), Refusal> {
        let (ticket, cycle) = self.the_ticket()?;
        let work = self.work();
        let named = |step: &String| deed.step.as_ref().is_none_or(|wanted| wanted == step);
        let mut approvals = work.iter().flat_map(|work| &work.approvals);
        let open = approvals.rfind(|approval| approval.is_open() && named(&approval.step));
        let open = open.ok_or_else(|| {
            let (zh, en) = ("没有待决的审批。", "No approval waits for a decision.");
            refusal("no-approval", zh.to_owned(), en.to_owned())
        })?;
        let asked = open.stage().and_then(|stage| {
            let role = format!("{}@{}", stage.role.role, stage.role.level.as_str());
            stage.approver.clone().or_else(|| self.person(&role))
        });
        let usual = if deed.verbally.is_some() { open.requesters.first().cloned() } else { asked };
        let actor = self.by(deed, usual)?;
        let (approval, stage, approved) = (open.id, open.turn(), deed.what == What::Approve);
        let text = (!approved).then(form::sealed);
        let verbal_by = deed.verbally.as_ref().and_then(|who| self.person(who));
        let command = Order::DecideApproval { ticket, cycle, approval, stage, approved, text, verbal_by };
        let decided = self.dispatch.command(&actor, ticket.shard(), &command);
        self.after(&actor, decided).map(|_| ())
    }

    fn call(&mut self, deed: &Deed) -> Result<(), Refusal> {
        let (ticket, cycle) = self.the_ticket()?;
        let call = self.open_call(deed).ok_or_else(|| {
            let (zh, en) = ("没有待打的回访。", "No call-back is to be made.");
            refusal("no-call-back", zh.to_owned(), en.to_owned())
        })?;
        let rule = self.playbook().follow_up(&call.rule);
        let role = rule.map(|rule| format!("{}@{}", rule.by.role, rule.by.level.as_str()));
        let actor = self.by(deed, role.and_then(|role| self.person(&role)))?;
        let command = match deed.what {
            What::Call | What::Send | What::Visit => {
                let answers: BTreeMap<String, String> =
                    deed.answers.iter().map(|(name, word)| (name.clone(), form::text(word))).collect();
                Call::RecordCall(RecordCall { ticket, cycle, call_back: call.id, text: None, answers })
            }
            _ => {
                let outcome = deed
                    .outcome
                    .as_deref()
                    .and_then(NotReached::parse)
                    .unwrap_or(NotReached::of(call.kind)[0]);
                Call::RecordAttempt(RecordAttempt { ticket, cycle, call_back: call.id, outcome, text: None })
            }
        };
        let recorded = self.follow_up.command(&actor, ticket.shard(), &command);
        self.after(&actor, recorded).map(|_| ())
    }

    fn open_call(&self, deed: &Deed) -> Option<CallBack> {
        let known = self.called()?.known?;
        let fits = |call: &CallBack| match deed.what {
            What::Send => call.kind == FollowUpKind::Letter,
            What::Visit => call.kind == FollowUpKind::Visit,
            What::Call => matches!(call.kind, FollowUpKind::Call | FollowUpKind::Survey),
            _ => true,
        };
        let wanted =
            |call: &&CallBack| fits(call) && deed.rule.as_ref().is_none_or(|rule| *rule == call.rule);
        known.open().find(wanted).cloned()
    }

    fn note(&mut self, deed: &Deed) -> Result<(), Refusal> {
        let (ticket, _) = self.the_ticket()?;
        let actor = self.by(deed, self.taker.clone())?;
        let chase = deed.what == What::Chase;
        let note = Note {
            ticket,
            kind: if chase { "chaser" } else { "wait" }.to_owned(),
            text: chase.then(form::sealed),
            wait_begun: deed.wait.clone().filter(|_| deed.what == What::Wait),
            wait_ended: deed.wait.clone().filter(|_| deed.what == What::GoOn),
        };
        let noted = self.intake.command(&actor, ticket.shard(), &Command::Note(note));
        self.after(&actor, noted).map(|_| ())
    }

    fn change(&mut self, deed: &Deed) -> Result<(), Refusal> {
        let (ticket, _) = self.the_ticket()?;
        let actor = self.by(deed, self.taker.clone())?;
        let command = match deed.what {
            What::Close => {
                let outcome = deed.outcome.clone().unwrap_or_else(|| "settled".to_owned());
                Command::Close(Close { ticket, outcome })
            }
            What::Reopen => {
                let reason = deed.reason.clone().unwrap_or_else(|| "came_back".to_owned());
                Command::Reopen(Reopen { ticket, reason })
            }
            _ => Command::Reclassify(self.reclassification(ticket, deed)?),
        };
        let changed = self.intake.command(&actor, ticket.shard(), &command);
        self.after(&actor, changed).map(|_| ())
    }

    fn reclassification(&self, ticket: Id, deed: &Deed) -> Result<Reclassify, Refusal> {
        let case_type = self.ticket().and_then(|ticket| self.playbook().case_type(&ticket.case_type));
        let filled = match case_type {
            Some(rule) => form::fill(rule, &deed.form, &self.playbook().currency, &self.zone())?,
            None => form::Filled::default(),
        };
        Ok(Reclassify {
            ticket,
            facts: filled.facts,
            personal: filled.personal,
            about_persons: filled.about,
            tokens: Vec::new(),
        })
    }
}

pub(super) fn refusal(gate: &str, zh: String, en: String) -> Refusal {
    Refusal::new(RefusalKind::Precondition, gate, zh, en)
}
