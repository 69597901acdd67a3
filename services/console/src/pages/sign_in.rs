//! The door: a person's code and password, once; then a cookie.

use std::{net::SocketAddr, sync::Arc, time::Instant};

use askama::Template;
use axum::{
    Form,
    extract::{ConnectInfo, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proto::{
    Time,
    directory::v1::{EndSessionRequest, SignInRequest},
};
use serde::Deserialize;
use tonic::Code;

use crate::{
    clock,
    forms::inside,
    frame::Frame,
    language::{self, Tongue},
    server::Console,
    session::{self, Session, cookie},
    visitor::grants_of,
};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct Page {
    f: Frame,
    to: String,
    person: String,
    wrong: String,
    /// Whether passwords open this door.
    local: bool,
    /// The way to the identity provider, if there is one.
    provider: String,
}

#[derive(Deserialize)]
pub struct Wish {
    #[serde(default)]
    pub to: String,
}

#[derive(Deserialize)]
pub struct Entry {
    #[serde(default)]
    person: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    to: String,
}

pub async fn page(
    State(console): State<Arc<Console>>,
    Query(wish): Query<Wish>,
    headers: HeaderMap,
) -> Response {
    let tongue = Tongue::of(&headers);
    show(&console, tongue, &wish.to, "", String::new(), StatusCode::OK)
}

pub fn show(
    console: &Console,
    tongue: Tongue,
    to: &str,
    person: &str,
    wrong: String,
    code: StatusCode,
) -> Response {
    let to = inside(to).unwrap_or("/").to_owned();
    let path = format!("/sign-in?to={}", utf8_percent_encode(&to, NON_ALPHANUMERIC));
    let provider = console.provider.as_ref().map(|_| path.replacen("/sign-in", "/sign-in/provider", 1));
    let page = Page {
        f: Frame::door(tongue, path),
        to,
        person: person.to_owned(),
        wrong,
        local: console.config.identity.local_accounts,
        provider: provider.unwrap_or_default(),
    };
    match page.render() {
        Ok(text) => (code, Html(text)).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

pub async fn enter(
    State(console): State<Arc<Console>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Form(entry): Form<Entry>,
) -> Response {
    let tongue = Tongue::of(&headers);
    let again = |wrong: &str, code| show(&console, tongue, &entry.to, &entry.person, wrong.to_owned(), code);
    if console.throttle.is_shut(from.ip(), Instant::now()) {
        let words = tongue.say(
            "从此处登录失败次数过多，请五分钟后再试。",
            "Too many failures from this place; try again in five minutes.",
        );
        return again(words, StatusCode::TOO_MANY_REQUESTS);
    }
    let person = entry.person.trim().to_owned();
    let ask = SignInRequest { person: person.clone(), password: entry.password.clone() };
    let signed = match console.peers.door().sign_in(ask).await {
        Ok(signed) => signed.into_inner(),
        Err(status) => {
            let (words, code) = match status.code() {
                Code::Unauthenticated => {
                    console.throttle.failed(from.ip(), Instant::now());
                    let words = tongue.say("工号或密码不正确。", "The code or the password is wrong.");
                    (words.to_owned(), StatusCode::UNPROCESSABLE_ENTITY)
                }
                Code::PermissionDenied => (said(&status, tongue), StatusCode::FORBIDDEN),
                Code::ResourceExhausted => (said(&status, tongue), StatusCode::TOO_MANY_REQUESTS),
                _ => {
                    let words = tongue.say(
                        "登录服务暂时没有回答，请稍后再试。",
                        "Signing in is not possible just now; try again shortly.",
                    );
                    (words.to_owned(), StatusCode::SERVICE_UNAVAILABLE)
                }
            };
            return again(&words, code);
        }
    };
    let_in(&console, &person, signed.token, Time(signed.expires_at), &entry.to)
}

/// A session of its own, whatever cookie came along: there is nothing to fix beforehand.
pub fn let_in(console: &Console, person: &str, token: String, until: Time, to: &str) -> Response {
    let grants = grants_of(&console.directory.known(), person);
    let session = Session::begin(person, token, until, grants, clock::real_now());
    let Some(sealed) = console.cookies.write(session::COOKIE, &session) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = Redirect::to(inside(to).unwrap_or("/")).into_response();
    cookie::set(response.headers_mut(), session::COOKIE, &sealed, 0);
    response
}

pub fn said(status: &tonic::Status, tongue: Tongue) -> String {
    use tonic_types::StatusExt;
    let about = status.get_details_error_info();
    let words = about.and_then(|info| info.metadata.get(tongue.say("zh", "en")).cloned());
    words.unwrap_or_else(|| status.message().to_owned())
}

pub async fn leave(State(console): State<Arc<Console>>, headers: HeaderMap) -> Response {
    let sealed = cookie::read(&headers, session::COOKIE);
    let session: Option<Session> = sealed.and_then(|sealed| console.cookies.read(session::COOKIE, &sealed));
    if let Some(session) = session {
        let until = session.signed_in_at.plus(console.longest_session());
        console.ended.end(&session.id, until, clock::real_now());
        console.confirmed.forget(&session.id);
        end_everywhere(&console, &session, Tongue::of(&headers)).await;
    }
    let mut response = Redirect::to("/sign-in").into_response();
    cookie::forget(response.headers_mut(), session::COOKIE);
    // Nothing of this person stays in the browser.
    response.headers_mut().insert(
        header::HeaderName::from_static("clear-site-data"),
        header::HeaderValue::from_static("\"cache\", \"storage\""),
    );
    response
}

/// The directory remembers it for every replica. A token that has ended needs no ending.
async fn end_everywhere(console: &Console, session: &Session, tongue: Tongue) {
    let Ok(asker) = console.peers.with(&session.token, tongue) else { return };
    let ask = EndSessionRequest { request_id: clock::request_id(), everywhere: false };
    if let Err(status) = asker.directory().end_session(ask).await
        && status.code() != Code::Unauthenticated
    {
        tracing::warn!(code = %status.code(), "a signing out is known to this replica only, until its token ends");
    }
}

#[derive(Deserialize)]
pub struct Choice {
    to: String,
    #[serde(default)]
    back: String,
}

pub async fn choose_language(Form(choice): Form<Choice>) -> Response {
    let mut response = Redirect::to(inside(&choice.back).unwrap_or("/")).into_response();
    let language = if choice.to == "en" { "en" } else { "zh" };
    cookie::set(response.headers_mut(), language::COOKIE, language, 365 * 24 * 3600);
    response
}
