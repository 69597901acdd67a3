//! A day of any rule book: some cases of every type that can be called in, with forms filled in as the rule book asks.
//! The seed says which branch, which channel, who it is and what he says; a few call twice.

use std::{path::Path, sync::Arc};

use jiff::tz::TimeZone;
use playbook::{CaseType, Facts, FieldKind, Playbook, Value};
use proto::Time;
use serde_json::Value as Json;
use trial::town::Words;

use crate::{
    demo::{
        draw::{Draw, Draws},
        openings::{Coming, SPREAD},
        paper::{Case as Paper, Papers},
        people::Staff,
    },
    import::{Mapping, row::Case},
};

/// Cases of each type, unless it is said how many there are in all.
const OF_EACH: usize = 5;
const FEWEST: usize = 16;
const MOST: usize = 48;
/// Forms are filled in anew until the case would be opened, so often; what is explained on the spot comes too.
const TRIES: u32 = 6;
const REPEATED: f64 = 0.1;

/// A rule book and how much is made of it.
pub struct Invented {
    book: Arc<Playbook>,
    draws: Draws,
    types: Vec<(String, Arc<Mapping>)>,
    cases: usize,
}

impl Invented {
    pub fn new(book: Arc<Playbook>, draws: Draws, cases: Option<usize>) -> anyhow::Result<Invented> {
        let called_in = book.types.values().filter(|case_type| !case_type.channels.is_empty());
        let types =
            called_in.map(|case_type| Ok((case_type.id.clone(), Arc::new(mapping(&book, case_type)?))));
        let types: Vec<_> = types.collect::<anyhow::Result<_>>()?;
        let usual = (types.len() * OF_EACH).clamp(FEWEST, MOST);
        Ok(Invented { cases: cases.unwrap_or(usual), book, draws, types })
    }

    pub fn is_empty(&self) -> bool {
        self.cases == 0 || self.types.is_empty()
    }

    /// Any of its mappings.
    pub fn mapping(&self) -> Arc<Mapping> {
        self.types[0].1.clone()
    }

    pub fn source(&self) -> String {
        format!("demo {} {} {}", self.book.id, self.book.version, self.draws.0)
    }

    pub fn comings(&self, staff: &Staff, monday: Time) -> Vec<Coming> {
        let mut comings: Vec<Coming> =
            (0..self.cases).map(|number| self.coming(number, staff, monday)).collect();
        comings.sort_by_key(|coming| coming.after);
        comings
    }

    fn coming(&self, number: usize, staff: &Staff, monday: Time) -> Coming {
        let (id, mapping) = &self.types[number % self.types.len()];
        let case_type = &self.book.types[id];
        let identity = format!("{id}/{number}");
        let mut draw = self.draws.of(&[&identity, "coming"]);
        let share = SPREAD / self.cases.max(1) as i64;
        let after = share * number as i64 + draw.between(0, share.max(1));
        // Who calls again comes from the same branch, about the same matter.
        let again = number >= self.types.len() && draw.happens(REPEATED);
        let customer = if again { number - self.types.len() } else { number };
        let customer = format!("{id}/{customer}");
        let mut home = self.draws.of(&[&customer, "home"]);
        let branch = home.pick(&staff.branches).map(|(code, _)| code.clone()).unwrap_or_default();
        let channel = draw.pick(&case_type.channels).map(|channel| channel.code.clone()).unwrap_or_default();
        let form = self.form(case_type, (&customer, &branch, &channel), staff, monday.plus(after));
        let case = Case {
            line: number as u64 + 1,
            identity,
            branch,
            channel,
            form,
            about_persons: Vec::new(),
            occurred_at: 0,
        };
        Coming { after, case, mapping: mapping.clone() }
    }

    fn form(
        &self,
        case_type: &CaseType,
        (customer, branch, channel): (&str, &str, &str),
        staff: &Staff,
        now: Time,
    ) -> std::collections::BTreeMap<String, String> {
        let staff = staff.upwards(branch);
        let papers = Papers {
            draws: self.draws,
            book: &self.book,
            case_type,
            staff: &staff[..staff.len().min(6)],
            now,
            zone: TimeZone::fixed(jiff::tz::offset(8)),
        };
        let known = known(case_type, branch, channel, now);
        let given = given(case_type, channel, &mut self.draws.of(&[customer, "given"]));
        let write = |again| {
            let case = Paper { identity: customer, branch, cycle: 1, before: again };
            papers.opening(case, given.clone(), known.clone())
        };
        // Mostly something that becomes a case; the last try is taken as it comes.
        (0..TRIES).map(write).find(|form| is_opened(&papers, form, &known)).unwrap_or_else(|| write(TRIES))
    }
}

