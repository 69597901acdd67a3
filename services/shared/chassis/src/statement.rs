//! The two statements of a batch, built from the service's tables: one loads,
//! one commits. Parts that a batch does not need are left out; each mixture is
//! prepared once and kept by the session.

mod aside;

use std::fmt::Write as _;

use chassis_core::{Column, ColumnKind, Table};

pub use aside::AsideParts;

/// Which parts a commit has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct CommitParts {
    pub journal: bool,
    pub timers_set: bool,
    pub timers_cleared: bool,
    pub cursors: bool,
    pub pairs: bool,
    pub replies: bool,
    pub directory: bool,
    pub aside: AsideParts,
    pub published: bool,
    pub rewindings: bool,
    /// By index into the service's tables.
    pub puts: Vec<usize>,
    pub deletes: Vec<usize>,
}

/// Numbers parameters while text is appended.
struct Builder {
    sql: String,
    next: usize,
    parts: usize,
}

impl Builder {
    /// `unnest($1::int2[], $2::text[])` for these types.
    fn unnest(&mut self, types: &[&str]) -> String {
        let mut list = String::from("unnest(");
        for (place, kind) in types.iter().enumerate() {
            if place > 0 {
                list.push_str(", ");
            }
            write!(list, "${}::{kind}[]", self.next).expect("writing to a string");
            self.next += 1;
        }
        list.push(')');
        list
    }

    fn part(&mut self, sql: &str) {
        let lead = if self.parts == 0 { "with " } else { ",\n" };
        write!(self.sql, "{lead}p{} as ({sql})", self.parts).expect("writing to a string");
        self.parts += 1;
    }
}

