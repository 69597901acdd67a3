//! Files of the organisation: chosen, previewed, confirmed. The console keeps
//! none of it: the browser sends the same files again to confirm, and the
//! directory refuses them if they would change anything but what was shown.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::{DefaultBodyLimit, Multipart, multipart::MultipartError},
    http::StatusCode,
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use proto::directory::v1::{
    BadRecord, ImportFile, ImportFilesRequest, PreviewFilesRequest, PreviewFilesResponse, RecordChange,
};
use tonic::{Code, Status};

use crate::{
    clock,
    frame::Frame,
    names,
    pages::{Shown, render, written},
    server::Console,
    trouble::{Refused, Trouble},
    visitor::Visitor,
};

/// As much as the directory takes.
const LARGEST: usize = 15 * 1024 * 1024;

pub fn routes() -> Router<Arc<Console>> {
    let post = post(receive).layer(DefaultBodyLimit::max(LARGEST));
    Router::new().route("/directory/import", get(page)).route("/directory/import", post)
}

/// What was sent.
#[derive(Default)]
struct Sent {
    files: Vec<ImportFile>,
    parent: String,
    digest: String,
    request_id: String,
    confirmed: bool,
}

async fn sent(mut form: Multipart) -> Result<Sent, MultipartError> {
    let mut sent = Sent::default();
    while let Some(field) = form.next_field().await? {
        let name = field.name().unwrap_or_default().to_owned();
        if name == "file" {
            let name = field.file_name().unwrap_or_default().to_owned();
            let content = field.bytes().await?.to_vec();
            if !content.is_empty() {
                sent.files.push(ImportFile { name, content });
            }
            continue;
        }
        let text = field.text().await?.trim().to_owned();
        match name.as_str() {
            "parent" => sent.parent = text,
            "digest" => sent.digest = text,
            "request_id" => sent.request_id = text,
            "confirm" => sent.confirmed = text == "yes",
            _ => {}
        }
    }
    Ok(sent)
}

#[derive(Template)]
#[template(path = "import.html")]
struct Page {
    f: Frame,
    result: Below,
}

/// What stands below the form.
#[derive(Template)]
#[template(path = "import_result.html")]
struct Below {
    f: Frame,
    wrong: Vec<String>,
    preview: Option<Preview>,
    done: Option<Done>,
}

struct Preview {
    said: PreviewFilesResponse,
    changes: Vec<Line>,
    bad: Vec<String>,
    warnings: Vec<String>,
    request_id: String,
    more: usize,
}

struct Line {
    code: String,
    place: String,
    sign: &'static str,
    word: &'static str,
    tone: &'static str,
    what: Vec<String>,
}

struct Done {
    nodes: u32,
    persons: u32,
    unchanged: u32,
    bad: Vec<String>,
}

fn title(visitor: &Visitor) -> &str {
    visitor.say("导入组织", "Import the organisation")
}

fn empty(visitor: &Visitor) -> Below {
    let f = visitor.frame("/directory", title(visitor));
    Below { f, wrong: Vec::new(), preview: None, done: None }
}

async fn page(visitor: Visitor) -> Shown {
    let f = visitor.frame("/directory", title(&visitor));
    render(&Page { f, result: empty(&visitor) })
}

async fn receive(visitor: Visitor, form: Multipart) -> Result<Response, Trouble> {
    let mut result = empty(&visitor);
    let sent = match sent(form).await {
        Ok(sent) => sent,
        Err(error) => {
            let words = if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
                visitor.say("文件过大（最多 15 MB）。", "The files are too large (15 MB at most).")
            } else {
                visitor.say("文件没有完整收到，请重试。", "The files did not arrive whole; try again.")
            };
            result.wrong.push(words.to_owned());
            return answer(&visitor, result, None);
        }
    };
    let mut at = None;
    let asked = if sent.confirmed {
        import(&visitor, sent, &mut result, &mut at).await
    } else {
        preview(&visitor, sent, &mut result).await
    };
    if let Err(status) = asked {
        let Some(refused) = Refused::of(&status) else { return Err(status.into()) };
        if status.code() == Code::PermissionDenied {
            return Err(status.into());
        }
        result.wrong = refused.fields.into_iter().map(|(_, words)| words).collect();
        if result.wrong.is_empty() {
            result.wrong.push(refused.said);
        }
    }
    answer(&visitor, result, at)
}