/// What intake itself knows of a new case.
fn known(case_type: &CaseType, branch: &str, channel: &str, now: Time) -> Facts {
    let mut facts = Facts::new()
        .with("type", Value::code(&case_type.id))
        .with("branch", Value::code(branch))
        .with("channel", Value::code(channel))
        .with("opened_at", Value::Instant(now.0))
        .with("cycle", Value::Int(1))
        .with("reopened", Value::Bool(false))
        .with("repeat", Value::Bool(false));
    case_type.derive(&mut facts);
    facts
}

/// A form that asks for the channel must say the same; a category is spread over all that there are.
fn given(case_type: &CaseType, channel: &str, draw: &mut Draw) -> Words {
    let mut given = Words::new();
    if case_type.field("channel").is_some_and(|field| matches!(field.kind, FieldKind::Choice(_))) {
        given.insert("channel".to_owned(), Json::from(channel));
    }
    let category = case_type.field("category").and_then(|field| draw.pick(field.choices()));
    if let Some(category) = category {
        given.insert("category".to_owned(), Json::from(category.code.as_str()));
    }
    given
}

fn is_opened(papers: &Papers<'_>, form: &std::collections::BTreeMap<String, String>, known: &Facts) -> bool {
    let words = form.iter().map(|(name, text)| (name.clone(), Json::from(text.as_str()))).collect();
    let given = trial::filling::Filled { words, facts: known.clone() };
    let read = trial::filling::read(&papers.case_type.form, given, &papers.place(), papers.case_type);
    papers.case_type.is_opened(&read)
}

/// Names the rule book and the type; there are no columns.
fn mapping(book: &Playbook, case_type: &CaseType) -> anyhow::Result<Mapping> {
    let text = format!(
        "playbook: {}\ncase_type: {}\nchannel: channel\nbranch: branch\nform: {{}}\n",
        book.id, case_type.id
    );
    Ok(Mapping::parse(Path::new("invented"), &text)?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{
        demo::packs::PACKS,
        staffing::{self, Size},
    };

    const MONDAY: Time = Time(1_773_014_400_000_000);

    fn staff(book: &Playbook) -> Staff {
        let size = Size { branches: 4, to_an_area: 4, holders: 2, posts: usize::MAX };
        Staff::invented(staffing::organisation(&[book], size))
    }

    /// Checked as intake does: every field is the form's, every word fits, nothing that is required is missing.
    #[test]
    fn every_case_of_every_pack_is_such_as_intake_takes() {
        for pack in PACKS {
            let book = pack.load().unwrap();
            let (staff, invented) = (staff(&book), Invented::new(book.clone(), Draws(7), Some(60)).unwrap());
            let comings = invented.comings(&staff, MONDAY);
            assert_eq!(comings.len(), 60);
            assert!(comings.is_sorted_by_key(|coming| coming.after));
            let mut types = BTreeSet::new();
            for Coming { case, mapping, .. } in &comings {
                let case_type = &book.types[&mapping.case_type];
                types.insert(&mapping.case_type);
                let place = intake_place();
                let split = intake::form::split(&case.form, &case_type.form, &place);
                assert!(split.wrong.is_empty(), "{} {case:?}: {:?}", pack.name, split.wrong);
                let mut facts = known(case_type, &case.branch, &case.channel, MONDAY);
                facts.absorb(split.facts);
                case_type.derive(&mut facts);
                let missing = case_type
                    .form
                    .iter()
                    .find(|field| field.is_required(&facts) && !case.form.contains_key(&field.name));
                assert!(missing.is_none(), "{} {case:?}: {missing:?}", pack.name);
            }
            let called_in = book.types.values().filter(|case_type| !case_type.channels.is_empty()).count();
            assert_eq!(types.len(), called_in, "{}: a case of every type", pack.name);
        }
    }

    fn intake_place() -> trial::filling::Place {
        trial::filling::Place { currency: "CNY".into(), zone: TimeZone::fixed(jiff::tz::offset(8)) }
    }

    #[test]
    fn the_same_seed_gives_the_same_day_and_another_another() {
        let book = PACKS[6].load().unwrap();
        let day = |seed| {
            let invented = Invented::new(book.clone(), Draws(seed), None).unwrap();
            invented.comings(&staff(&book), MONDAY).into_iter().map(|coming| coming.case).collect::<Vec<_>>()
        };
        assert_eq!(day(7), day(7));
        assert_ne!(day(7), day(8));
        let phones: BTreeSet<_> =
            day(7).into_iter().filter_map(|case| case.form.get("phone").cloned()).collect();
        assert!(phones.iter().all(|phone| phone.starts_with("142")), "{phones:?}");
    }
}