/// The commit of a batch with these parts. Parameters follow in the order in
/// which `session::bind_commit` binds them.
pub fn commit(parts: &CommitParts, tables: &[&'static Table]) -> String {
    let mut b = Builder { sql: String::new(), next: 1, parts: 0 };
    if parts.journal {
        journal(&mut b);
    }
    small_tables(&mut b, parts);
    for table in &parts.puts {
        put(&mut b, tables[*table]);
    }
    for table in &parts.deletes {
        let ids = b.unnest(&["uuid"]);
        b.part(&format!("delete from {} where id in (select u.id from {ids} as u(id))", tables[*table].name));
    }
    b.sql.push_str("\nselect (extract(epoch from clock_timestamp()) * 1000000)::int8 as now");
    if parts.journal {
        // A head that is not where the writer left it aborts the whole statement.
        write!(b.sql, ", 1 / (case when (select count(*) from p0) = ${} then 1 else 0 end) as sound", b.next)
            .expect("writing to a string");
    }
    b.sql
}

fn journal(b: &mut Builder) {
    let heads = b.unnest(&["int2", "int4", "int8", "bytea", "int8", "int8"]);
    b.part(&format!(
        "update shard s set epoch = u.epoch, seq = u.seq, hash = u.hash, stamp = u.stamp \
         from {heads} as u(shard, epoch, seq, hash, stamp, before) \
         where s.shard = u.shard and s.seq = u.before returning 1"
    ));
    let entries = b.unnest(&[
        "int2", "int4", "int8", "bytea", "text", "bytea", "uuid", "text", "text", "text", "int2", "int8",
        "int8", "int8", "int2", "int8", "text",
    ]);
    b.part(&format!(
        "insert into journal (shard, epoch, seq, hash, kind, payload, subject, branch, actor, cause, hops, \
         directory_seq, recorded_at, occurred_at, to_shard, pair_seq, traceparent) select * from {entries}"
    ));
}

fn small_tables(b: &mut Builder, parts: &CommitParts) {
    if parts.timers_set {
        let rows = b.unnest(&["int2", "int8", "text", "uuid"]);
        b.part(&format!(
            "insert into timer (shard, due_at, name, id) select * from {rows} \
             on conflict (id, name) do update set due_at = excluded.due_at"
        ));
    }
    if parts.timers_cleared {
        let rows = b.unnest(&["text", "uuid"]);
        b.part(&format!(
            "delete from timer t using {rows} as u(name, id) where t.id = u.id and t.name = u.name"
        ));
    }
    if parts.cursors {
        let rows = b.unnest(&["text", "int2", "int2", "bool", "int4", "int8", "int8", "bytea"]);
        b.part(&format!(
            "insert into cursor (service, from_shard, to_shard, peer, epoch, seq, stream_seq, hash) select * from {rows} \
             on conflict (to_shard, service, from_shard, peer) \
             do update set epoch = excluded.epoch, seq = excluded.seq, stream_seq = excluded.stream_seq, hash = excluded.hash"
        ));
    }
    if parts.pairs {
        let rows = b.unnest(&["int2", "int2", "int8"]);
        b.part(&format!(
            "insert into pair (from_shard, to_shard, seq) select * from {rows} \
             on conflict (from_shard, to_shard) do update set seq = excluded.seq"
        ));
    }
    if parts.replies {
        let rows = b.unnest(&["uuid", "text", "int2", "bytea", "bytea", "int4", "int8"]);
        b.part(&format!(
            "insert into reply (request, caller, shard, content, reply, epoch, seq) select * from {rows}"
        ));
    }
    if parts.directory {
        let rows = b.unnest(&["int8", "text", "bytea", "int8"]);
        b.part(&format!(
            "insert into directory_entry (seq, kind, payload, recorded_at) select * from {rows} on conflict do nothing"
        ));
    }
    aside::parts(b, parts.aside);
    if parts.published {
        let rows = b.unnest(&["int2", "int8"]);
        // The mark has a part of its own, so it never touches a row that the heads' part touches:
        // the batch leaves out marks of shards that it writes.
        b.part(&format!(
            "update shard s set published = u.seq from {rows} as u(shard, seq) where s.shard = u.shard and s.published < u.seq"
        ));
    }
    if parts.rewindings {
        let rows = b.unnest(&[
            "text", "int2", "int2", "bool", "bool", "int4", "int8", "int4", "int8", "int4", "int8",
        ]);
        b.part(&format!(
            "insert into rewinding (service, shard, reader, peer, own, epoch, seq, from_epoch, from_seq, to_epoch, to_seq) \
             select * from {rows} on conflict do nothing"
        ));
    }
}

fn put(b: &mut Builder, table: &Table) {
    let mut types = vec!["uuid", "int2", "bytea"];
    types.extend(table.columns.iter().map(array_type));
    let rows = b.unnest(&types);
    let mut names = vec!["id".to_owned(), "shard".to_owned(), "body".to_owned()];
    names.extend(table.columns.iter().map(|column| column.name.to_owned()));
    let values: Vec<String> = ["u.id".to_owned(), "u.shard".to_owned(), "u.body".to_owned()]
        .into_iter()
        .chain(table.columns.iter().map(from_array))
        .collect();
    let updates: Vec<String> = names.iter().skip(2).map(|name| format!("{name} = excluded.{name}")).collect();
    b.part(&format!(
        "insert into {} ({}) select {} from {rows} as u({}) on conflict (id) do update set {}",
        table.name,
        names.join(", "),
        values.join(", "),
        names.join(", "),
        updates.join(", ")
    ));
}

/// How a column's values travel: arrays of arrays do not unnest, and instants
/// stay exact as integers.
fn array_type(column: &Column) -> &'static str {
    match column.kind {
        ColumnKind::Text | ColumnKind::Words => "text",
        ColumnKind::Int | ColumnKind::Time => "int8",
        ColumnKind::Bool => "bool",
    }
}

fn from_array(column: &Column) -> String {
    match column.kind {
        ColumnKind::Text | ColumnKind::Int | ColumnKind::Bool => format!("u.{}", column.name),
        ColumnKind::Words => format!("string_to_array(u.{}, ' ')", column.name),
        ColumnKind::Time => format!("'epoch'::timestamptz + u.{} * interval '1 microsecond'", column.name),
    }
}

/// The load for rows of these tables, and for remembered replies.
pub fn load(tables: &[&'static Table], wanted: &[usize], requests: bool) -> String {
    let mut sql = String::from(
        "select -1 as part, null::uuid as id, null::bytea as body, null::text as caller, null::bytea as content, \
         null::int4 as epoch, (extract(epoch from clock_timestamp()) * 1000000)::int8 as seq, null::int2 as shard",
    );
    let mut next = 1;
    for table in wanted {
        write!(
            sql,
            "\nunion all select {table}, id, body, null, null, null, null, null from {} where id = any(${next}::uuid[])",
            tables[*table].name
        )
        .expect("writing to a string");
        next += 1;
    }
    if requests {
        write!(
            sql,
            "\nunion all select -2, r.request, r.reply, r.caller, r.content, r.epoch, r.seq, r.shard \
             from unnest(${}::uuid[], ${}::text[]) as u(request, caller) join reply r using (request, caller)",
            next,
            next + 1
        )
        .expect("writing to a string");
    }
    sql
}
