//! Changed rows as columns of arrays, one set per table.

use std::collections::{BTreeMap, HashMap};

use chassis_core::{ColumnKind, Table, Value, store::Batch};
use uuid::Uuid;

use super::bind::PgQuery;

/// Rows to write and to delete, by the table's place.
pub struct Puts {
    pub tables: BTreeMap<usize, Columns>,
    pub deletes: BTreeMap<usize, Vec<Uuid>>,
}

/// The arrays of one table.
pub struct Columns {
    ids: Vec<Uuid>,
    shards: Vec<i16>,
    bodies: Vec<Vec<u8>>,
    values: Vec<Array>,
}

enum Array {
    Text(Vec<Option<String>>),
    Int(Vec<Option<i64>>),
    Bool(Vec<Option<bool>>),
}

impl Puts {
    pub fn of(batch: &Batch, by_name: &HashMap<&'static str, usize>, tables: &[&'static Table]) -> Puts {
        let mut puts = Puts { tables: BTreeMap::new(), deletes: BTreeMap::new() };
        for (key, change) in &batch.rows {
            let place = by_name[key.table];
            match &change.put {
                None => puts.deletes.entry(place).or_default().push(key.id.uuid()),
                Some((body, values)) => {
                    let columns = puts.tables.entry(place).or_insert_with(|| Columns::new(tables[place]));
                    columns.ids.push(key.id.uuid());
                    columns.shards.push(key.id.shard().number() as i16);
                    columns.bodies.push(body.clone());
                    for (array, value) in columns.values.iter_mut().zip(values) {
                        array.push(value);
                    }
                }
            }
        }
        puts
    }
}

impl Columns {
    fn new(table: &Table) -> Columns {
        let values = table
            .columns
            .iter()
            .map(|column| match column.kind {
                ColumnKind::Text | ColumnKind::Words => Array::Text(Vec::new()),
                ColumnKind::Int | ColumnKind::Time => Array::Int(Vec::new()),
                ColumnKind::Bool => Array::Bool(Vec::new()),
            })
            .collect();
        Columns { ids: Vec::new(), shards: Vec::new(), bodies: Vec::new(), values }
    }

    pub fn bind(self, query: PgQuery<'_>) -> PgQuery<'_> {
        let query = query.bind(self.ids).bind(self.shards).bind(self.bodies);
        self.values.into_iter().fold(query, |query, array| match array {
            Array::Text(values) => query.bind(values),
            Array::Int(values) => query.bind(values),
            Array::Bool(values) => query.bind(values),
        })
    }
}

impl Array {
    /// A value of another kind than its column is a fault in the core's `columns`.
    fn push(&mut self, value: &Value) {
        match (self, value) {
            (Array::Text(list), Value::Null) => list.push(None),
            (Array::Int(list), Value::Null) => list.push(None),
            (Array::Bool(list), Value::Null) => list.push(None),
            (Array::Text(list), Value::Text(text)) => list.push(Some(text.replace('\0', ""))),
            (Array::Text(list), Value::Words(words)) => list.push(Some(words.join(" "))),
            (Array::Int(list), Value::Int(number)) => list.push(Some(*number)),
            (Array::Int(list), Value::Time(at)) => list.push(Some(at.0)),
            (Array::Bool(list), Value::Bool(truth)) => list.push(Some(*truth)),
            (_, value) => panic!("{value:?} does not fit its column"),
        }
    }
}
