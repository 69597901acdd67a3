//! The file adapter: messages as lines of JSON, for a gateway to pick up, or for people to read
//! where there is none. Each notice stands in it once.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{BufRead, BufReader, Read, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The folder in the state directory.
const FOLDER: &str = "outbox";

#[derive(Debug, Error)]
pub(crate) enum OutboxError {
    #[error("the outbox {path} cannot be written")]
    Write { path: PathBuf, source: std::io::Error },
    #[error("the outbox {path} cannot be read")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("writing the outbox was interrupted")]
    Interrupted,
}

/// One message. Field names are a contract with whoever picks it up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    /// The notice's id: whoever picks lines up drops one that he has had.
    pub id: String,
    pub channel: String,
    pub to: String,
    pub ticket: String,
    pub text: String,
    /// RFC 3339, business time.
    pub at: String,
}

/// A file per channel, written by one at a time.
#[derive(Clone)]
pub(crate) struct Outbox {
    folder: PathBuf,
    pen: Arc<Mutex<()>>,
}

impl Outbox {
    pub fn in_state_dir(state_dir: &Path) -> Outbox {
        Outbox { folder: state_dir.join(FOLDER), pen: Arc::default() }
    }

    /// Appends a message and forces it to disk. `again`: it may stand there already, then nothing
    /// is written.
    pub async fn put(&self, line: Line, again: bool) -> Result<(), OutboxError> {
        let outbox = self.clone();
        tokio::task::spawn_blocking(move || outbox.write(&line, again))
            .await
            .map_err(|_| OutboxError::Interrupted)?
    }

    fn write(&self, line: &Line, again: bool) -> Result<(), OutboxError> {
        let _pen = self.pen.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.path(&line.channel);
        if again && holds(&path, &line.id)? {
            return Ok(());
        }
        append(&self.folder, &path, line).map_err(|source| OutboxError::Write { path, source })
    }

    fn path(&self, channel: &str) -> PathBuf {
        self.folder.join(format!("{channel}.jsonl"))
    }
}

/// Whether a whole line with this id stands in the file; half a line, torn by a crash, does not count.
fn holds(path: &Path, id: &str) -> Result<bool, OutboxError> {
    let fail = |source| OutboxError::Read { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(fail(error)),
    };
    for bytes in BufReader::new(file).split(b'\n') {
        let bytes = bytes.map_err(fail)?;
        if serde_json::from_slice::<Line>(&bytes).is_ok_and(|line| line.id == id) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn append(folder: &Path, path: &Path, line: &Line) -> std::io::Result<()> {
    let is_new = !path.exists();
    // Addresses are personal: for the owner's eyes, and the gateway's, which runs as him.
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    if is_torn(&mut file)? {
        text.insert(0, b'\n');
    }
    file.write_all(&text)?;
    file.sync_data()?;
    if is_new {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// The file ends in the middle of a line.
fn is_torn(file: &mut File) -> std::io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: &str) -> Line {
        Line {
            id: id.into(),
            channel: "sms".into(),
            to: "+8613800000000".into(),
            ticket: "05-00001-8".into(),
            text: "新工单\n第二行".into(),
            at: "2026-03-02T02:00:00Z".into(),
        }
    }

    fn lines(outbox: &Outbox) -> Vec<Option<String>> {
        let text = std::fs::read_to_string(outbox.path("sms")).unwrap();
        text.lines().map(|l| serde_json::from_str::<Line>(l).ok().map(|l| l.id)).collect()
    }

    fn outbox() -> (tempfile::TempDir, Outbox) {
        let dir = tempfile::tempdir().unwrap();
        let outbox = Outbox::in_state_dir(dir.path());
        (dir, outbox)
    }

    #[tokio::test]
    async fn a_message_is_one_line_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let (_dir, outbox) = outbox();
        outbox.put(line("a"), false).await.unwrap();
        outbox.put(line("b"), false).await.unwrap();
        assert_eq!(lines(&outbox), [Some("a".to_owned()), Some("b".to_owned())]);
        let mode = std::fs::metadata(outbox.path("sms")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[tokio::test]
    async fn what_stands_there_is_not_written_again() {
        let (_dir, outbox) = outbox();
        outbox.put(line("a"), false).await.unwrap();
        outbox.put(line("a"), true).await.unwrap();
        outbox.put(line("b"), true).await.unwrap();
        assert_eq!(lines(&outbox), [Some("a".to_owned()), Some("b".to_owned())]);
    }

    #[tokio::test]
    async fn a_torn_line_is_left_behind_and_the_message_written_whole() {
        let (_dir, outbox) = outbox();
        outbox.put(line("a"), false).await.unwrap();
        let whole = serde_json::to_string(&line("b")).unwrap();
        let mut file = OpenOptions::new().append(true).open(outbox.path("sms")).unwrap();
        file.write_all(&whole.as_bytes()[..whole.len() / 2]).unwrap();
        outbox.put(line("b"), true).await.unwrap();
        assert_eq!(lines(&outbox), [Some("a".to_owned()), None, Some("b".to_owned())]);
    }

    #[tokio::test]
    async fn many_at_once_do_not_mix() {
        let (_dir, outbox) = outbox();
        let puts = (0..50).map(|n| {
            let outbox = outbox.clone();
            tokio::spawn(async move { outbox.put(line(&n.to_string()), false).await })
        });
        for put in puts.collect::<Vec<_>>() {
            put.await.unwrap().unwrap();
        }
        let mut ids: Vec<u32> = lines(&outbox).into_iter().map(|id| id.unwrap().parse().unwrap()).collect();
        ids.sort_unstable();
        assert_eq!(ids, (0..50).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_made_is_said() {
        let (dir, outbox) = outbox();
        std::fs::write(dir.path().join(FOLDER), "in the way").unwrap();
        let error = outbox.put(line("a"), false).await.unwrap_err();
        assert!(matches!(error, OutboxError::Write { .. }), "{error}");
    }
}
