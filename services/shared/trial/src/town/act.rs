//! The cores carry out what somebody means to do.

use chassis_core::{Actor, Refusal};
use dispatch_core::Command as Order;
use follow_up_core::{
    Command as Call,
    command::{RecordAttempt, RecordCall},
};
use intake_core::{
    Command, PhoneBook, Reply,
    command::{AssetGiven, Close, Identified, Identify, Note, Open, Reclassify, Reopen},
    keys,
};
use jiff::tz::TimeZone;
use proto::Id;
use sla_watchdog_core::{AskExtension, Command as Time, DecideExtension};

use super::{
    Town,
    deed::Deed,
    form,
    intent::{Doing, Intent, Texts},
};

impl Town {
    /// Does it now.
    ///
    /// # Errors
    /// The refusal of the service.
    pub fn act(&mut self, deed: &Deed) -> Result<(), Refusal> {
        match self.intend(deed)? {
            Some(intent) => self.carry_out(&intent),
            None => Ok(()),
        }
    }

    /// # Errors
    /// The refusal of the service.
    pub fn carry_out(&mut self, intent: &Intent) -> Result<(), Refusal> {
        let actor = self.actor(&intent.by);
        let Some((ticket, cycle)) = intent.ticket else { return self.open(&actor, &intent.doing) };
        match &intent.doing {
            Doing::Open { .. } => self.open(&actor, &intent.doing),
            Doing::Acknowledge
            | Doing::Refuse { .. }
            | Doing::Assign { .. }
            | Doing::Complete { .. }
            | Doing::Decide { .. }
            | Doing::Confirm { .. } => {
                let order = self.order(ticket, cycle, &intent.doing)?;
                let done = self.dispatch.command(&actor, ticket.shard(), &order);
                self.after(&actor, done).map(|_| ())
            }
            Doing::Reach { call, answers, .. } => {
                let answers = answers.clone();
                let record = RecordCall { ticket, cycle, call_back: *call, text: None, answers };
                self.record(&actor, ticket, &Call::RecordCall(record))
            }
            Doing::Miss { call, outcome, .. } => {
                let attempt =
                    RecordAttempt { ticket, cycle, call_back: *call, outcome: *outcome, text: None };
                self.record(&actor, ticket, &Call::RecordAttempt(attempt))
            }
            Doing::AskTime { clock, instance, longer, reason } => {
                let (clock, instance) = (clock.clone(), instance.clone());
                let (longer, reason) = (longer.clone(), reason.clone());
                let ask = AskExtension { ticket, cycle, clock, instance, longer, reason };
                self.more_time(&actor, ticket, &Time::AskExtension(ask))
            }
            Doing::DecideTime { clock, instance, number, granted } => {
                let (clock, instance) = (clock.clone(), instance.clone());
                let (number, granted) = (*number, *granted);
                let decide = DecideExtension { ticket, cycle, clock, instance, number, granted };
                self.more_time(&actor, ticket, &Time::DecideExtension(decide))
            }
            Doing::Note { kind, words, wait_begun, wait_ended } => {
                let note = Note {
                    ticket,
                    kind: kind.clone(),
                    text: words.then(form::sealed),
                    wait_begun: wait_begun.clone(),
                    wait_ended: wait_ended.clone(),
                };
                self.register(&actor, ticket, &Command::Note(note))
            }
            Doing::Close { outcome } => {
                self.register(&actor, ticket, &Command::Close(Close { ticket, outcome: outcome.clone() }))
            }
            Doing::Reopen { reason } => {
                self.register(&actor, ticket, &Command::Reopen(Reopen { ticket, reason: reason.clone() }))
            }
            Doing::Reclassify { form } => {
                let command = Command::Reclassify(self.reclassification(ticket, form)?);
                self.register(&actor, ticket, &command)
            }
        }
    }

    fn order(&self, ticket: Id, cycle: u32, doing: &Doing) -> Result<Order, Refusal> {
        Ok(match doing {
            Doing::Refuse { reason } => Order::Refuse { ticket, cycle, reason: reason.clone(), text: None },
            Doing::Assign { step, person } => {
                Order::Assign { ticket, cycle, step: step.clone(), person: person.clone() }
            }
            Doing::Complete { step, form, proofs } => {
                let (work, book) = (self.work(), self.playbook());
                let rule = work.as_ref().and_then(|work| book.case_type(&work.case_type)?.step(step));
                let zone = self.directory().zone_of(self.branch());
                let report = form::report(rule, form, proofs, &book.currency, zone)?;
                Order::CompleteStep { ticket, cycle, step: step.clone(), report }
            }
            Doing::Decide { approval, stage, approved, verbal_by, .. } => Order::DecideApproval {
                ticket,
                cycle,
                approval: *approval,
                stage: *stage,
                approved: *approved,
                text: (!approved).then(form::sealed),
                verbal_by: verbal_by.clone(),
            },
            Doing::Confirm { approval, stage, approved, .. } => Order::ConfirmApproval {
                ticket,
                cycle,
                approval: *approval,
                stage: *stage,
                approved: *approved,
                text: None,
            },
            _ => Order::Acknowledge { ticket, cycle },
        })
    }

    fn record(&mut self, actor: &Actor, ticket: Id, command: &Call) -> Result<(), Refusal> {
        let recorded = self.follow_up.command(actor, ticket.shard(), command);
        self.after(actor, recorded).map(|_| ())
    }

    fn more_time(&mut self, actor: &Actor, ticket: Id, command: &Time) -> Result<(), Refusal> {
        let done = self.watchdog.command(actor, ticket.shard(), command);
        self.after(actor, done).map(|_| ())
    }

    fn register(&mut self, actor: &Actor, ticket: Id, command: &Command) -> Result<(), Refusal> {
        let done = self.intake.command(actor, ticket.shard(), command);
        self.after(actor, done).map(|_| ())
    }

    fn open(&mut self, actor: &Actor, doing: &Doing) -> Result<(), Refusal> {
        let Doing::Open { playbook, case_type, branch, channel, form } = doing else { return Ok(()) };
        let book = std::sync::Arc::clone(&self.playbook);
        let filled = match book.case_type(case_type) {
            Some(rule) => form::fill(rule, form, &book.currency, &self.zone())?,
            None => form::Filled::default(),
        };
        let customer = self.identify(actor, &filled)?;
        let open = Open {
            customer: customer.as_ref().map(|found| found.customer),
            asset: customer.as_ref().and_then(|found| found.asset),
            playbook: playbook.clone(),
            case_type: case_type.clone(),
            branch: branch.clone(),
            channel: channel.clone(),
            facts: filled.facts,
            personal: filled.personal,
            about_persons: filled.about,
            tokens: filled.tokens.into_values().collect(),
            occurred_at: None,
        };
        let home = open.bucket().shard();
        let opened = self.intake.command(actor, home, &Command::Open(Box::new(open)));
        let opened = self.after(actor, opened)?;
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

    fn reclassification(&self, ticket: Id, form: &Texts) -> Result<Reclassify, Refusal> {
        let case_type = self.ticket().and_then(|ticket| self.playbook().case_type(&ticket.case_type));
        let filled = match case_type {
            Some(rule) => form::fill(rule, form, &self.playbook().currency, &self.zone())?,
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

    pub(super) fn zone(&self) -> TimeZone {
        let zone = self.directory().zone_of(self.branch()).and_then(|zone| TimeZone::get(zone).ok());
        zone.unwrap_or(TimeZone::UTC)
    }
}
