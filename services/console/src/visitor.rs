//! Whoever is signed in, as pages see him; and the door before all pages but
//! the sign-in.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proto::{
    Time,
    common::v1::Position,
    directory::v1::{CheckSessionRequest, RenewTokenRequest},
};
use tonic::Code;

use crate::{
    clock,
    directory::Known,
    frame::Frame,
    language::Tongue,
    peers::Asker,
    server::Console,
    session::{self, Session, cookie},
    trouble::{self, Failure, Trouble},
};

/// The newest write of this person, so that lists show it (see proto/README.md, position).
pub const WRITTEN: &str = "__Host-written";

#[derive(Clone)]
pub struct Visitor {
    pub console: Arc<Console>,
    pub session: Session,
    pub tongue: Tongue,
    pub known: Arc<Known>,
    /// Business time.
    pub now: Time,
    /// htmx asked: a fragment is wanted, not a page.
    pub wants_fragment: bool,
    pub written: Option<Position>,
    pub path: String,
}

impl Visitor {
    pub fn ask(&self) -> Result<Asker, Trouble> {
        Ok(self.console.peers.with(&self.session.token, self.tongue)?)
    }

    pub fn person(&self) -> &str {
        &self.session.person
    }

    /// Role and node of everything that he holds.
    pub fn roles(&self) -> impl Iterator<Item = (&str, &str)> {
        let person = self.known.snapshot.person(&self.session.person);
        person
            .into_iter()
            .flat_map(|person| &person.roles)
            .map(|held| (held.role.as_str(), held.node.as_str()))
    }

    pub fn holds(&self, role: &str) -> bool {
        self.roles().any(|(held, _)| held == role)
    }

    /// Whether somebody with his roles looks at this branch; lists are filtered by their owners,
    /// this only keeps foreign news out of the live connection.
    pub fn sees(&self, branch: &str) -> bool {
        self.roles().any(|(_, node)| self.known.snapshot.is_within(branch, node))
    }

    pub fn frame(&self, current: &'static str, title: &str) -> Frame {
        Frame::new(self, current, title)
    }

    pub fn say<'w>(&self, zh: &'w str, en: &'w str) -> &'w str {
        self.tongue.say(zh, en)
    }
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        parts.extensions.get::<Visitor>().cloned().ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// The roles of a person, as a digest.
pub fn grants_of(known: &Known, person: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    for held in known.snapshot.person(person).into_iter().flat_map(|person| &person.roles) {
        hasher.update(held.role.as_bytes()).update(b"@").update(held.node.as_bytes()).update(b";");
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

/// Lets in who is signed in and still has his account; all others are sent to the door.
pub async fn admit(State(console): State<Arc<Console>>, mut request: Request, next: Next) -> Response {
    let headers = request.headers();
    let tongue = Tongue::of(headers);
    let wants_fragment = headers.contains_key("hx-request");
    let sealed = cookie::read(headers, session::COOKIE);
    let known = console.directory.known();
    let opened = sealed.and_then(|sealed| open(&console, &known, &sealed));
    let Some(session) = opened else { return to_the_door(&request, false) };
    let now = clock::real_now();
    let grants = grants_of(&known, &session.person);
    let mut renewed = None;
    if session.needs_renewal(now, &grants) {
        match renew(&console, &session, tongue, grants, now).await {
            Ok(session) => {
                console.confirmed.confirm(&session.id, now);
                renewed = Some(session);
            }
            Err(Code::Unauthenticated | Code::PermissionDenied) => return to_the_door(&request, true),
            // The directory is away for a moment: the old token is valid yet.
            Err(_) => {}
        }
    } else if !goes_on(&console, &session, tongue, now).await {
        return to_the_door(&request, true);
    }
    let visitor = Visitor {
        session: renewed.clone().unwrap_or(session),
        tongue,
        now: clock::business_now(known.snapshot.law()),
        known,
        wants_fragment,
        written: written(headers),
        path: request.uri().path_and_query().map_or_else(String::new, ToString::to_string),
        console: console.clone(),
    };
    request.extensions_mut().insert(visitor.clone());
    let mut response = next.run(request).await;
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        response = trouble::page(&visitor, failure);
    }
    if let Some(sealed) = renewed.and_then(|session| console.cookies.write(session::COOKIE, &session)) {
        cookie::set(response.headers_mut(), session::COOKIE, &sealed, 0);
    }
    response
}

/// A session that is ours, has not ended, and whose account is there.
fn open(console: &Console, known: &Known, sealed: &str) -> Option<Session> {
    let session: Session = console.cookies.read(session::COOKIE, sealed)?;
    let is_over = session.is_over(clock::real_now(), console.longest_session());
    let account = known.snapshot.person(&session.person).filter(|person| !person.disabled);
    (!is_over && account.is_some() && !console.ended.has(&session.id)).then_some(session)
}

/// Whether nobody has ended the session elsewhere. While the directory is away for a moment, its
/// last word counts: the token itself ends within minutes.
async fn goes_on(console: &Console, session: &Session, tongue: Tongue, now: Time) -> bool {
    if console.confirmed.is_fresh(&session.id, now) {
        return true;
    }
    let Ok(asker) = console.peers.with(&session.token, tongue) else { return false };
    match asker.directory().check_session(CheckSessionRequest {}).await.map_err(|status| status.code()) {
        Ok(_) => {
            console.confirmed.confirm(&session.id, now);
            true
        }
        Err(Code::Unauthenticated | Code::PermissionDenied) => false,
        Err(_) => true,
    }
}

async fn renew(
    console: &Console,
    session: &Session,
    tongue: Tongue,
    grants: String,
    now: Time,
) -> Result<Session, Code> {
    let asker = console.peers.with(&session.token, tongue).map_err(|status| status.code())?;
    let answer = asker.directory().renew_token(RenewTokenRequest {}).await;
    let answer = answer.map_err(|status| status.code())?.into_inner();
    Ok(session.renewed(answer.token, Time(answer.expires_at), grants, now))
}

fn to_the_door(request: &Request, disabled: bool) -> Response {
    let is_page = request.method() == Method::GET
        && !request.headers().contains_key("hx-request")
        && request
            .headers()
            .get(header::ACCEPT)
            .and_then(|accept| accept.to_str().ok())
            .is_some_and(|accept| accept.contains("text/html"));
    let mut response = if is_page {
        let to = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let to = utf8_percent_encode(to, NON_ALPHANUMERIC);
        Redirect::to(&format!("/sign-in?to={to}")).into_response()
    } else {
        (StatusCode::UNAUTHORIZED, "请重新登录。 Sign in again.").into_response()
    };
    if disabled {
        cookie::forget(response.headers_mut(), session::COOKIE);
    }
    response
}

fn written(headers: &HeaderMap) -> Option<Position> {
    let at: proto::envelope::Position = cookie::read(headers, WRITTEN)?.parse().ok()?;
    Some(at.into())
}
