//! Signing in with the identity provider: out to it, and back with its answer.

use std::sync::Arc;

use axum::{
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use proto::{Time, directory::v1::SignInVouchedRequest};
use serde::Deserialize;
use tonic::Code;

use crate::{
    clock,
    forms::inside,
    language::Tongue,
    pages::sign_in::{Wish, let_in, said, show},
    provider::{NotVouched, Pending, Provider, UNDER_WAY},
    server::Console,
    session::cookie,
};

/// What a sign-in under way remembers.
const COOKIE: &str = "__Host-sign-in";

pub async fn begin(
    State(console): State<Arc<Console>>,
    Query(wish): Query<Wish>,
    headers: HeaderMap,
) -> Response {
    let tongue = Tongue::of(&headers);
    let Some(provider) = &console.provider else { return StatusCode::NOT_FOUND.into_response() };
    let to = inside(&wish.to).unwrap_or("/");
    let begun = provider.begin(to, clock::real_now()).await;
    let (address, pending) = match begun {
        Ok(begun) => begun,
        Err(error) => return not_vouched(&console, tongue, to, &error),
    };
    let Some(sealed) = console.cookies.write(COOKIE, &pending) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = Redirect::to(&address).into_response();
    cookie::set(response.headers_mut(), COOKIE, &sealed, (UNDER_WAY / Time::SECOND) as u32);
    response
}

#[derive(Deserialize)]
pub struct Answer {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    error: String,
}

/// Whatever comes of it, the sign-in that was under way is over.
pub async fn answer(
    State(console): State<Arc<Console>>,
    Query(answer): Query<Answer>,
    headers: HeaderMap,
) -> Response {
    let tongue = Tongue::of(&headers);
    let Some(provider) = &console.provider else { return StatusCode::NOT_FOUND.into_response() };
    let sealed = cookie::read(&headers, COOKIE);
    let pending = sealed.and_then(|sealed| console.cookies.read::<Pending>(COOKIE, &sealed));
    let mut response = match ours(&console, pending, &answer) {
        Some(pending) => vouched(&console, provider, tongue, answer, pending).await,
        None => {
            let words = tongue.say(
                "这次登录已过期，或不是从这个浏览器开始的。请重新登录。",
                "This sign-in has expired, or was not begun in this browser. Sign in again.",
            );
            show(&console, tongue, "/", "", words.to_owned(), StatusCode::BAD_REQUEST)
        }
    };
    cookie::forget(response.headers_mut(), COOKIE);
    response
}

/// The sign-in that this browser began, if it is that one, in time, and the first answer to it.
fn ours(console: &Console, pending: Option<Pending>, answer: &Answer) -> Option<Pending> {
    let now = clock::real_now();
    let pending = pending.filter(|pending| now < pending.until && pending.state == answer.state)?;
    console.ended.end(&format!("state {}", pending.state), pending.until, now).then_some(pending)
}

async fn vouched(
    console: &Console,
    provider: &Provider,
    tongue: Tongue,
    answer: Answer,
    pending: Pending,
) -> Response {
    let to = pending.to.clone();
    if !answer.error.is_empty() {
        tracing::info!(error = %code(&answer.error), "the identity provider vouched for nobody");
        let words = format!(
            "{} ({})",
            tongue.say("身份提供方没有确认您的身份。", "The identity provider did not vouch for you."),
            code(&answer.error)
        );
        return show(console, tongue, &to, "", words, StatusCode::FORBIDDEN);
    }
    let person = match provider.vouched(answer.code, pending).await {
        Ok(person) => person,
        Err(error) => return not_vouched(console, tongue, &to, &error),
    };
    let asked = match console.peers.own_directory() {
        Ok(mut directory) => directory.sign_in_vouched(SignInVouchedRequest { person: person.clone() }).await,
        Err(status) => Err(status),
    };
    match asked {
        Ok(signed) => {
            let signed = signed.into_inner();
            let_in(console, &person, signed.token, Time(signed.expires_at), &to)
        }
        Err(status) => refused(console, tongue, &to, &person, &status),
    }
}

/// The provider knows him, and the directory does not let him in.
fn refused(console: &Console, tongue: Tongue, to: &str, person: &str, status: &tonic::Status) -> Response {
    let (words, code) = match status.code() {
        Code::Unauthenticated => (
            format!(
                "{} {person}",
                tongue.say(
                    "身份已确认，但组织名册中没有此工号，或已停用。请联系管理员。工号：",
                    "It is you, but the organisation has no such person, or he is disabled. Ask an administrator. Code:",
                )
            ),
            StatusCode::FORBIDDEN,
        ),
        Code::PermissionDenied => (said(status, tongue), StatusCode::FORBIDDEN),
        _ => {
            let words = tongue.say(
                "登录服务暂时没有回答，请稍后再试。",
                "Signing in is not possible just now; try again shortly.",
            );
            (words.to_owned(), StatusCode::SERVICE_UNAVAILABLE)
        }
    };
    show(console, tongue, to, "", words, code)
}

fn not_vouched(console: &Console, tongue: Tongue, to: &str, error: &NotVouched) -> Response {
    tracing::warn!(%error, "nobody was vouched for");
    let (zh, en, code) = match error {
        NotVouched::Away(_) => (
            "身份提供方没有回答，请稍后再试。",
            "The identity provider does not answer; try again shortly.",
            StatusCode::SERVICE_UNAVAILABLE,
        ),
        NotVouched::Code(_) | NotVouched::Token(_) => (
            "身份提供方的答复不可信，没有登录。请重新登录；若再次出现，请联系管理员。",
            "The identity provider's answer does not hold; nobody was signed in. Sign in again; if it stays so, ask an administrator.",
            StatusCode::FORBIDDEN,
        ),
        NotVouched::Claim(_) => (
            "身份提供方没有给出您的工号，请联系管理员（identity.provider.claim）。",
            "The identity provider does not give your person code; ask an administrator (identity.provider.claim).",
            StatusCode::FORBIDDEN,
        ),
    };
    show(console, tongue, to, "", tongue.say(zh, en).to_owned(), code)
}

/// An error code as the protocol has it; anything else is not repeated.
fn code(error: &str) -> &str {
    let is_code =
        error.len() <= 64 && error.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
    if is_code { error } else { "error" }
}
