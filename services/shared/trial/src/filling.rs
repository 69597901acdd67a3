//! Forms filled in as a rule book demands them: what is required under the facts at hand, and nothing that sends the
//! work back unless somebody means it to. What is written is the pen's business: the plainest thing for a trial,
//! something plausible for a demonstration.

pub use intake_core::form::Place;
use intake_core::form::{Reading, parse_field};
use playbook::{CaseType, Facts, Field, FieldKind, FollowUp, Question, QuestionKind, Step, Value};
use serde_json::Value as Json;

use crate::town::{Words, text};

/// Whoever fills in a form.
pub trait Pen {
    fn write(&mut self, field: &Field) -> Json;

    /// Whether a field that may stay blank is filled in.
    fn fills(&mut self, _: &Field) -> bool {
        false
    }
}

/// A form, and what is known once it is handed in.
#[derive(Clone, Debug, Default)]
pub struct Filled {
    pub words: Words,
    pub facts: Facts,
}

/// Fills in what is required, given what stands in the form already. Whether a field is required may depend on others:
/// the form is gone through until nothing is missing.
pub fn fill(
    fields: &[Field],
    mut filled: Filled,
    place: &Place,
    case_type: &CaseType,
    pen: &mut impl Pen,
) -> Filled {
    filled.facts = read(fields, filled.clone(), place, case_type);
    let wanted: Vec<bool> = fields.iter().map(|field| pen.fills(field)).collect();
    // One field at least is written in each round but the last.
    for _ in 0..=fields.len() {
        case_type.derive(&mut filled.facts);
        let missing = fields.iter().zip(&wanted).filter(|(field, wanted)| {
            !filled.words.contains_key(&field.name) && (**wanted || field.is_required(&filled.facts))
        });
        let missing: Vec<&Field> = missing.map(|(field, _)| field).collect();
        if missing.is_empty() {
            break;
        }
        for field in missing {
            let word = pen.write(field);
            learn(&mut filled.facts, field, &text(&word), place);
            filled.words.insert(field.name.clone(), word);
        }
    }
    filled
}

/// What is known once a form is handed in as it stands.
pub fn read(fields: &[Field], filled: Filled, place: &Place, case_type: &CaseType) -> Facts {
    let Filled { words, mut facts } = filled;
    for field in fields {
        if let Some(word) = words.get(&field.name) {
            learn(&mut facts, field, &text(word), place);
        }
    }
    case_type.derive(&mut facts);
    facts
}

/// A step's report, by the first pen whose words send nothing back; by the first of all if there is none such.
pub fn settled<P: Pen>(
    step: &Step,
    case_type: &CaseType,
    known: &Facts,
    place: &Place,
    pens: impl IntoIterator<Item = P>,
) -> Filled {
    let mut first = None;
    for mut pen in pens {
        let filled = report(step, case_type, known, place, &mut pen);
        if case_type.loops_back(&step.id, &filled.facts).is_empty() {
            return filled;
        }
        first.get_or_insert(filled);
    }
    first.unwrap_or_default()
}

/// A step's report, whatever comes of it. What an earlier round of the step said counts no more.
pub fn report(step: &Step, case_type: &CaseType, known: &Facts, place: &Place, pen: &mut impl Pen) -> Filled {
    let mut facts = known.clone();
    for (name, _) in step.fields.iter().flat_map(Field::facts) {
        facts.remove(&name);
    }
    fill(&step.fields, Filled { facts, words: Words::new() }, place, case_type, pen)
}

/// What does not fit is left for the service to refuse by name.
fn learn(facts: &mut Facts, field: &Field, word: &str, place: &Place) {
    if let Ok(Reading::Facts(read)) = parse_field(field, word, place) {
        facts.absorb(read.into_iter().collect());
    }
}

/// Answers to a call-back's questions, each given by `answer`, and whether they are an unhappy customer's.
pub fn answered(
    rule: &FollowUp,
    known: &Facts,
    mut answer: impl FnMut(&Question) -> (Json, Value),
) -> (Words, bool) {
    let (mut words, mut facts) = (Words::new(), known.clone());
    for question in &rule.questions {
        let (word, value) = answer(question);
        words.insert(question.id.clone(), word);
        facts.set(&question.id, value);
    }
    let unhappy = rule.is_unhappy(&facts);
    (words, unhappy)
}

/// A question answered with the `place`th of its answers, worst first on a scale.
pub fn nth_answer(question: &Question, place: usize) -> (Json, Value) {
    match &question.kind {
        QuestionKind::Scale { low, high } => {
            let span = span(*low, *high);
            let mark = low + (place % span) as i64;
            (Json::from(mark), Value::Int(mark))
        }
        QuestionKind::YesNo => {
            let yes = place.is_multiple_of(2);
            (Json::from(if yes { "yes" } else { "no" }), Value::Bool(yes))
        }
        QuestionKind::Choice(choices) => {
            let code = choices.get(place % choices.len().max(1)).map(|c| c.code.clone()).unwrap_or_default();
            (Json::from(code.as_str()), Value::code(code))
        }
    }
}

