//! Facts: what is known about a case, typed and impersonal. The only thing that conditions, tables, routes and
//! matrices read. Personal fields and free text never become facts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A fact's value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    Bool(bool),
    Int(i64),
    /// A word out of a declared set: `major`, `after_sales`, a branch or brand code.
    Code(String),
    /// Minor units (fen) of an ISO 4217 currency.
    Money {
        currency: String,
        minor: i64,
    },
    Date(jiff::civil::Date),
    /// Microseconds since 1970 UTC.
    Instant(i64),
    Codes(Vec<String>),
}

/// The type of a fact, used by the checker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Bool,
    Int,
    Code,
    Money,
    Date,
    Instant,
    Codes,
}

impl Kind {
    /// The word for it in diagnostics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Code => "code",
            Self::Money => "money",
            Self::Date => "date",
            Self::Instant => "instant",
            Self::Codes => "codes",
        }
    }
}

impl Value {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Bool(_) => Kind::Bool,
            Self::Int(_) => Kind::Int,
            Self::Code(_) => Kind::Code,
            Self::Money { .. } => Kind::Money,
            Self::Date(_) => Kind::Date,
            Self::Instant(_) => Kind::Instant,
            Self::Codes(_) => Kind::Codes,
        }
    }

    pub fn code(code: impl Into<String>) -> Self {
        Self::Code(code.into())
    }

    pub fn money(currency: impl Into<String>, minor: i64) -> Self {
        Self::Money { currency: currency.into(), minor }
    }
}

/// Facts by name. Built-in names: `type`, `category`, `severity`, `tags`, `channel`, `source`, `brand`, `branch`,
/// `repeat`, `cycle`, `reopened`, `opened_at`, `done` (kept by `CaseType::observe`), and on an event that has one its
/// `outcome` (`approved`, `refused`, `reached`, `unreached`, ...); every impersonal field of the form and of the steps adds its own name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Facts(BTreeMap<String, Value>);

impl Facts {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    pub fn set(&mut self, name: impl Into<String>, value: Value) -> &mut Self {
        self.0.insert(name.into(), value);
        self
    }

    pub fn with(mut self, name: impl Into<String>, value: Value) -> Self {
        self.set(name, value);
        self
    }

    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    /// The code under `name`; `None` when absent or of another type.
    pub fn code(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(Value::Code(code)) => Some(code),
            _ => None,
        }
    }

    /// A flag; absent counts as false.
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.get(name), Some(Value::Bool(true)))
    }

    pub fn int(&self, name: &str) -> Option<i64> {
        match self.get(name) {
            Some(Value::Int(n)) => Some(*n),
            _ => None,
        }
    }

    /// Minor units of a money fact.
    pub fn minor(&self, name: &str) -> Option<i64> {
        match self.get(name) {
            Some(Value::Money { minor, .. }) => Some(*minor),
            _ => None,
        }
    }

    /// Microseconds of an instant fact.
    pub fn instant(&self, name: &str) -> Option<i64> {
        match self.get(name) {
            Some(Value::Instant(micros)) => Some(*micros),
            _ => None,
        }
    }

    /// Puts the facts of `newer` over these.
    pub fn absorb(&mut self, newer: Facts) {
        self.0.extend(newer.0);
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(String, Value)> for Facts {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(iter: I) -> Self {
        Self(iter.into_iter().collect())
    }
}
