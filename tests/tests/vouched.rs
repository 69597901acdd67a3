//! Signing in with an identity provider, and signing out everywhere: over HTTP, as a browser does it.

use hotline::run::{self, Part};
use reqwest::{
    Client, Response, StatusCode,
    header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE},
};
use tests::{
    System,
    provider::{CLIENT, Fault, Provider, SECRET},
};
use tokio_util::sync::CancellationToken;

const SESSION: &str = "__Host-session";
const UNDER_WAY: &str = "__Host-sign-in";

/// A browser that keeps what it is told to keep, and follows nothing by itself.
struct Browser {
    http: Client,
    base: String,
    cookies: std::collections::BTreeMap<String, String>,
}

impl Browser {
    fn at(base: &str) -> Browser {
        let http = Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        Browser { http, base: base.to_owned(), cookies: Default::default() }
    }

    fn jar(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn keep(&mut self, response: &Response) {
        for line in response.headers().get_all(SET_COOKIE) {
            let line = line.to_str().expect("text");
            assert!(
                line.contains("Secure") && line.contains("HttpOnly") && line.contains("Path=/"),
                "{line}"
            );
            let (name, value) = line.split(';').next().and_then(|pair| pair.split_once('=')).expect("a pair");
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    async fn get(&mut self, address: &str) -> Response {
        let ask = self.http.get(address).header(COOKIE, self.jar()).header("accept", "text/html,en");
        let response = ask.header("accept-language", "en").send().await.expect("an answer");
        if address.starts_with(&self.base) {
            self.keep(&response);
        }
        response
    }

    async fn page(&mut self, path: &str) -> Response {
        let address = format!("{}{path}", self.base);
        self.get(&address).await
    }

    async fn post(&mut self, path: &str, body: &'static str) -> Response {
        let ask = self.http.post(format!("{}{path}", self.base)).header(COOKIE, self.jar());
        let ask = ask.header(ORIGIN, &self.base).header("content-type", "application/x-www-form-urlencoded");
        let response = ask.body(body).send().await.expect("an answer");
        self.keep(&response);
        response
    }

    /// To the provider and back; the address of its answer is not opened yet.
    async fn visit_provider(&mut self) -> String {
        let out = self.page("/sign-in/provider?to=%2Fboard").await;
        assert_eq!(out.status(), StatusCode::SEE_OTHER);
        assert!(self.cookies.contains_key(UNDER_WAY));
        location(&self.get(&location(&out)).await)
    }

    /// What the console says to the provider's answer.
    async fn sign_in(&mut self) -> (StatusCode, String) {
        let answer = self.visit_provider().await;
        let said = self.get(&answer).await;
        (said.status(), said.text().await.expect("text"))
    }

    /// A console that has just started sends whom it does not know yet to the door.
    async fn comes_to(&mut self, wanted: bool) -> bool {
        for _ in 0..100 {
            let jar = self.cookies.clone();
            if self.is_in().await == wanted {
                return true;
            }
            self.cookies = jar;
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        false
    }

    async fn is_in(&mut self) -> bool {
        self.page("/board").await.status() == StatusCode::OK
    }
}

fn location(response: &Response) -> String {
    let to = response.headers().get(LOCATION).expect("it sends on");
    to.to_str().expect("text").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_says_who_it_is_and_the_directory_whether_he_works_here() {
    let provider = Provider::start().await;
    let port = tests::system::free_port();
    let base = format!("http://localhost:{port}");
    let system = System::start_with(&[
        ("CONSOLE__PORT", &port.to_string()),
        ("IDENTITY__PROVIDER__ISSUER", &provider.issuer),
        ("IDENTITY__PROVIDER__CLIENT_ID", CLIENT),
        ("IDENTITY__PROVIDER__CLIENT_SECRET", SECRET),
        ("IDENTITY__PROVIDER__CONSOLE_URL", &base),
        ("IDENTITY__LOCAL_ACCOUNTS", "false"),
    ])
    .await;
    known_people_come_in(&provider, &base).await;
    whatever_does_not_hold_is_refused(&provider, &base).await;
    an_answer_counts_once_and_for_who_asked(&provider, &base).await;
    passwords_open_nothing(&base).await;
    signing_out_counts_everywhere(&system, &provider, &base).await;
    system.stop().await;
}

async fn known_people_come_in(provider: &Provider, base: &str) {
    for eddsa in [false, true] {
        // Somebody without a password of the directory, too.
        for person in ["SF-E01-GM", "SF-E02-CRM"] {
            (provider.wishes().eddsa, provider.wishes().person) = (eddsa, person.to_owned());
            let mut browser = Browser::at(base);
            // A cookie that somebody planted beforehand is worth nothing afterwards.
            browser.cookies.insert(SESSION.to_owned(), "planted".to_owned());
            let answer = browser.visit_provider().await;
            let said = browser.get(&answer).await;
            assert_eq!((said.status(), location(&said)), (StatusCode::SEE_OTHER, "/board".to_owned()));
            assert!(browser.cookies[SESSION] != "planted" && !browser.cookies.contains_key(UNDER_WAY));
            let board = browser.page("/board").await;
            assert_eq!(board.status(), StatusCode::OK);
            assert!(board.text().await.expect("text").contains(person), "it is he");
        }
    }
    provider.wishes().eddsa = false;
}

async fn whatever_does_not_hold_is_refused(provider: &Provider, base: &str) {
    let faults = [
        (Fault::WrongNonce, "does not hold"),
        (Fault::Expired, "does not hold"),
        (Fault::WrongAudience, "does not hold"),
        (Fault::WrongIssuer, "does not hold"),
        (Fault::ForeignKey, "does not hold"),
        (Fault::Changed, "does not hold"),
        (Fault::NoSuchClaim, "does not give your person code"),
        (Fault::Denies, "access_denied"),
    ];
    for (fault, words) in faults {
        (provider.wishes().fault, provider.wishes().person) = (fault, "SF-E01-GM".to_owned());
        let mut browser = Browser::at(base);
        let (status, said) = browser.sign_in().await;
        assert!(status == StatusCode::FORBIDDEN && said.contains(words), "{fault:?}: {status} {said}");
        assert!(!browser.cookies.contains_key(SESSION) && !browser.is_in().await, "{fault:?}");
    }
    provider.wishes().fault = Fault::None;
    provider.wishes().person = "NOBODY-HERE".to_owned();
    let (status, said) = Browser::at(base).sign_in().await;
    assert!(
        status == StatusCode::FORBIDDEN && said.contains("NOBODY-HERE"),
        "who is unknown is told so: {said}"
    );
    provider.wishes().person = "SF-E01-GM".to_owned();
}

async fn an_answer_counts_once_and_for_who_asked(provider: &Provider, base: &str) {
    let mut browser = Browser::at(base);
    let answer = browser.visit_provider().await;
    let kept = browser.cookies[UNDER_WAY].clone();
    assert_eq!(browser.get(&answer).await.status(), StatusCode::SEE_OTHER);
    // The same answer again: without its cookie, and with the cookie that was kept back.
    let mut other = Browser::at(base);
    assert_eq!(other.get(&answer).await.status(), StatusCode::BAD_REQUEST);
    other.cookies.insert(UNDER_WAY.to_owned(), kept.clone());
    assert_eq!(other.get(&answer).await.status(), StatusCode::BAD_REQUEST, "a state counts once");
    // A used code in a sign-in of one's own: the provider does not take it twice.
    let used =
        answer.split("code=").nth(1).and_then(|rest| rest.split('&').next()).expect("a code").to_owned();
    let fresh = other.visit_provider().await;
    let state = fresh.split("state=").nth(1).expect("a state").to_owned();
    let refused = provider.wishes().refused;
    let said = other.get(&format!("{base}/sign-in/answer?code={used}&state={state}")).await;
    assert_eq!((said.status(), provider.wishes().refused), (StatusCode::FORBIDDEN, refused + 1));
    // Somebody else's answer in one's own browser, and a state that was made up.
    let theirs = Browser::at(base).visit_provider().await;
    let mut mine = Browser::at(base);
    mine.visit_provider().await;
    assert_eq!(mine.get(&theirs).await.status(), StatusCode::BAD_REQUEST);
    let made_up = format!("{base}/sign-in/answer?code=x&state=y");
    assert_eq!(Browser::at(base).get(&made_up).await.status(), StatusCode::BAD_REQUEST);
}

async fn passwords_open_nothing(base: &str) {
    let mut browser = Browser::at(base);
    let door = browser.page("/sign-in").await.text().await.expect("text");
    assert!(door.contains("/sign-in/provider") && !door.contains("type=\"password\""), "{door}");
    let said = browser.post("/sign-in", "person=SF-E01-GM&password=hotline-demo&to=/").await;
    assert_eq!(said.status(), StatusCode::FORBIDDEN);
    assert!(!browser.cookies.contains_key(SESSION));
}

/// Another replica, and one that was started afterwards, refuse what was signed out.
async fn signing_out_counts_everywhere(system: &System, provider: &Provider, base: &str) {
    provider.wishes().person = "SF-E01-CRM".to_owned();
    let stop = CancellationToken::new();
    let (second, running) = replica(system, &stop).await;
    let mut browser = Browser::at(base);
    assert_eq!(browser.sign_in().await.0, StatusCode::SEE_OTHER);
    let mut another = Browser::at(base);
    assert_eq!(another.sign_in().await.0, StatusCode::SEE_OTHER);
    let (mut stolen, mut elsewhere) = (Browser::at(base), Browser::at(&second));
    for copy in [&mut stolen, &mut elsewhere] {
        copy.cookies = browser.cookies.clone();
    }
    assert!(elsewhere.comes_to(true).await && stolen.is_in().await, "a session is good at every replica");
    let ended = browser.cookies.clone();
    assert_eq!(browser.post("/sign-out", "").await.status(), StatusCode::SEE_OTHER);
    assert!(!stolen.is_in().await, "at once where he signed out");
    elsewhere.cookies.clone_from(&another.cookies);
    assert!(elsewhere.is_in().await, "his other session goes on");
    elsewhere.cookies.clone_from(&ended);
    assert!(elsewhere.comes_to(false).await, "and within seconds at the others");
    let (third, running_too) = replica(system, &stop).await;
    let mut restarted = Browser::at(&third);
    restarted.cookies.clone_from(&another.cookies);
    assert!(restarted.comes_to(true).await, "it knows the people by now");
    restarted.cookies.clone_from(&ended);
    assert!(!restarted.is_in().await, "a console that was not there yet knows it, too");
    stop.cancel();
    for task in [running, running_too] {
        task.await.expect("it ends").expect("in good order");
    }
}

async fn replica(
    system: &System,
    stop: &CancellationToken,
) -> (String, tokio::task::JoinHandle<anyhow::Result<()>>) {
    let mut config = system.config.clone();
    config.console.port = tests::system::free_port();
    let base = format!("http://localhost:{}", config.console.port);
    let running = run::start(config.clone(), &[Part::Console], stop.clone()).expect("it starts");
    let task = tokio::spawn(running.wait());
    run::ready(&config, &[Part::Console], std::time::Duration::from_secs(60)).await.expect("it serves");
    (base, task)
}
