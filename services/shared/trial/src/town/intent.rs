//! What a deed means before anybody does it: who does what, with everything filled in that the scenario leaves open. The
//! cores in memory carry it out, and so can the running services over their contracts: both by the same words.

use std::collections::BTreeMap;

use chassis_core::Refusal;
use dispatch_core::{Approval, Stage, Work};
use follow_up_core::{CallBack, NotReached};
use playbook::{FollowUpKind, ProofKind};
use proto::Id;
use sla_watchdog_core::Ledger;

use super::{
    Town,
    deed::{Deed, What, refusal},
    form,
};

/// Field -> what is written into it.
pub type Texts = BTreeMap<String, String>;

/// Somebody is about to do something.
#[derive(Clone, Debug)]
pub struct Intent {
    /// The code of the person who does it.
    pub by: String,
    /// The case and its cycle, as they were seen; an opening has none.
    pub ticket: Option<(Id, u32)>,
    pub doing: Doing,
}

/// What is to be done, with all that it says.
#[derive(Clone, Debug)]
pub enum Doing {
    Open {
        playbook: String,
        case_type: String,
        branch: String,
        channel: String,
        form: Texts,
    },
    Acknowledge,
    Refuse {
        reason: String,
    },
    Assign {
        step: String,
        person: String,
    },
    Complete {
        step: String,
        form: Texts,
        proofs: Vec<ProofKind>,
    },
    Decide {
        approval: Id,
        step: String,
        stage: u32,
        approved: bool,
        verbal_by: Option<String>,
    },
    Confirm {
        approval: Id,
        step: String,
        stage: u32,
        approved: bool,
    },
    /// The customer was reached.
    Reach {
        call: Id,
        rule: String,
        answers: Texts,
    },
    /// He was not.
    Miss {
        call: Id,
        rule: String,
        outcome: NotReached,
    },
    AskTime {
        clock: String,
        instance: String,
        longer: Option<String>,
        reason: String,
    },
    DecideTime {
        clock: String,
        instance: String,
        number: u32,
        granted: bool,
    },
    Note {
        kind: String,
        words: bool,
        wait_begun: Option<String>,
        wait_ended: Option<String>,
    },
    Close {
        outcome: String,
    },
    Reopen {
        reason: String,
    },
    Reclassify {
        form: Texts,
    },
}

impl Town {
    /// What the deed means as things stand; `None`: nothing is done.
    ///
    /// # Errors
    /// There is nothing to do it to, or nobody to do it.
    pub fn intend(&mut self, deed: &Deed) -> Result<Option<Intent>, Refusal> {
        if let Some(case_type) = deed.case_type.as_ref().filter(|_| deed.what != What::Open) {
            self.turn_to(case_type);
        }
        if let Some(duty) = &deed.duty {
            self.turn_to(&playbook::duty::case_type_of(duty));
        }
        let intent = match deed.what {
            What::Nothing => return Ok(None),
            What::Open => self.opening(deed),
            What::Acknowledge | What::Refuse | What::Assign | What::Done => self.working(deed),
            What::Approve | What::Reject => self.deciding(deed),
            What::Confirm | What::DenyPaper => self.confirming(deed),
            What::Call | What::Send | What::Visit | What::NotReached => self.calling(deed),
            What::Extend | What::Grant | What::Deny => self.asking_time(deed),
            What::Wait | What::GoOn | What::Chase | What::Reclassify | What::Close | What::Reopen => {
                self.at_the_desk(deed)
            }
        };
        intent.map(Some)
    }

    fn about(&self, deed: &Deed, usual: Option<String>, doing: Doing) -> Result<Intent, Refusal> {
        let ticket = self.the_ticket()?;
        Ok(Intent { by: self.by(deed, usual)?, ticket: Some(ticket), doing })
    }

    fn opening(&self, deed: &Deed) -> Result<Intent, Refusal> {
        let case_type = match &deed.case_type {
            Some(id) => id.clone(),
            None => self.first_type().unwrap_or_default(),
        };
        let by = self.by(deed, self.usual_taker())?;
        let rule = self.playbook().case_type(&case_type);
        let channel = rule.and_then(|rule| rule.channels.first()).map(|channel| channel.code.clone());
        let doing = Doing::Open {
            playbook: self.playbook().id.clone(),
            case_type,
            branch: self.branch().to_owned(),
            channel: deed.channel.clone().or(channel).unwrap_or_default(),
            form: form::texts(&deed.form),
        };
        Ok(Intent { by, ticket: None, doing })
    }

    fn working(&self, deed: &Deed) -> Result<Intent, Refusal> {
        self.the_ticket()?;
        let work = self.work();
        let usual = work.as_ref().and_then(|work| self.whose_turn(work, deed));
        let step = deed.step.clone().unwrap_or_default();
        let doing = match deed.what {
            What::Acknowledge => Doing::Acknowledge,
            What::Refuse => {
                Doing::Refuse { reason: deed.reason.clone().unwrap_or_else(|| "not_ours".to_owned()) }
            }
            What::Assign => {
                let person = deed.to.as_deref().and_then(|to| self.person(to)).unwrap_or_default();
                Doing::Assign { step, person }
            }
            _ => {
                let book = self.playbook();
                let rule = work.as_ref().and_then(|work| book.case_type(&work.case_type)?.step(&step));
                let proofs = form::proofs(rule, deed.proofs.as_deref());
                Doing::Complete { step, form: form::texts(&deed.form), proofs }
            }
        };
        self.about(deed, usual, doing)
    }

    fn whose_turn(&self, work: &Work, deed: &Deed) -> Option<String> {
        let (assignee, role) = match deed.step.as_ref().and_then(|step| work.open.get(step)) {
            Some(open) => (&open.assignee, &open.role),
            None => (&work.hand_off.assignee, &work.hand_off.role),
        };
        assignee.clone().or_else(|| self.person(&format!("{}@{}", role.role, role.level.as_str())))
    }

