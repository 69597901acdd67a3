//! A form as it arrives, field by field as text, split into typed facts and text to be sealed.

use std::collections::BTreeMap;

use chassis_core::{Refusal, Sealed, Violation};
use intake_core::{
    days,
    form::{Place, Reading, parse_field, path},
};
use organisation::Snapshot;
use playbook::{Facts, Field, FieldKind, Playbook};
use proto::Id;

use crate::{
    phone, plate,
    search::{self, Word},
    vin,
};

/// A form in its parts; personal text is still clear and stays in this crate.
#[derive(Debug, Default)]
pub struct Form {
    pub facts: Facts,
    pub personal: BTreeMap<String, String>,
    /// Persons that the form bars.
    pub persons: Vec<String>,
    pub words: Vec<Word>,
    pub wrong: Vec<Violation>,
}

/// Splits a form. What does not fit is collected in `wrong`; blank fields were not filled in.
pub fn split(form: &BTreeMap<String, String>, fields: &[Field], place: &Place) -> Form {
    let mut split = Form::default();
    for (name, text) in form {
        let text = text.trim();
        match fields.iter().find(|field| field.name == *name) {
            None => split.wrong.push(unknown(name)),
            Some(_) if text.is_empty() => {}
            Some(field) => split.take(field, text, place),
        }
    }
    split
}

/// Where the form of a branch is read.
pub fn place(playbook: &Playbook, directory: &Snapshot, branch: &str) -> Place {
    Place { currency: playbook.currency.clone(), zone: days::zone(directory, branch) }
}

impl Form {
    fn take(&mut self, field: &Field, text: &str, place: &Place) {
        match normalise(field, text).and_then(|text| parse_field(field, &text, place)) {
            Err(wrong) => self.wrong.push(wrong),
            Ok(Reading::Facts(facts)) => self.facts.absorb(facts.into_iter().collect()),
            Ok(Reading::Personal(text)) => {
                self.words.extend(words(field, &text));
                if let FieldKind::Person { bars: true } = field.kind {
                    self.persons.push(text.clone());
                }
                self.personal.insert(field.name.clone(), text);
            }
        }
    }

    /// Refuses once, with everything that is wrong: what was misread here, and what `more` finds
    /// about the rest.
    pub fn refuse(self, more: Option<Refusal>) -> Refusal {
        let mut wrong = self.wrong;
        for violation in more.map(|refusal| refusal.violations).unwrap_or_default() {
            if wrong.iter().all(|known| known.field != violation.field) {
                wrong.push(violation);
            }
        }
        Refusal::invalid(wrong)
    }

    /// The personal half as a core takes it when nothing is to be kept (previews).
    pub fn unsealed(&self) -> BTreeMap<String, Sealed> {
        let blank = Sealed::parse(Sealed::PREFIX).expect("the prefix begins with itself");
        self.personal.keys().map(|name| (name.clone(), blank.clone())).collect()
    }

    /// Seals the personal half under its owner's key.
    pub async fn seal(&self, vault: &chassis::Vault, owner: Id) -> Result<BTreeMap<String, Sealed>, Refusal> {
        let mut sealed = BTreeMap::new();
        for (name, text) in &self.personal {
            sealed.insert(name.clone(), vault.seal(owner, text).await?);
        }
        Ok(sealed)
    }

    pub fn tokens(&self, vault: &chassis::Vault) -> Vec<String> {
        self.words.iter().map(|word| word.token(vault)).collect()
    }
}

/// Fields that hold a name, by the convention of their own name.
pub fn is_name(field: &Field) -> bool {
    matches!(field.kind, FieldKind::Text) && (field.name == "name" || field.name.ends_with("_name"))
}

fn normalise(field: &Field, text: &str) -> Result<String, Violation> {
    let refuse = |zh: &str, en: &str| Violation {
        field: path(&field.name),
        zh: format!("{}：{zh}", field.label.zh),
        en: format!("{}: {en}", field.label.en),
    };
    match field.kind {
        FieldKind::Phone => phone::normalise(text).map_err(|wrong| refuse(wrong.zh(), wrong.en())),
        FieldKind::Plate => plate::normalise(text).map_err(|wrong| refuse(wrong.zh(), wrong.en())),
        FieldKind::Vin => vin::normalise(text).map_err(|wrong| refuse(wrong.zh(), wrong.en())),
        _ => Ok(text.to_owned()),
    }
}

