//! Photos, recordings, papers, signatures: sealed, in an object store; a case
//! knows of each its place and digest. What was sent is proved by a receipt
//! that only this console can write, so nobody names another case's file.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, Query},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use object_store::{ObjectStoreExt, PutPayload, path::Path as Place};
use proto::dispatch::v1::{GetWorkRequest, Proof};
use serde::{Deserialize, Serialize};
use tonic::Status;

use crate::{
    clock,
    forms::{Posted, Received},
    server::Console,
    trouble::Trouble,
    visitor::Visitor,
};

const LARGEST: usize = 20 * 1024 * 1024;
const PREFIX: &str = "attachment:";
const RECEIPT: &str = "receipt";
const KINDS: [&str; 4] = ["photo", "signature", "recording", "document"];

pub fn routes() -> Router<Arc<Console>> {
    Router::new()
        .route("/tickets/{id}/attachments", post(take).layer(DefaultBodyLimit::max(LARGEST)))
        .route("/tickets/{id}/attachments/{name}", post(give))
}

#[derive(Deserialize)]
struct Wanted {
    kind: String,
}

/// What a form carries instead of the file.
#[derive(Serialize, Deserialize)]
struct Receipt {
    ticket: String,
    person: String,
    kind: String,
    name: String,
    digest: [u8; 32],
}

#[derive(Serialize)]
struct Sent {
    receipt: String,
}

/// Takes a file for a case that its sender may see.
async fn take(
    visitor: Visitor,
    Path(id): Path<String>,
    Query(wanted): Query<Wanted>,
    body: Bytes,
) -> Result<Response, Trouble> {
    if !KINDS.contains(&wanted.kind.as_str()) || body.is_empty() {
        let words = visitor.say("文件为空或种类不明。", "The file is empty or of an unknown kind.");
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, words).into_response());
    }
    if kind_of(&body).is_none() {
        let words =
            visitor.say("只接受图片、音频、视频和 PDF。", "Pictures, sound, video and PDF are accepted.");
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, words).into_response());
    }
    let ask = GetWorkRequest { ticket_id: id.clone(), reveal_reason: String::new() };
    visitor.ask()?.dispatch().get_work(ask).await?;
    let receipt = Receipt {
        name: clock::request_id(),
        person: visitor.person().to_owned(),
        digest: *blake3::hash(&body).as_bytes(),
        kind: wanted.kind,
        ticket: id,
    };
    let console = &visitor.console;
    let name = format!("{}/{}", receipt.ticket, receipt.name);
    let sealed = console.attachments.close(&name, &body);
    let (Some(sealed), Some(written)) = (sealed, console.attachments.write(RECEIPT, &receipt)) else {
        return Err(Status::internal("sealing failed").into());
    };
    let kept = console.store.put(&Place::from(name.as_str()), PutPayload::from(sealed)).await;
    kept.map_err(|error| {
        tracing::error!(%error, "an attachment could not be kept");
        Status::unavailable("the store of attachments does not answer")
    })?;
    let sent = serde_json::to_string(&Sent { receipt: written });
    let sent = sent.map_err(|_| Status::internal("a receipt could not be written"))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], sent).into_response())
}

/// The proofs of a step's form.
#[allow(clippy::result_large_err, reason = "tonic's status is what handlers return")]
pub fn proofs(visitor: &Visitor, ticket: &str, posted: &Posted) -> Result<Vec<Proof>, Status> {
    let read = |text: &str| {
        let receipt: Option<Receipt> = visitor.console.attachments.read(RECEIPT, text);
        let own = receipt.filter(|receipt| receipt.ticket == ticket && receipt.person == visitor.person());
        own.ok_or_else(|| {
            Status::invalid_argument(
                visitor
                    .say("附件的凭据无效，请重新上传。", "A receipt is not valid; send the file again.")
                    .to_owned(),
            )
        })
    };
    let proof = |receipt: Receipt| Proof {
        kind: receipt.kind,
        reference: format!("{PREFIX}{}", receipt.name),
        digest: receipt.digest.to_vec(),
    };
    posted.all("proof").map(|text| read(text).map(proof)).collect()
}

