//! What changed, for open pages: heard on the event stream, gathered for a
//! moment, and told to everybody who looks at the branch concerned.
//!
//! It says only *that* something changed; the page asks the owner what. So a
//! message that NATS loses delays a page until the next one and falsifies
//! nothing.

use std::{collections::BTreeSet, convert::Infallible, sync::Arc, time::Duration};

use async_nats::{Client, Message};
use axum::response::{
    Sse,
    sse::{Event, KeepAlive},
};
use futures::{Stream, StreamExt};
use proto::{Service, envelope, subject};
use serde::Serialize;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio_util::sync::CancellationToken;

use crate::{directory::Directory, visitor::Visitor};

/// Changes are gathered this long: many boards then ask once instead of at every event.
const GATHER: Duration = Duration::from_millis(250);
/// Nobody looks at more than this at once; a busier moment says "everything".
const MOST: usize = 400;
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// Ticket and branch of what changed.
pub type Changes = Arc<BTreeSet<(String, String)>>;

#[derive(Clone)]
pub struct Live(broadcast::Sender<Changes>);

impl Default for Live {
    fn default() -> Self {
        Live(broadcast::Sender::new(64))
    }
}

/// As the browser reads it.
#[derive(Serialize)]
struct Said<'a> {
    branches: BTreeSet<&'a str>,
    tickets: BTreeSet<&'a str>,
}

impl Live {
    /// Hears the event stream until the stop.
    pub async fn listen(self, nats: Client, directory: Directory, stop: CancellationToken) {
        let mut events = match nats.subscribe("hotline.event.>").await {
            Ok(events) => events,
            Err(error) => {
                tracing::error!(%error, "the event stream cannot be heard; pages refresh by hand");
                return;
            }
        };
        let mut gathered = BTreeSet::new();
        loop {
            let first = tokio::select! {
                () = stop.cancelled() => return,
                event = events.next() => event,
            };
            let Some(first) = first else { return };
            note(&mut gathered, &first, &directory);
            let until = tokio::time::sleep(GATHER);
            tokio::pin!(until);
            loop {
                tokio::select! {
                    () = &mut until => break,
                    event = events.next() => match event {
                        Some(event) => note(&mut gathered, &event, &directory),
                        None => return,
                    },
                }
            }
            // Nobody looking is no fault.
            let _ = self.0.send(Arc::new(std::mem::take(&mut gathered)));
        }
    }

    pub fn stream(&self, visitor: Visitor) -> Sse<impl Stream<Item = Result<Event, Infallible>> + use<>> {
        let changes = self.0.subscribe();
        let stream = futures::stream::unfold((changes, visitor), async |(mut changes, visitor)| {
            loop {
                let heard = changes.recv().await;
                if !still_there(&visitor) {
                    return None;
                }
                let event = match heard {
                    Ok(changed) => said(&changed, &visitor),
                    // Too slow to hear everything: everything may have changed.
                    Err(RecvError::Lagged(_)) => Some(everything()),
                    Err(RecvError::Closed) => return None,
                };
                if let Some(event) = event {
                    return Some((Ok(event), (changes, visitor)));
                }
            }
        });
        Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
    }
}

/// A stream may outlive its session: who signed out or was disabled hears nothing more.
fn still_there(visitor: &Visitor) -> bool {
    let known = visitor.console.directory.known();
    let account = known.snapshot.person(visitor.person()).filter(|person| !person.disabled);
    account.is_some() && !visitor.console.ended.has(&visitor.session.id)
}

fn note(gathered: &mut BTreeSet<(String, String)>, message: &Message, directory: &Directory) {
    if let Some(subject::Place::Event { service: Service::Directory, .. }) = subject::parse(&message.subject)
    {
        directory.look();
    }
    let header = |name: &str| {
        let headers = message.headers.as_ref();
        headers
            .and_then(|headers| headers.get(name))
            .map(|value| value.as_str().to_owned())
            .unwrap_or_default()
    };
    let (ticket, branch) = (header(envelope::SUBJECT), header(envelope::BRANCH));
    if !branch.is_empty() && gathered.len() < MOST {
        gathered.insert((ticket, branch));
    }
}

/// Only what its reader may look at.
fn said(changed: &Changes, visitor: &Visitor) -> Option<Event> {
    if changed.len() >= MOST {
        return Some(everything());
    }
    let seen: Vec<_> = changed.iter().filter(|(_, branch)| visitor.sees(branch)).collect();
    if seen.is_empty() {
        return None;
    }
    let said = Said {
        tickets: seen.iter().map(|(ticket, _)| ticket.as_str()).collect(),
        branches: seen.iter().map(|(_, branch)| branch.as_str()).collect(),
    };
    serde_json::to_string(&said).ok().map(|said| Event::default().event("changed").data(said))
}

fn everything() -> Event {
    Event::default().event("everything").data("{}")
}
