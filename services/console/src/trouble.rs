//! When something cannot be shown or done: said in the reader's language, with
//! what he can do about it.

use askama::Template;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::{frame::Frame, language::Tongue, visitor::Visitor};

#[derive(Debug)]
pub enum Trouble {
    Status(Status),
    /// There is no such page or thing.
    Missing,
    Template(askama::Error),
}

impl From<Status> for Trouble {
    fn from(status: Status) -> Self {
        Trouble::Status(status)
    }
}

impl From<askama::Error> for Trouble {
    fn from(error: askama::Error) -> Self {
        Trouble::Template(error)
    }
}

/// What the door makes a page of, once the reader is known.
#[derive(Clone, Debug)]
pub struct Failure {
    code: StatusCode,
    /// Empty: the page's own words.
    said: String,
    gate: String,
    rule: String,
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let failure = match self {
            Trouble::Status(status) => of_status(&status),
            Trouble::Missing => plain(StatusCode::NOT_FOUND),
            Trouble::Template(error) => {
                tracing::error!(%error, "a page could not be written");
                plain(StatusCode::INTERNAL_SERVER_ERROR)
            }
        };
        let mut response = failure.code.into_response();
        response.extensions_mut().insert(failure);
        response
    }
}

fn plain(code: StatusCode) -> Failure {
    Failure { code, said: String::new(), gate: String::new(), rule: String::new() }
}

fn of_status(status: &Status) -> Failure {
    let code = match status.code() {
        Code::InvalidArgument | Code::OutOfRange => StatusCode::UNPROCESSABLE_ENTITY,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::FailedPrecondition | Code::Aborted | Code::AlreadyExists => StatusCode::CONFLICT,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => StatusCode::SERVICE_UNAVAILABLE,
        Code::Ok | Code::Unknown | Code::Unimplemented | Code::Internal | Code::DataLoss => {
            tracing::error!(code = ?status.code(), "a service failed");
            StatusCode::INTERNAL_SERVER_ERROR
        }
    };
    let about = status.get_details_error_info();
    let given =
        |key: &str| about.as_ref().and_then(|info| info.metadata.get(key)).cloned().unwrap_or_default();
    // What the transport says is no sentence for people.
    let said = if about.is_some() { status.message().to_owned() } else { String::new() };
    Failure { code, said, gate: given("gate"), rule: given("rule") }
}

#[derive(Template)]
#[template(path = "trouble.html")]
struct Page {
    f: Frame,
    title: &'static str,
    said: String,
    gate: String,
    rule: String,
}

pub fn page(visitor: &Visitor, failure: Failure) -> Response {
    let (title, usual) = words(visitor, failure.code);
    let said = if failure.said.is_empty() { usual.to_owned() } else { failure.said };
    let mut response = if visitor.wants_fragment {
        (failure.code, said).into_response()
    } else {
        let f = visitor.frame("", title);
        match (Page { f, title, said, gate: failure.gate, rule: failure.rule }).render() {
            Ok(text) => (failure.code, Html(text)).into_response(),
            Err(_) => failure.code.into_response(),
        }
    };
    if failure.code == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("3"));
    }
    response
}

fn words(visitor: &Visitor, code: StatusCode) -> (&'static str, &'static str) {
    let pairs = match code {
        StatusCode::NOT_FOUND => (
            ("没有找到", "Not found"),
            (
                "没有这个页面或工单，或者它不归您查看。",
                "There is no such page or case, or it is not yours to see.",
            ),
        ),
        StatusCode::FORBIDDEN => (
            ("无权查看", "Not yours to see"),
            ("您的角色不能查看此内容。", "Your roles do not let you see this."),
        ),
        StatusCode::UNPROCESSABLE_ENTITY => {
            (("内容不符", "That does not fit"), ("请检查输入的内容。", "Please check what was entered."))
        }
        StatusCode::CONFLICT => (
            ("现在不能这样做", "Not possible now"),
            ("情况已有变化，请刷新后再看。", "Things have moved on; read the page again."),
        ),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => (
            ("暂时无法连接", "Not reachable just now"),
            (
                "服务暂时没有回答，没有任何内容丢失。请稍等几秒再试。",
                "The service does not answer just now; nothing is lost. Try again in a few seconds.",
            ),
        ),
        _ => (
            ("出现故障", "Something went wrong"),
            (
                "这是我们的问题，已记录待查；没有改动任何数据。",
                "The fault is ours and is on record; nothing was changed.",
            ),
        ),
    };
    (visitor.tongue.say(pairs.0.0, pairs.0.1), visitor.tongue.say(pairs.1.0, pairs.1.1))
}

/// What a refusal says for people, and what is wrong with which field.
pub struct Refused {
    pub said: String,
    pub rule: String,
    /// Field path -> what is wrong.
    pub fields: Vec<(String, String)>,
}

/// A choice that was not made, said as its owner would say it.
pub fn missing(field: &str, zh: &str, en: &str, tongue: Tongue) -> Status {
    let words = tongue.say(zh, en);
    let details = ErrorDetails::with_bad_request_violation(field, words);
    Status::with_error_details(Code::InvalidArgument, words, details)
}

impl Refused {
    /// `None`: no refusal but a failure, which is a page of its own.
    pub fn of(status: &Status) -> Option<Refused> {
        let refusal = matches!(
            status.code(),
            Code::InvalidArgument
                | Code::FailedPrecondition
                | Code::Aborted
                | Code::AlreadyExists
                | Code::PermissionDenied
                | Code::ResourceExhausted
        );
        if !refusal {
            return None;
        }
        let fields = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
        let about = status.get_details_error_info();
        let given =
            |key: &str| about.as_ref().and_then(|info| info.metadata.get(key)).cloned().unwrap_or_default();
        Some(Refused {
            said: status.message().to_owned(),
            rule: given("rule"),
            fields: fields.into_iter().map(|one| (one.field, one.description)).collect(),
        })
    }
}
