//! Aggregates: what a service owns, one row each, with a body and the columns
//! that people query.

use proto::{Id, Time};
use serde::{Serialize, de::DeserializeOwned};

/// A table of the service's schema. Every table has, before its own columns,
/// `id uuid primary key, shard int2, body bytea`.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    pub name: &'static str,
    pub columns: &'static [Column],
}

/// A column that people query, written from the aggregate with its body.
#[derive(Debug, PartialEq, Eq)]
pub struct Column {
    pub name: &'static str,
    pub kind: ColumnKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// `text`
    Text,
    /// `bigint`
    Int,
    /// `boolean`
    Bool,
    /// `timestamptz`
    Time,
    /// `text[]`: words without spaces (search tokens).
    Words,
}

/// What stands in a column; `Null` fits every kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Null,
    Text(String),
    Int(i64),
    Bool(bool),
    Time(Time),
    Words(Vec<String>),
}

/// What a service decides about. Bodies are MessagePack with field names, so
/// that a field can be added with `#[serde(default)]`.
pub trait Aggregate: Serialize + DeserializeOwned {
    const TABLE: &'static Table;

    fn id(&self) -> Id;

    /// One value per column of [`Aggregate::TABLE`], in its order.
    fn columns(&self) -> Vec<Value>;
}

/// Names one row of one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowKey {
    pub table: &'static str,
    pub id: Id,
}

impl RowKey {
    pub fn of<T: Aggregate>(id: Id) -> RowKey {
        RowKey { table: T::TABLE.name, id }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Value::Int(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Value::Int(number.into())
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Value::Bool(truth)
    }
}

impl From<Time> for Value {
    fn from(at: Time) -> Self {
        Value::Time(at)
    }
}

impl From<Id> for Value {
    fn from(id: Id) -> Self {
        Value::Text(id.to_string())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}
