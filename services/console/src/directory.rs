//! The organisation as the directory's journal tells it: names of branches and
//! roles, rule books and calendars of every version, how business time runs.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use organisation::Snapshot;
use proto::{AnyEvent, DecodeError, Service, directory::v1::DocumentFile, journal::v1::ReadRequest};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::peers::Peers;

/// Somebody who asks while nothing is heard finds out within this time.
const LOOK: Duration = Duration::from_secs(2);

/// What is known, with the words of the rule books as they were activated.
#[derive(Clone, Default)]
pub struct Known {
    pub snapshot: Snapshot,
    pub files: BTreeMap<(String, u32), Arc<Vec<DocumentFile>>>,
    /// When each version came into force, in the order of the journal.
    pub activated: BTreeMap<(String, u32), proto::Time>,
}

/// The newest that is known.
#[derive(Clone, Default)]
pub struct Directory {
    known: Arc<RwLock<Arc<Known>>>,
    news: Arc<Notify>,
}

impl Directory {
    pub fn known(&self) -> Arc<Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Something was said; it is read at once.
    pub fn look(&self) {
        self.news.notify_one();
    }

    /// Follows the journal until the stop.
    pub async fn follow(self, peers: Peers, stop: CancellationToken) {
        let mut failing = false;
        loop {
            match self.read(&peers).await {
                Ok(()) => failing = false,
                Err(error) if !failing => {
                    failing = true;
                    tracing::warn!(%error, "the directory's journal cannot be read; the console waits");
                }
                Err(_) => {}
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.news.notified() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// Everything after what is known.
    async fn read(&self, peers: &Peers) -> Result<(), ReadError> {
        let mut known = (*self.known()).clone();
        let began = known.snapshot.seq();
        let ask = ReadRequest { shard: 0, after_seq: began, limit: 10_000, ..ReadRequest::default() };
        let mut entries = peers.journal(Service::Directory)?.read(ask).await?.into_inner();
        while let Some(entry) = entries.message().await?.and_then(|read| read.entry) {
            let event = AnyEvent::decode(&entry.r#type, &entry.payload)?;
            known.snapshot.apply(entry.seq, &event)?;
            if let AnyEvent::PlaybookActivated(active) = event {
                let key = (active.id, active.version);
                known.activated.insert(key.clone(), proto::Time(entry.recorded_at));
                known.files.insert(key, Arc::new(active.files));
            }
        }
        if known.snapshot.seq() > began {
            *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(known);
        }
        Ok(())
    }
}

#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error("the directory does not answer: {0}")]
    Status(#[from] tonic::Status),
    #[error("an entry is of a newer program: upgrade the console before the directory ({0})")]
    Decode(#[from] DecodeError),
    #[error("an entry does not fit ({0})")]
    Apply(#[from] organisation::ApplyError),
}