fn answer(
    visitor: &Visitor,
    result: Below,
    at: Option<proto::common::v1::Position>,
) -> Result<Response, Trouble> {
    let code = if result.wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let text = if visitor.wants_fragment {
        result.render()?
    } else {
        Page { f: visitor.frame("/directory", title(visitor)), result }.render()?
    };
    Ok(written((code, Html(text)).into_response(), at))
}

async fn preview(visitor: &Visitor, sent: Sent, result: &mut Below) -> Result<(), Status> {
    let ask = PreviewFilesRequest { files: sent.files, parent: sent.parent };
    let said = asker(visitor)?.directory().max_encoding_message_size(2 * LARGEST).preview_files(ask).await?;
    let said = said.into_inner();
    result.preview = Some(Preview {
        changes: said.changes.iter().map(|change| line(change, visitor)).collect(),
        bad: said.bad.iter().map(|bad| fault(bad, visitor)).collect(),
        warnings: said.warnings.iter().map(|bad| fault(bad, visitor)).collect(),
        request_id: clock::request_id(),
        more: (said.added + said.changed) as usize - said.changes.len(),
        said,
    });
    Ok(())
}

async fn import(
    visitor: &Visitor,
    sent: Sent,
    result: &mut Below,
    at: &mut Option<proto::common::v1::Position>,
) -> Result<(), Status> {
    let ask = ImportFilesRequest {
        request_id: sent.request_id,
        files: sent.files,
        parent: sent.parent,
        digest: sent.digest,
    };
    let said = asker(visitor)?.directory().max_encoding_message_size(2 * LARGEST).import_files(ask).await?;
    let said = said.into_inner();
    *at = said.position;
    result.done = Some(Done {
        nodes: said.nodes,
        persons: said.persons,
        unchanged: said.unchanged,
        bad: said.bad.iter().map(|bad| fault(bad, visitor)).collect(),
    });
    Ok(())
}

fn asker(visitor: &Visitor) -> Result<crate::peers::Asker, Status> {
    visitor.ask().map_err(|_| Status::unauthenticated("the token does not fit a header"))
}

fn fault(bad: &BadRecord, visitor: &Visitor) -> String {
    format!("{} {}: {}", bad.place, field(&bad.field, visitor), visitor.say(&bad.reason_zh, &bad.reason_en))
}

fn field<'f>(name: &'f str, visitor: &Visitor) -> &'f str {
    let (zh, en) = match name {
        "parent" => ("上级", "parent"),
        "level" => ("层级", "level"),
        "name" => ("名称", "name"),
        "calendar" => ("日历", "calendar"),
        "zone" => ("时区", "time zone"),
        "closed" => ("关闭", "closed"),
        "phone" => ("电话", "telephone"),
        "address" => ("地址", "address"),
        "mail" => ("邮箱", "mail"),
        "roles" => ("角色", "roles"),
        "deputy" => ("代理人", "deputy"),
        "absences" => ("缺勤", "absences"),
        "disabled" => ("停用", "disabled"),
        "password" => ("密码", "password"),
        other => return other,
    };
    if visitor.tongue.is_english() { en } else { zh }
}

fn line(change: &RecordChange, visitor: &Visitor) -> Line {
    let (sign, tone, word) = match change.change.as_str() {
        "added" => ("＋", "good", visitor.tongue.say("新增", "added")),
        "ended" => ("✕", "late", visitor.tongue.say("关闭或停用", "closed or disabled")),
        _ => ("±", "soon", visitor.tongue.say("修改", "changed")),
    };
    let what = change.fields.iter().map(|one| {
        let name = field(&one.field, visitor);
        let shown = |text: &str| match (one.field.as_str(), text) {
            (_, "") => "—".to_owned(),
            ("level", level) => names::level(level, visitor.tongue),
            (_, "yes") => visitor.say("是", "yes").to_owned(),
            (_, text) => text.to_owned(),
        };
        if one.sealed {
            format!("{name}: {}", visitor.say("（封存，不显示）", "(sealed, not shown)"))
        } else if change.change == "added" {
            format!("{name}: {}", shown(&one.after))
        } else {
            format!("{name}: {} → {}", shown(&one.before), shown(&one.after))
        }
    });
    Line { code: change.code.clone(), place: change.place.clone(), sign, word, tone, what: what.collect() }
}
