//! Fields of forms and steps.

use serde::Serialize;

use crate::{
    condition::Condition,
    facts::{Facts, Kind, Value},
    text::Text,
};

/// One word of a choice with its names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Choice {
    pub code: String,
    pub name: Text,
    pub rules: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// Free text: always sealed, never a fact.
    Text,
    Phone,
    Plate,
    Vin,
    Date,
    /// A span of time the customer prefers; its start is the fact `<name>_from`, its end `<name>_to` (instants).
    Window,
    /// Minor units; `currency` is the playbook's.
    Money,
    Choice(Vec<Choice>),
    Choices(Vec<Choice>),
    Bool,
    Int {
        min: Option<i64>,
        max: Option<i64>,
    },
    /// A member of staff, by id: barred from the case if the field says so.
    Person {
        bars: bool,
    },
    Branch,
    Order,
    /// A file of a kind: photo, signature, recording, document.
    Attachment(String),
}

impl FieldKind {
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Phone => "phone",
            Self::Plate => "plate",
            Self::Vin => "vin",
            Self::Date => "date",
            Self::Window => "window",
            Self::Money => "money",
            Self::Choice(_) => "choice",
            Self::Choices(_) => "choices",
            Self::Bool => "bool",
            Self::Int { .. } => "int",
            Self::Person { .. } => "person",
            Self::Branch => "branch",
            Self::Order => "order",
            Self::Attachment(_) => "attachment",
        }
    }

    /// The type of the fact that a filled-in field of this kind becomes; `None` for what stays sealed.
    pub fn fact(&self) -> Option<Kind> {
        match self {
            Self::Date => Some(Kind::Date),
            Self::Money => Some(Kind::Money),
            Self::Choice(_) | Self::Branch => Some(Kind::Code),
            Self::Choices(_) => Some(Kind::Codes),
            Self::Bool => Some(Kind::Bool),
            Self::Int { .. } => Some(Kind::Int),
            Self::Window => Some(Kind::Instant),
            Self::Text
            | Self::Phone
            | Self::Plate
            | Self::Vin
            | Self::Person { .. }
            | Self::Order
            | Self::Attachment(_) => None,
        }
    }

    /// Kinds that are personal whatever the field says.
    pub fn always_personal(&self) -> bool {
        matches!(
            self,
            Self::Text | Self::Phone | Self::Plate | Self::Vin | Self::Person { .. } | Self::Attachment(_)
        )
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Required {
    Always,
    Never,
    When(Condition),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Field {
    pub name: String,
    pub label: Text,
    pub kind: FieldKind,
    pub required: Required,
    /// Sealed, masked in lists, never a fact.
    pub personal: bool,
    pub hint: Option<Text>,
    pub rules: Vec<String>,
}

impl Field {
    pub fn is_required(&self, facts: &Facts) -> bool {
        match &self.required {
            Required::Always => true,
            Required::Never => false,
            Required::When(condition) => condition.holds(facts),
        }
    }

    /// Facts this field gives rise to, with their types; none when personal.
    pub fn facts(&self) -> Vec<(String, Kind)> {
        if self.personal {
            return Vec::new();
        }
        match self.kind {
            FieldKind::Window => vec![
                (format!("{}_from", self.name), Kind::Instant),
                (format!("{}_to", self.name), Kind::Instant),
            ],
            _ => self.kind.fact().map(|kind| (self.name.clone(), kind)).into_iter().collect(),
        }
    }

    /// Whether an impersonal value fits the field: its kind, its choices, its bounds.
    pub fn accepts(&self, value: &Value) -> bool {
        match (&self.kind, value) {
            (FieldKind::Choice(choices), Value::Code(code)) => choices.iter().any(|c| c.code == *code),
            (FieldKind::Choices(choices), Value::Codes(codes)) => {
                codes.iter().all(|code| choices.iter().any(|c| c.code == *code))
            }
            (FieldKind::Int { min, max }, Value::Int(n)) => {
                min.is_none_or(|m| *n >= m) && max.is_none_or(|m| *n <= m)
            }
            (FieldKind::Money, Value::Money { minor, .. }) => *minor >= 0,
            (kind, value) => kind.fact() == Some(value.kind()),
        }
    }

    pub fn choices(&self) -> &[Choice] {
        match &self.kind {
            FieldKind::Choice(choices) | FieldKind::Choices(choices) => choices,
            _ => &[],
        }
    }
}
