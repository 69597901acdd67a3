//! The papers of a case as the cast hands them in: a step's report with its proofs, a call-back's answers. What they
//! must hold is read off the rule book; what they say comes from the seed.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use playbook::{CaseType, Facts, FollowUp, Playbook, Step};
use proto::{Time, dispatch::v1::Proof};
use trial::{
    filling::{self, answered, answers_to, nth_answer},
    town::Words,
};

use crate::demo::{
    draw::Draws,
    pen::{Chance, Desk, on_paper},
};

/// Of a first round so many are sent back.
const SENT_BACK: f64 = 0.12;
const TRIES: u32 = 48;
const UNHAPPY: f64 = 0.08;
/// Somebody who was called a second time is mostly content.
const UNHAPPY_AGAIN: f64 = 0.01;

/// A form that is filled in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Paper {
    pub fields: BTreeMap<String, String>,
    pub proofs: Vec<Proof>,
}

/// Which case, and which time that it is at this place.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// Where it came from: the same in every run.
    pub identity: &'a str,
    pub branch: &'a str,
    pub cycle: u32,
    /// How often it was done in this cycle.
    pub before: u32,
}

/// Who fills in what, and when.
pub struct Papers<'a> {
    pub draws: Draws,
    pub book: &'a Playbook,
    pub case_type: &'a CaseType,
    /// Whom a form may name.
    pub staff: &'a [String],
    pub now: Time,
    pub zone: TimeZone,
}

impl Papers<'_> {
    fn desk<'a>(&'a self, case: &Case<'a>) -> Desk<'a> {
        Desk {
            book: self.book,
            case_type: self.case_type,
            customer: case.identity,
            branch: case.branch,
            staff: self.staff,
            now: self.now,
            zone: self.zone.clone(),
        }
    }

    pub fn place(&self) -> filling::Place {
        filling::Place { currency: self.book.currency.clone(), zone: self.zone.clone() }
    }

    /// A step's report. Now and then a first one sends the case back; nobody goes round for ever.
    pub fn report(&self, step: &Step, case: Case<'_>, known: &Facts) -> Paper {
        let (desk, place) = (self.desk(&case), self.place());
        let round = [case.cycle.to_string(), case.before.to_string()];
        let draw = |what: &str, again: u32| {
            self.draws.of(&[case.identity, &round[0], what, &step.id, &round[1], &again.to_string()])
        };
        let pen = |again| Chance { desk: &desk, draw: draw("paper", again) };
        let filled = if case.before == 0 && draw("sent back", 0).happens(SENT_BACK) {
            filling::report(step, self.case_type, known, &place, &mut pen(0))
        } else {
            filling::settled(step, self.case_type, known, &place, (0..TRIES).map(pen))
        };
        Paper { fields: on_paper(filled.words), proofs: proofs(step, case.identity) }
    }

    /// The form of a case that is opened; what stands in it already is kept.
    pub fn opening(&self, case: Case<'_>, given: Words, known: Facts) -> BTreeMap<String, String> {
        let desk = self.desk(&case);
        let draw = self.draws.of(&[case.identity, "opening", &case.before.to_string()]);
        let mut pen = Chance { desk: &desk, draw };
        let given = filling::Filled { words: given, facts: known };
        on_paper(filling::fill(&self.case_type.form, given, &self.place(), self.case_type, &mut pen).words)
    }
}

/// Answers to a call-back's questions; of a second cycle fewer are unhappy.
pub fn answers(
    draws: Draws,
    identity: &str,
    cycle: u32,
    rule: &FollowUp,
    known: &Facts,
) -> BTreeMap<String, String> {
    let of = |again: &str| draws.of(&[identity, &cycle.to_string(), "answers", &rule.id, again]);
    let wanted = of("mood").happens(if cycle == 1 { UNHAPPY } else { UNHAPPY_AGAIN });
    let mut words = Words::new();
    for again in 0..TRIES {
        let mut draw = of(&again.to_string());
        let mut answer = |question: &playbook::Question| {
            nth_answer(question, draw.between(0, answers_to(question) as i64) as usize)
        };
        let (said, unhappy) = answered(rule, known, &mut answer);
        words = said;
        if unhappy == wanted {
            break;
        }
    }
    on_paper(words)
}

/// Where the evidence would be kept.
pub fn proofs(step: &Step, identity: &str) -> Vec<Proof> {
    let kinds = step.proofs.iter().filter_map(|proof| proof.any_of.first());
    let proof = |kind: &playbook::ProofKind| {
        let reference = format!("demo/{}/{}", step.id, &blake3::hash(identity.as_bytes()).to_hex()[..16]);
        let digest = blake3::hash(reference.as_bytes()).as_bytes().to_vec();
        Proof { kind: kind.as_str().to_owned(), reference, digest }
    };
    kinds.map(proof).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::packs::Pack;

    const STAFF: [&str; 2] = ["SVM", "CRM"];

    fn with<R>(pack: &str, case_type: &str, read: impl FnOnce(&Papers<'_>) -> R) -> R {
        let book = Pack::find(pack).unwrap().load().unwrap();
        let staff = STAFF.map(str::to_owned);
        read(&Papers {
            draws: Draws(7),
            book: &book,
            case_type: book.case_type(case_type).unwrap(),
            staff: &staff,
            now: Time(0),
            zone: TimeZone::UTC,
        })
    }

    fn of(papers: &Papers<'_>, step: &str, row: u32, before: u32) -> Paper {
        let case = Case { identity: &row.to_string(), branch: "B1", cycle: 1, before };
        papers.report(papers.case_type.step(step).unwrap(), case, &Facts::new())
    }

    #[test]
    fn a_form_is_filled_in_alike_every_time() {
        with("dealer-group", "complaint", |papers| {
            let judged = of(papers, "judge", 1, 0);
            assert_eq!(judged, of(papers, "judge", 1, 0));
            assert!(STAFF.contains(&judged.fields["named_handler"].as_str()));
            assert!(judged.proofs.is_empty());
            assert_eq!(of(papers, "carry_out", 1, 0).proofs.len(), 1);
        });
    }

    #[test]
    fn every_band_is_asked_for_and_loops_end() {
        with("dealer-group", "complaint", |papers| {
            let amount = |row| of(papers, "propose", row, 0).fields.get("amount")?.parse::<i64>().ok();
            let amounts: Vec<i64> = (0..300).filter_map(amount).collect();
            for (low, high) in [(0, 5_000), (5_000, 50_000), (50_000, 200_000)] {
                assert!(amounts.iter().any(|amount| (low..high).contains(amount)), "{low}");
            }
            let rejects =
                |row: &u32, before| of(papers, "tell_customer", *row, before).fields["reaction"] == "rejects";
            let rejected = |before| (0..300).filter(|row| rejects(row, before)).count();
            assert!(rejected(0) > 5);
            assert_eq!(rejected(1), 0, "nobody goes on for ever");
        });
    }

    #[test]
    fn some_customers_are_unhappy() {
        let book = Pack::find("dealer-group").unwrap().load().unwrap();
        let rule = book.follow_up("shop_call").unwrap();
        let unhappy = |cycle| {
            let said = |row: &u32| answers(Draws(7), &row.to_string(), cycle, rule, &Facts::new());
            (0..400).map(|row: u32| said(&row)).filter(|said| said["settled"] == "no").count()
        };
        assert!((10..90).contains(&unhappy(1)) && unhappy(2) < 12, "{} {}", unhappy(1), unhappy(2));
    }
}