    fn deciding(&self, deed: &Deed) -> Result<Intent, Refusal> {
        self.the_ticket()?;
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
        let doing = Doing::Decide {
            approval: open.id,
            step: open.step.clone(),
            stage: open.turn(),
            approved: deed.what == What::Approve,
            verbal_by: deed.verbally.as_ref().and_then(|who| self.person(who)),
        };
        self.about(deed, usual, doing)
    }

    /// The paper of what was approved by word of mouth.
    fn confirming(&self, deed: &Deed) -> Result<Intent, Refusal> {
        self.the_ticket()?;
        let work = self.work();
        let approvals = work.iter().flat_map(|work| &work.approvals);
        let named = |approval: &&Approval| deed.step.as_ref().is_none_or(|step| *step == approval.step);
        let mut owed = approvals.filter(named).flat_map(|approval| {
            approval.stages.iter().filter(|stage| lacks_paper(stage)).map(move |stage| (approval, stage))
        });
        let (approval, stage) = owed.next().ok_or_else(|| {
            let (zh, en) = ("没有待补的手续。", "No paper is owed.");
            refusal("no-paper-due", zh.to_owned(), en.to_owned())
        })?;
        let doing = Doing::Confirm {
            approval: approval.id,
            step: approval.step.clone(),
            stage: stage.place + 1,
            approved: deed.what == What::Confirm,
        };
        self.about(deed, stage.verdict.as_ref().map(|verdict| verdict.by.clone()), doing)
    }

    fn calling(&self, deed: &Deed) -> Result<Intent, Refusal> {
        self.the_ticket()?;
        let call = self.open_call(deed).ok_or_else(|| {
            let (zh, en) = ("没有待打的回访。", "No call-back is to be made.");
            refusal("no-call-back", zh.to_owned(), en.to_owned())
        })?;
        let rule = self.playbook().follow_up(&call.rule);
        let role = rule.map(|rule| format!("{}@{}", rule.by.role, rule.by.level.as_str()));
        let usual = role.and_then(|role| self.person(&role));
        let doing = match deed.what {
            What::Call | What::Send | What::Visit => {
                Doing::Reach { call: call.id, rule: call.rule, answers: form::texts(&deed.answers) }
            }
            _ => {
                let named = deed.outcome.as_deref().and_then(NotReached::parse);
                let outcome = named.unwrap_or(NotReached::of(call.kind)[0]);
                Doing::Miss { call: call.id, rule: call.rule, outcome }
            }
        };
        self.about(deed, usual, doing)
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

    /// More time for a clock: asked for by whoever holds the work, decided by whom the rule book names.
    fn asking_time(&self, deed: &Deed) -> Result<Intent, Refusal> {
        self.the_ticket()?;
        let clock = deed.clock.clone().unwrap_or_default();
        let running = self.running(&clock, deed.instance.as_deref());
        let instance = running.as_ref().map(|ledger| ledger.instance.clone()).unwrap_or_default();
        let (usual, doing) = if deed.what == What::Extend {
            let holder = self.work().and_then(|work| self.whose_turn(&work, deed));
            let reason = deed.reason.clone().unwrap_or_else(|| "more_time".to_owned());
            (holder, Doing::AskTime { clock, instance, longer: deed.wait.clone(), reason })
        } else {
            let asked =
                running.iter().flat_map(|ledger| &ledger.extensions).rfind(|it| it.decision.is_none());
            let number = asked.map(|asked| asked.number).ok_or_else(|| {
                let (zh, en) = ("没有待批的延期申请。", "No request for more time waits for a decision.");
                refusal("nothing-asked", zh.to_owned(), en.to_owned())
            })?;
            let granted = deed.what == What::Grant;
            (self.approver(&clock), Doing::DecideTime { clock, instance, number, granted })
        };
        self.about(deed, usual, doing)
    }

    /// The newest run, unless an instance is named.
    fn running(&self, clock: &str, instance: Option<&str>) -> Option<Ledger> {
        let is = |ledger: &&Ledger| {
            ledger.clock == clock && instance.map_or(ledger.is_live(), |instance| ledger.instance == instance)
        };
        self.watched()?.clocks.iter().rfind(is).cloned()
    }

    fn approver(&self, clock: &str) -> Option<String> {
        let rule = self.playbook().clock(clock)?.extension.as_ref()?;
        self.person(&format!("{}@{}", rule.approve.role, rule.approve.level.as_str()))
    }

    /// What whoever took the case does to it.
    fn at_the_desk(&self, deed: &Deed) -> Result<Intent, Refusal> {
        let waits = |what| deed.wait.clone().filter(|_| deed.what == what);
        let doing = match deed.what {
            What::Close => {
                Doing::Close { outcome: deed.outcome.clone().unwrap_or_else(|| "settled".to_owned()) }
            }
            What::Reopen => {
                Doing::Reopen { reason: deed.reason.clone().unwrap_or_else(|| "came_back".to_owned()) }
            }
            What::Reclassify => Doing::Reclassify { form: form::texts(&deed.form) },
            _ => {
                let chase = deed.what == What::Chase;
                Doing::Note {
                    kind: if chase { "chaser" } else { "wait" }.to_owned(),
                    words: chase,
                    wait_begun: waits(What::Wait),
                    wait_ended: waits(What::GoOn),
                }
            }
        };
        self.about(deed, self.taker.clone(), doing)
    }
}

fn lacks_paper(stage: &Stage) -> bool {
    stage.verdict.as_ref().is_some_and(dispatch_core::Verdict::lacks_paper)
}