fn words(field: &Field, text: &str) -> Vec<Word> {
    match field.kind {
        FieldKind::Phone => search::of_phone(text),
        FieldKind::Plate => search::of_plate(text),
        FieldKind::Vin => search::of_vin(text),
        _ if is_name(field) => search::of_name(text),
        _ => Vec::new(),
    }
}

fn unknown(name: &str) -> Violation {
    Violation {
        field: path(name),
        zh: "该表单没有这一栏。".to_owned(),
        en: "The form of this case type has no such field.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use playbook::{Choice, Required, Text, Value};

    use super::*;

    fn field(name: &str, kind: FieldKind) -> Field {
        Field {
            name: name.into(),
            label: Text::new(name, name),
            kind,
            required: Required::Never,
            personal: false,
            hint: None,
            rules: Vec::new(),
        }
    }

    fn complaint() -> Vec<Field> {
        let category =
            Choice {
                code: "repair".into(), name: Text::new("维修质量", "repair quality"), rules: vec![]
            };
        vec![
            field("customer_name", FieldKind::Text),
            field("phone", FieldKind::Phone),
            field("plate", FieldKind::Plate),
            field("vin", FieldKind::Vin),
            field("model", FieldKind::Text),
            field("content", FieldKind::Text),
            field("category", FieldKind::Choice(vec![category])),
            field("claimed_amount", FieldKind::Money),
            field("door_blocked", FieldKind::Bool),
            field("about_person", FieldKind::Person { bars: true }),
            field("received_first_by", FieldKind::Person { bars: false }),
        ]
    }

    fn read(fields: &[(&str, &str)]) -> Form {
        let form = fields.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        split(&form, &complaint(), &Place { currency: "CNY".into(), zone: TimeZone::UTC })
    }

    #[test]
    fn a_form_is_split_into_facts_and_personal_text() {
        let form = read(&[
            ("customer_name", "李小明"),
            ("phone", "138 1234 5678"),
            ("plate", "沪a·12345"),
            ("content", "变速箱异响"),
            ("category", "维修质量"),
            ("claimed_amount", "1,200.50"),
            ("door_blocked", "否"),
            ("model", " "),
        ]);
        assert!(form.wrong.is_empty(), "{:?}", form.wrong);
        assert_eq!(form.facts.code("category"), Some("repair"));
        assert_eq!(form.facts.get("claimed_amount"), Some(&Value::money("CNY", 120_050)));
        assert_eq!(form.facts.get("door_blocked"), Some(&Value::Bool(false)));
        assert_eq!(form.personal["phone"], "+8613812345678");
        assert_eq!(form.personal["plate"], "沪A12345");
        assert!(!form.personal.contains_key("model"), "a blank field was not filled in");
        assert!(form.facts.iter().all(|(name, _)| !form.personal.contains_key(name)));
        assert!(form.words.contains(&search::of_name("李小明")[0]));
    }

    #[test]
    fn everything_wrong_is_named_at_once() {
        let form = read(&[
            ("phone", "021-55550126/55550122"),
            ("plate", "abc"),
            ("vin", "1"),
            ("category", "?"),
            ("mood", "bad"),
        ]);
        let fields: Vec<&str> = form.wrong.iter().map(|wrong| wrong.field.as_str()).collect();
        assert_eq!(fields, ["form.category", "form.mood", "form.phone", "form.plate", "form.vin"]);
        assert!(form.wrong[2].zh.contains("一个号码"), "{}", form.wrong[2].zh);
    }

    #[test]
    fn only_a_person_complained_about_is_barred() {
        let form = read(&[("about_person", "P0001"), ("received_first_by", "P0002")]);
        assert_eq!(form.persons, ["P0001"]);
        assert_eq!(form.personal.len(), 2, "persons are personal");
    }

    #[test]
    fn a_refusal_names_each_field_once() {
        let form = read(&[("phone", "1")]);
        let more = Refusal::invalid(vec![unknown("phone"), unknown("plate")]);
        let fields: Vec<String> = form.refuse(Some(more)).violations.into_iter().map(|v| v.field).collect();
        assert_eq!(fields, ["form.phone", "form.plate"]);
    }
}
