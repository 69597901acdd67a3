//! gRPC at the edge: who calls, under which request id, and how a refusal is said.

use std::{sync::Arc, time::Duration};

use chassis_core::{Actor, Ask, Refusal, RefusalKind, store::RequestKey};
use proto::{
    Id, Time,
    envelope::{POSITION, Position, TRACEPARENT},
};
use tonic::{Code, Request, Response, Status, metadata::MetadataMap};
use tonic_types::{ErrorDetails, StatusExt};

use organisation::Snapshot;

use crate::{
    identity::{Session, Verifier},
    vault::MasterKey,
};

/// Accepted requests are remembered this long; older ids are refused.
const REMEMBERED: i64 = 72 * Time::HOUR;
/// A grant for the whole organisation.
const EVERYWHERE: &str = "*";
/// How far a caller's clock may run ahead.
const AHEAD: i64 = 10 * Time::MINUTE;

/// What the server layer lends to every request.
#[derive(Clone)]
pub struct Desk {
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) master: Arc<MasterKey>,
    /// `None` until the database has answered for the first time.
    pub(crate) real_now: Arc<dyn Fn() -> Option<Time> + Send + Sync>,
}

/// Whoever called, checked.
#[derive(Clone)]
pub struct Caller {
    actor: Actor,
    session: Option<Session>,
    zh: bool,
    traceparent: String,
    desk: Desk,
}

impl Caller {
    /// Checks the token of a request.
    #[allow(clippy::result_large_err, reason = "tonic's status is what handlers return")]
    pub fn of<T>(request: &Request<T>) -> Result<Caller, Status> {
        let desk = request
            .extensions()
            .get::<Desk>()
            .cloned()
            .ok_or_else(|| Status::internal("the server layer is missing"))?;
        let metadata = request.metadata();
        let token = text(metadata, "authorization")
            .and_then(|value| value.strip_prefix("Bearer ").or_else(|| value.strip_prefix("bearer ")))
            .ok_or_else(|| Status::unauthenticated("no token: send `authorization: Bearer <token>`"))?;
        let (actor, session) = desk.verifier.check_with_session(token).map_err(|error| {
            tracing::debug!(%error, "a token was refused");
            Status::unauthenticated("the token is not valid or has expired; sign in again")
        })?;
        let zh = text(metadata, "accept-language").is_none_or(|language| !language.starts_with("en"));
        let traceparent = crate::telemetry::traceparent(text(metadata, TRACEPARENT));
        Ok(Caller { actor, session, zh, traceparent, desk })
    }

    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// What the token was signed in by; tools have none.
    pub fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// Chinese unless `accept-language` begins with `en`.
    pub fn wants_chinese(&self) -> bool {
        self.zh
    }

    /// The request id with a keyed hash of the plain message, so that a
    /// repeated request is told from a changed one.
    #[allow(clippy::result_large_err, reason = "tonic's status is what handlers return")]
    pub fn ask(&self, request_id: &str, message: &impl prost::Message) -> Result<Ask, Status> {
        let id = self.request_id(request_id).map_err(|refusal| self.status(refusal))?;
        Ok(Ask {
            request: RequestKey { caller: self.actor.code(), id },
            content: self.desk.master.content_hash(&message.encode_to_vec()),
            actor: self.actor.clone(),
            traceparent: self.traceparent.clone(),
        })
    }

    fn request_id(&self, text: &str) -> Result<Id, Refusal> {
        let bad = |zh: &str, en: &str| Refusal::field("request_id", zh, en);
        let id: Id = text.parse().map_err(|_| {
            bad("请求号须为 UUIDv7（由调用方生成）。", "must be a UUIDv7, made by the caller")
        })?;
        if id.uuid().get_version_num() != 7 {
            return Err(bad("请求号须为 UUIDv7。", "must be a UUIDv7"));
        }
        let bytes = id.uuid().into_bytes();
        let millis = u64::from_be_bytes([0, 0, bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5]]);
        let now = (self.desk.real_now)().ok_or_else(|| {
            crate::handle::unavailable(
                "starting",
                "服务正在启动，请稍后重试。",
                "The service is starting; try again.",
            )
        })?;
        let age = now.0.saturating_sub((millis as i64).saturating_mul(1000));
        if age > REMEMBERED {
            return Err(bad(
                "请求号已超过 72 小时，不再受理：可能早已执行。请先查询，再用新的请求号。",
                "older than 72 hours: it may have been carried out long ago. Look first, then use a new id",
            ));
        }
        if age < -AHEAD {
            return Err(bad(
                "请求号的时间在未来，请校准时钟。",
                "dated in the future: check the caller's clock",
            ));
        }
        Ok(id)
    }

    /// A refusal as a status, in the caller's language.
    pub fn status(&self, refusal: Refusal) -> Status {
        status_in(refusal, self.zh)
    }
}

