//! Keys that a development machine makes for itself at its first start.

use std::{
    fs::{File, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// The secret in this file; the first to ask makes it. Services start
/// together: all get the same one, whole, and none is ever replaced.
pub(crate) fn kept(path: &Path, make: impl FnOnce() -> String) -> io::Result<String> {
    match std::fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        read => return read,
    }
    let folder = path.parent().ok_or(ErrorKind::InvalidInput)?;
    std::fs::create_dir_all(folder)?;
    let draft = folder.join(format!(".draft-{}", hex::encode(random_bytes::<8>())));
    let written = write(&draft, &make()).and_then(|()| std::fs::hard_link(&draft, path));
    std::fs::remove_file(&draft)?;
    match written {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => File::open(folder)?.sync_all()?,
    }
    std::fs::read_to_string(path)
}

/// Only its owner reads it.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Randomness for keys and nonces.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    use rand::TryRng as _;
    let mut bytes = [0; N];
    rand::rngs::SysRng.try_fill_bytes(&mut bytes).expect("the operating system gives randomness");
    bytes
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, os::unix::fs::PermissionsExt, sync::Barrier};

    use super::*;

    #[test]
    fn all_who_start_together_get_the_same_secret() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state").join("key");
        let together = Barrier::new(16);
        let secrets: HashSet<String> = std::thread::scope(|scope| {
            let starters: Vec<_> = (0..16)
                .map(|starter| {
                    let (path, together) = (&path, &together);
                    scope.spawn(move || {
                        together.wait();
                        kept(path, || format!("made by {starter}")).unwrap()
                    })
                })
                .collect();
            starters.into_iter().map(|starter| starter.join().unwrap()).collect()
        });
        assert_eq!(secrets.len(), 1, "{secrets:?}");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no draft is left behind");
    }

    #[test]
    fn a_secret_stays_and_only_its_owner_reads_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        assert_eq!(kept(&path, || "first".to_owned()).unwrap(), "first");
        assert_eq!(kept(&path, || unreachable!()).unwrap(), "first");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
