//! Cases that steps open beside their own: their form can be filled, and there is an end to it.

use std::collections::BTreeSet;

use super::Findings;
use crate::{
    case::CaseType,
    form::{Field, Required},
};

/// Intake fills these by itself.
const FILLED: &[&str] = &["source", "brand", "customer_check"];

impl Findings<'_> {
    pub(super) fn cases_opened_by(&mut self, case_type: &CaseType) {
        for step in &case_type.steps {
            let Some(opens) = &step.opens else { continue };
            let place = format!("types/{}/steps/{}", case_type.id, step.id);
            let Some(other) = self.playbook.types.get(&opens.case_type) else { continue };
            for field in other.form.iter().filter(|field| !can_be_filled(field, case_type)) {
                let (step, other, field) = (&step.id, &other.id, &field.name);
                self.error(
                    "PB0513",
                    &place,
                    format!("“{step}”另开的“{other}”必须填“{field}”，而本案没有这一栏"),
                    format!(
                        "the `{other}` that `{step}` opens requires `{field}`, which this case does not have"
                    ),
                );
            }
            if self.comes_back(&opens.case_type, &case_type.id) {
                let (step, other, own) = (&step.id, &opens.case_type, &case_type.id);
                self.error(
                    "PB0514",
                    &place,
                    format!("“{step}”另开“{other}”，而它又会另开“{own}”，没有尽头"),
                    format!("`{step}` opens a `{other}`, which opens a `{own}` again: there is no end to it"),
                );
            }
        }
    }

    /// Whether cases of one type lead to cases of another, by whatever way.
    fn comes_back(&self, from: &str, to: &str) -> bool {
        let mut seen = BTreeSet::new();
        let mut open = vec![from];
        while let Some(next) = open.pop() {
            if next == to {
                return true;
            }
            if let Some(case_type) = self.playbook.types.get(next).filter(|_| seen.insert(next)) {
                let opens = case_type.steps.iter().filter_map(|step| step.opens.as_ref());
                open.extend(opens.map(|opens| opens.case_type.as_str()));
            }
        }
        false
    }
}

/// Required when is as much as required: nobody can be asked again. What a step writes under seal stays with the step.
fn can_be_filled(field: &Field, from: &CaseType) -> bool {
    if field.required == Required::Never || FILLED.contains(&field.name.as_str()) {
        return true;
    }
    let same = |other: &&Field| other.name == field.name && other.kind.as_str() == field.kind.as_str();
    let in_form = from.form.iter().any(|other| same(&other));
    let impersonal = !field.personal && field.kind.fact().is_some();
    in_form || (impersonal && from.all_fields().any(|other| same(&other)))
}
