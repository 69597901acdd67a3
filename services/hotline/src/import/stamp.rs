//! Request ids that a second run makes again.
//!
//! A request id is refused once its stamp is older than 72 hours, and it is what keeps a second run
//! from opening everything twice. So the stamp must be recent *and* the same in both runs: it is
//! the beginning of the day (UTC) of the first import, kept in `imports/<source>.json` in the state
//! folder. Two machines that begin on the same day agree without it.

use std::path::{Path, PathBuf};

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use crate::import::Options;

/// Twelve hours below what the services remember: an import takes a while.
const GOOD_FOR_HOURS: i64 = 60;

#[derive(Debug, Error)]
pub enum StampError {
    #[error("the note of an earlier import, {path}, cannot be read or written")]
    File { path: PathBuf, source: std::io::Error },
    #[error(
        "the note of an earlier import, {path}, is damaged; if `{source_name}` was never imported, remove it"
    )]
    Damaged { path: PathBuf, source_name: String },
    #[error(
        "`{source_name}` was first imported on {first}. That is too long ago for the services to tell which rows they have: \
         a second run would open every case twice. Nothing was sent. If that is what you want, say --again"
    )]
    TooOld { source_name: String, first: Timestamp },
}

/// Kept per source.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    source: String,
    stamp: Timestamp,
    day: Date,
}

/// When a source is said to have been imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub at: Timestamp,
    pub day: Date,
}

impl Stamp {
    /// The kept one, else a new one. A dry run keeps nothing.
    pub fn of(
        folder: &Path,
        source: &str,
        now: Timestamp,
        zone: &TimeZone,
        options: &Options,
    ) -> Result<Stamp, StampError> {
        let path = folder.join(format!("{}.json", file_name(source)));
        let today = options.day.unwrap_or_else(|| now.to_zoned(zone.clone()).date());
        let kept = read(&path, source)?.filter(|_| !options.again);
        if let Some(note) = kept {
            if note.stamp < now.checked_sub(GOOD_FOR_HOURS.hours()).unwrap_or(Timestamp::MIN)
                && !options.dry_run
            {
                return Err(StampError::TooOld { source_name: source.to_owned(), first: note.stamp });
            }
            return Ok(Stamp { at: note.stamp, day: options.day.unwrap_or(note.day) });
        }
        // Once more on purpose: other ids than the first time, on the same day too.
        let at = if options.again { now } else { start_of_day(now) };
        let stamp = Stamp { at, day: today };
        if !options.dry_run {
            write(&path, &Note { source: source.to_owned(), stamp: at, day: today })?;
        }
        Ok(stamp)
    }

    /// A UUIDv7 whose random part is the row's identity.
    pub fn request_id(at: Timestamp, source: &str, row: &str, command: &str) -> Uuid {
        let hash = blake3::hash(format!("{command}\n{source}\n{row}").as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.as_bytes()[..16]);
        bytes[..6].copy_from_slice(&at.as_millisecond().max(0).to_be_bytes()[2..]);
        bytes[6] = 0x70 | (bytes[6] & 0x0f);
        bytes[8] = 0x80 | (bytes[8] & 0x3f);
        Uuid::from_bytes(bytes)
    }
}

fn start_of_day(now: Timestamp) -> Timestamp {
    let day = 24 * 3600;
    Timestamp::from_second(now.as_second().div_euclid(day) * day).unwrap_or(now)
}

/// Readable, and two sources never share a file.
fn file_name(source: &str) -> String {
    let plain: String = source
        .chars()
        .map(|c| if c.is_alphanumeric() || c == '-' || c == '_' { c } else { '_' })
        .take(60)
        .collect();
    if plain == source {
        plain
    } else {
        format!("{plain}-{}", &blake3::hash(source.as_bytes()).to_hex()[..8])
    }
}

fn read(path: &Path, source_name: &str) -> Result<Option<Note>, StampError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(StampError::File { path: path.to_owned(), source }),
    };
    serde_json::from_str(&text)
        .map(Some)
        .map_err(|_| StampError::Damaged { path: path.to_owned(), source_name: source_name.to_owned() })
}

/// Before anything is sent: a run that breaks off is gone on with.
fn write(path: &Path, note: &Note) -> Result<(), StampError> {
    let file = |source| StampError::File { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(file)?;
    }
    let text = serde_json::to_string_pretty(note).map_err(|error| file(error.into()))?;
    let draft = path.with_extension("json.new");
    std::fs::write(&draft, text).and_then(|()| std::fs::rename(&draft, path)).map_err(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn of(folder: &Path, now: &str, options: &Options) -> Result<Stamp, StampError> {
        Stamp::of(folder, "my source", at(now), &TimeZone::get("Asia/Shanghai").unwrap(), options)
    }

    #[test]
    fn a_second_run_gets_the_stamp_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options::new("f", "m");
        let first = of(folder.path(), "2026-03-02T18:30:00Z", &options).unwrap();
        assert_eq!(first, Stamp { at: at("2026-03-02T00:00:00Z"), day: jiff::civil::date(2026, 3, 3) });
        assert_eq!(of(folder.path(), "2026-03-04T11:00:00Z", &options).unwrap(), first);
    }

    #[test]
    fn later_it_is_refused_unless_said_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut options = Options::new("f", "m");
        of(folder.path(), "2026-03-02T18:30:00Z", &options).unwrap();
        let error = of(folder.path(), "2026-03-04T13:00:00Z", &options).unwrap_err();
        assert!(
            matches!(error, StampError::TooOld { .. }) && error.to_string().contains("--again"),
            "{error}"
        );
        options.again = true;
        let again = of(folder.path(), "2026-03-04T13:00:00Z", &options).unwrap();
        assert_eq!(again.at, at("2026-03-04T13:00:00Z"));
        options.again = false;
        assert_eq!(of(folder.path(), "2026-03-05T01:00:00Z", &options).unwrap(), again, "from here on");
    }

    #[test]
    fn a_dry_run_leaves_no_note() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { dry_run: true, ..Options::new("f", "m") };
        of(folder.path(), "2026-03-02T18:30:00Z", &options).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_damaged_note_is_not_taken_for_none() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options::new("f", "m");
        of(folder.path(), "2026-03-02T18:30:00Z", &options).unwrap();
        let note = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
        std::fs::write(note, "{").unwrap();
        assert!(matches!(
            of(folder.path(), "2026-03-02T19:00:00Z", &options),
            Err(StampError::Damaged { .. })
        ));
    }

    #[test]
    fn a_request_id_is_a_uuid_v7_of_its_row() {
        let stamp = at("2026-03-02T00:00:00Z");
        let id = |row: &str, command: &str| Stamp::request_id(stamp, "s", row, command);
        assert_eq!(id("1", "open"), id("1", "open"));
        assert_ne!(id("1", "open"), id("2", "open"));
        assert_ne!(id("1", "open"), id("1", "identify"));
        assert_eq!(id("1", "open").get_version_num(), 7);
        let (seconds, _) = id("1", "open").get_timestamp().unwrap().to_unix();
        assert_eq!(seconds as i64, stamp.as_second());
        assert_ne!(file_name("a/b"), file_name("a_b"));
    }
}