/// A body above the limit is turned away by the decoder, whose words are for programmers: said again for people, in
/// both languages, for the request that named one was not read.
pub(crate) fn too_large(response: http::Response<tonic::body::Body>) -> http::Response<tonic::body::Body> {
    let by_decoder = Status::from_header_map(response.headers()).is_some_and(|status| {
        status.code() == Code::OutOfRange && status.message().contains("decoded message length too large")
    });
    if !by_decoder {
        return response;
    }
    let (zh, en) = (
        "请求过大，没有读取，也没有改变任何内容。请缩短内容；文件请另行存放，只填写其位置。",
        "The request is too large: it was not read and nothing was changed. Shorten it; files are kept elsewhere and only \
         named here.",
    );
    let said = Refusal::new(RefusalKind::Invalid, "too-large", format!("{zh} / {en}"), en);
    status_in(said, true).into_http()
}

/// A refusal as a status, in Chinese.
pub fn status(refusal: Refusal) -> Status {
    status_in(refusal, true)
}

fn status_in(refusal: Refusal, zh: bool) -> Status {
    let code = match refusal.kind {
        RefusalKind::Invalid => Code::InvalidArgument,
        RefusalKind::NotFound => Code::NotFound,
        RefusalKind::Precondition => Code::FailedPrecondition,
        RefusalKind::Aborted => Code::Aborted,
        RefusalKind::Denied => Code::PermissionDenied,
        RefusalKind::AlreadyExists => Code::AlreadyExists,
        RefusalKind::Exhausted => Code::ResourceExhausted,
        RefusalKind::Unavailable => Code::Unavailable,
        RefusalKind::Internal => Code::Internal,
    };
    let mut details = ErrorDetails::new();
    for violation in &refusal.violations {
        details.add_bad_request_violation(&violation.field, if zh { &violation.zh } else { &violation.en });
    }
    if code == Code::FailedPrecondition {
        details.add_precondition_failure_violation(&refusal.gate, "case", &refusal.en);
    }
    let mut about = std::collections::HashMap::from([("gate".to_owned(), refusal.gate.clone())]);
    about.extend(refusal.rule.clone().map(|rule| ("rule".to_owned(), rule)));
    about.insert("zh".to_owned(), refusal.zh.clone());
    about.insert("en".to_owned(), refusal.en.clone());
    details.set_error_info(&refusal.gate, "hotline", about);
    if let Some(delay) = refusal.retry_after_ms {
        details.set_retry_info(Some(Duration::from_millis(delay.into())));
    }
    let message = if zh { refusal.zh } else { refusal.en };
    Status::with_error_details(code, message, details)
}

/// A response with the command's position, so that the caller can read his own write.
pub fn answer<R>(response: R, at: Position) -> Response<R> {
    let mut response = Response::new(response);
    if let Ok(value) = at.to_string().parse() {
        response.metadata_mut().insert(POSITION, value);
    }
    response
}

/// An id out of a message.
pub fn parse_id(field: &str, text: &str) -> Result<Id, Refusal> {
    text.parse().map_err(|_| Refusal::field(field, "不是有效的编号。", "is not an id of ours"))
}

/// For services that are called by services only.
#[allow(clippy::result_large_err, reason = "tonic's status is what handlers return")]
pub fn require_role(caller: &Caller, roles: &[&str]) -> Result<(), Status> {
    if roles.iter().any(|role| caller.actor().has_role(role)) {
        return Ok(());
    }
    Err(caller.status(Refusal::denied(
        "role",
        "您没有执行此操作的权限。",
        "You do not hold a role that may do this.",
    )))
}

/// For what concerns everybody's cases: a role at the root of the organisation.
#[allow(clippy::result_large_err, reason = "tonic's status is what handlers return")]
pub fn require_role_at_root(caller: &Caller, roles: &[&str], directory: &Snapshot) -> Result<(), Status> {
    let is_root =
        |code: &str| code == EVERYWHERE || directory.node(code).is_some_and(|node| node.parent.is_none());
    let grants = caller.actor().grants();
    if grants.iter().any(|grant| roles.contains(&grant.role.as_str()) && is_root(&grant.node)) {
        return Ok(());
    }
    Err(caller.status(Refusal::denied(
        "not-administrator",
        "只有集团层级的管理员可以执行此操作；没有任何改动。",
        "Only an administrator of the whole group may do this; nothing was changed.",
    )))
}

fn text<'a>(metadata: &'a MetadataMap, key: &str) -> Option<&'a str> {
    metadata.get(key)?.to_str().ok()
}