/// Where a proof is looked at; empty for one that is kept elsewhere.
pub fn link(ticket: &str, reference: &str) -> String {
    let name = reference.strip_prefix(PREFIX);
    name.map(|name| format!("/tickets/{ticket}/attachments/{name}")).unwrap_or_default()
}

/// Hands a file to who may see the work and gives a reason; the work's owner keeps it on record.
async fn give(
    visitor: Visitor,
    Path((id, name)): Path<(String, String)>,
    form: Received,
) -> Result<Response, Trouble> {
    let posted = Posted::from(form);
    let reason = posted.get("reason").to_owned();
    if reason.is_empty() {
        return Err(Status::permission_denied("a reason is needed").into());
    }
    let ask = GetWorkRequest { ticket_id: id.clone(), reveal_reason: reason };
    let work = visitor.ask()?.dispatch().get_work(ask).await?.into_inner().work.ok_or(Trouble::Missing)?;
    let reference = format!("{PREFIX}{name}");
    let proofs = work.steps.iter().flat_map(|step| &step.proofs);
    let proof = proofs.into_iter().find(|proof| proof.reference == reference).ok_or(Trouble::Missing)?;
    let place = format!("{id}/{name}");
    let sealed =
        visitor.console.store.get(&Place::from(place.as_str())).await.map_err(|_| Trouble::Missing)?;
    let sealed = sealed.bytes().await.map_err(|_| Trouble::Missing)?;
    let clear = visitor.console.attachments.open(&place, &sealed).ok_or(Trouble::Missing)?;
    if blake3::hash(&clear).as_bytes().as_slice() != proof.digest {
        tracing::error!(%reference, "an attachment is not what was proved with it");
        return Err(Status::data_loss("the file is not the one that was sent").into());
    }
    let kind = kind_of(&clear).unwrap_or("application/octet-stream");
    let mut response = clear.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    let shown = if kind.starts_with("image/") { "inline" } else { "attachment" };
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static(shown));
    Ok(response)
}

/// By its first bytes: what the sender calls it is no proof. No format that a browser would run.
fn kind_of(bytes: &[u8]) -> Option<&'static str> {
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    let inside = |place: usize, magic: &[u8]| bytes.get(place..).is_some_and(|rest| rest.starts_with(magic));
    Some(match () {
        () if starts(b"\x89PNG\r\n\x1a\n") => "image/png",
        () if starts(b"\xff\xd8\xff") => "image/jpeg",
        () if starts(b"GIF8") => "image/gif",
        () if starts(b"RIFF") && inside(8, b"WEBP") => "image/webp",
        () if starts(b"RIFF") && inside(8, b"WAVE") => "audio/wav",
        () if starts(b"%PDF-") => "application/pdf",
        () if starts(b"ID3") || starts(b"\xff\xfb") => "audio/mpeg",
        () if starts(b"OggS") => "audio/ogg",
        () if starts(b"\x1a\x45\xdf\xa3") => "video/webm",
        () if inside(4, b"ftyp") => "video/mp4",
        () => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_bytes_say() {
        assert_eq!(kind_of(b"\x89PNG\r\n\x1a\n...."), Some("image/png"));
        assert_eq!(kind_of(b"RIFF....WEBPVP8 "), Some("image/webp"));
        assert_eq!(kind_of(b"....ftypisom"), Some("video/mp4"));
        for run in [&b"<svg onload=alert(1)>"[..], b"<html>", b"MZ", b""] {
            assert_eq!(kind_of(run), None);
        }
    }

    #[test]
    fn only_what_is_kept_here_has_a_link() {
        assert_eq!(link("T", "attachment:7"), "/tickets/T/attachments/7");
        assert_eq!(link("T", "file:///etc/passwd"), "");
    }
}
