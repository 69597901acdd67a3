//! Files of an organisation: what they would change, and then the change that
//! was seen. Files are read here, so that every client reads them alike.

use std::collections::BTreeMap;

use chassis::handle::{decode, store_failed};
use chassis_core::{Aggregate, Refusal};
use directory_core::{Catalogue, How, Import, NodeRow, PersonRow, Preview, preview};
use proto::directory::v1::{self as said, ImportFile, ImportRecordsRequest};

use sqlx::PgPool;

use crate::{
    files::{self, Reading},
    records::{Prepared, Preparer},
};

/// Changes that are listed; the counts are of all.
const LISTED: usize = 1_000;

/// Rows of these codes.
pub const NODES_BY_CODE: &str = "select code, body from node where code = any($1)";
pub const PERSONS_BY_CODE: &str = "select code, body from person where code = any($1)";

/// All files as one.
pub fn read(named: &[ImportFile], parent: &str) -> Result<Reading, Refusal> {
    let mut whole = Reading::default();
    if named.is_empty() {
        return Err(Refusal::field("files", "请选择文件。", "choose a file"));
    }
    for file in named {
        let reading = files::read(&file.name, &file.content, parent)
            .map_err(|error| Refusal::field("files", error.zh(), error.to_string()))?;
        whole.nodes.extend(reading.nodes);
        whole.persons.extend(reading.persons);
        whole.bad.extend(reading.bad);
        whole.warnings.extend(reading.warnings);
    }
    Ok(whole)
}

/// What was read, made a command; rows that did not fit are in its `bad`.
pub async fn prepare(preparer: &Preparer<'_>, reading: &Reading) -> Result<Prepared, Refusal> {
    let request = ImportRecordsRequest {
        request_id: String::new(),
        nodes: reading.nodes.clone(),
        persons: reading.persons.clone(),
    };
    preparer.prepare(request).await
}

/// What it would change, as the directory stands now.
pub async fn changes(preparer: &Preparer<'_>, import: &Import) -> Result<Preview, Refusal> {
    let pool = preparer.handle.reads();
    let catalogue = preparer.handle.load::<Catalogue>(Catalogue::key()).await?.unwrap_or_default();
    let codes = import.nodes.iter().map(|node| node.code.clone()).collect();
    let nodes: BTreeMap<String, NodeRow> = rows(pool, NODES_BY_CODE, codes).await?;
    let codes = import.persons.iter().map(|person| person.code.clone()).collect();
    let persons: BTreeMap<String, PersonRow> = rows(pool, PERSONS_BY_CODE, codes).await?;
    Ok(preview(import, &catalogue, &nodes, &persons))
}

async fn rows<T: Aggregate>(
    pool: &PgPool,
    sql: &'static str,
    codes: Vec<String>,
) -> Result<BTreeMap<String, T>, Refusal> {
    let found: Vec<(String, Vec<u8>)> =
        sqlx::query_as(sql).bind(codes).fetch_all(pool).await.map_err(|error| store_failed(&error))?;
    found.into_iter().map(|(code, body)| Ok((code, decode(&body)?))).collect()
}

/// As the contract says it.
pub fn shown(reading: Reading, prepared: Prepared, preview: Preview) -> said::PreviewFilesResponse {
    let digest = preview.digest();
    let count = |how: How| preview.changes.iter().filter(|change| change.how == how).count() as u32;
    let said = |bad: directory_core::BadRecord| said::BadRecord {
        place: bad.place,
        field: bad.field,
        reason_zh: bad.zh,
        reason_en: bad.en,
    };
    let left_out = prepared.bad.into_iter().chain(preview.bad.clone()).map(said);
    said::PreviewFilesResponse {
        added: count(How::Added),
        changed: count(How::Changed) + count(How::Ended),
        ended: count(How::Ended),
        unchanged: preview.unchanged as u32,
        not_mentioned: preview.not_mentioned as u32,
        bad: reading.bad.into_iter().chain(left_out).collect(),
        warnings: reading.warnings,
        changes: preview.changes.into_iter().take(LISTED).map(change).collect(),
        digest,
    }
}

fn change(change: directory_core::Change) -> said::RecordChange {
    let field = |field: directory_core::FieldChange| said::FieldChange {
        field: field.field.to_owned(),
        before: if field.sealed { String::new() } else { field.before },
        after: if field.sealed { String::new() } else { field.after },
        sealed: field.sealed,
    };
    said::RecordChange {
        kind: change.kind.to_owned(),
        code: change.code,
        place: change.place,
        change: change.how.as_str().to_owned(),
        fields: change.fields.into_iter().map(field).collect(),
    }
}