/// The most content answer: the top of a scale, a yes, the first choice.
pub fn best_answer(question: &Question) -> Json {
    let place = match &question.kind {
        QuestionKind::Scale { .. } => answers_to(question) - 1,
        QuestionKind::YesNo | QuestionKind::Choice(_) => 0,
    };
    nth_answer(question, place).0
}

/// How many answers a question has.
pub fn answers_to(question: &Question) -> usize {
    match &question.kind {
        QuestionKind::Scale { low, high } => span(*low, *high),
        QuestionKind::YesNo => 2,
        QuestionKind::Choice(choices) => choices.len().max(1),
    }
}

fn span(low: i64, high: i64) -> usize {
    usize::try_from(high.saturating_sub(low)).unwrap_or_default().saturating_add(1)
}

/// Writes the plainest thing; with another `turn`, the next choice of each.
#[derive(Clone, Copy, Debug)]
pub struct Plain<'a> {
    pub turn: usize,
    pub person: &'a str,
}

impl<'a> Plain<'a> {
    /// One pen for each turn that makes a difference to these fields.
    pub fn turns(fields: &[Field], person: &'a str) -> impl Iterator<Item = Plain<'a>> + use<'a> {
        let most = fields.iter().map(choices).max().unwrap_or(1);
        (0..most).map(move |turn| Plain { turn, person })
    }
}

impl Pen for Plain<'_> {
    fn write(&mut self, field: &Field) -> Json {
        match &field.kind {
            FieldKind::Bool => Json::from(self.turn.is_multiple_of(2)),
            FieldKind::Choice(options) | FieldKind::Choices(options) => {
                let option = options.get(self.turn % options.len().max(1));
                Json::from(option.map(|option| option.code.clone()).unwrap_or_default())
            }
            FieldKind::Int { min, max } => Json::from(min.or(max.map(|max| max.min(1))).unwrap_or(1)),
            FieldKind::Money => Json::from("100"),
            FieldKind::Date => Json::from("2026-03-02"),
            FieldKind::Window => Json::from("2026-03-03T10:00/2026-03-03T12:00"),
            FieldKind::Phone => Json::from("13800000000"),
            FieldKind::Plate => Json::from("沪A00000"),
            FieldKind::Vin => Json::from("LSVAA4182E2184841"),
            FieldKind::Person { .. } => Json::from(self.person),
            FieldKind::Branch => Json::from("B1"),
            FieldKind::Text | FieldKind::Order | FieldKind::Attachment(_) => Json::from("..."),
        }
    }
}

fn choices(field: &Field) -> usize {
    match &field.kind {
        FieldKind::Bool => 2,
        FieldKind::Choice(options) | FieldKind::Choices(options) => options.len().max(1),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use playbook::Playbook;

    use super::*;

    const REPAIRS: &str = include_str!("../../../../deploy/playbooks/bicycle-shop/playbook.yaml");

    fn place() -> Place {
        Place { currency: "CNY".into(), zone: TimeZone::UTC }
    }

    #[test]
    fn only_what_is_required_is_filled_in_and_nothing_is_sent_back() {
        let book = Playbook::load(&[("p", REPAIRS)]).unwrap();
        let repair = book.case_type("repair").unwrap();
        let plain = Plain { turn: 0, person: "p" };
        let form = fill(&repair.form, Filled::default(), &place(), repair, &mut { plain });
        assert_eq!(form.words.keys().collect::<Vec<_>>(), ["category", "customer_name"]);
        assert_eq!(form.facts.code("category"), Some("wheel"));
        let hand_back = repair.step("hand_back").unwrap();
        let badly = Plain { turn: 1, person: "p" };
        let back = settled(hand_back, repair, &form.facts, &place(), [badly]);
        assert_eq!(repair.loops_back("hand_back", &back.facts), ["mend", "hand_back"]);
        let well = settled(hand_back, repair, &form.facts, &place(), [badly, plain]);
        assert!(well.facts.flag("rides_well"), "the second pen is taken");
    }

    #[test]
    fn what_a_choice_makes_necessary_is_filled_in_with_it() {
        let text = REPAIRS.replace(
            "urgent: { kind: bool, label: { zh: 加急, en: urgent } }",
            "urgent: { kind: bool, label: { zh: 加急, en: urgent }, required: \"category == 'brake'\" }",
        );
        let book = Playbook::load(&[("p", &text)]).unwrap();
        let repair = book.case_type("repair").unwrap();
        let of = |turn| {
            let mut pen = Plain { turn, person: "p" };
            fill(&repair.form, Filled::default(), &place(), repair, &mut pen).words
        };
        assert!(!of(0).contains_key("urgent") && of(1).contains_key("urgent"));
    }

    #[test]
    fn an_unhappy_answer_is_known_as_one() {
        let book = Playbook::load(&[("p", REPAIRS)]).unwrap();
        let rule = book.follow_up("content").unwrap();
        let of = |place| answered(rule, &Facts::new(), |question| nth_answer(question, place));
        assert!(of(0).1 && !of(4).1);
        assert_eq!(answers_to(&rule.questions[0]), 5);
    }
}
