//! A copy of the workspace that stays as it is where nothing changed, so that little is built anew.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Makes `to` the same as `from`, as far as git knows its files (new ones too).
pub fn bring_up(from: &Path, to: &Path) -> Result<()> {
    let wanted = known_files(from)?;
    for file in &wanted {
        let (source, copy) = (from.join(file), to.join(file));
        let Ok(content) = fs::read(&source) else {
            // Known to git and deleted here.
            continue;
        };
        if fs::read(&copy).is_ok_and(|there| there == content) {
            continue;
        }
        fs::create_dir_all(copy.parent().context("a file has a folder")?)?;
        fs::write(&copy, content).with_context(|| format!("cannot write {}", copy.display()))?;
    }
    remove_others(to, to, &wanted)
}

fn known_files(root: &Path) -> Result<BTreeSet<PathBuf>> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("git is needed to tell sources from the rest")?;
    ensure!(listed.status.success(), "git does not know {}", root.display());
    let text = String::from_utf8(listed.stdout).context("a file's name is not UTF-8")?;
    Ok(text.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect())
}

/// A file that is gone in the original must not be compiled in the copy.
fn remove_others(root: &Path, folder: &Path, wanted: &BTreeSet<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.strip_prefix(root)?;
        if path.is_dir() && name != Path::new("target") {
            remove_others(root, &path, wanted)?;
        } else if path.is_file() && !wanted.contains(name) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// Lends a folder that is costly to fetch again.
pub fn lend(folder: &Path, to: &Path) -> Result<()> {
    if folder.is_dir() && !to.exists() {
        symlink(folder, to).with_context(|| format!("cannot link {}", to.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_follows_its_original() {
        let place = tempfile::tempdir().unwrap();
        let (from, to) = (place.path().join("from"), place.path().join("to"));
        fs::create_dir_all(from.join("a")).unwrap();
        fs::create_dir_all(&to).unwrap();
        assert!(Command::new("git").args(["init", "--quiet"]).current_dir(&from).status().unwrap().success());
        fs::write(from.join("a/one"), "1").unwrap();
        fs::write(from.join("two"), "2").unwrap();
        bring_up(&from, &to).unwrap();
        let before = fs::metadata(to.join("two")).unwrap().modified().unwrap();
        fs::write(from.join("a/one"), "1 changed").unwrap();
        fs::write(from.join("three"), "3").unwrap();
        fs::remove_file(from.join("two")).unwrap();
        fs::write(from.join("two"), "2").unwrap();
        bring_up(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(to.join("a/one")).unwrap(), "1 changed");
        assert_eq!(fs::read_to_string(to.join("three")).unwrap(), "3");
        assert_eq!(fs::metadata(to.join("two")).unwrap().modified().unwrap(), before, "written for nothing");
        fs::remove_file(from.join("three")).unwrap();
        bring_up(&from, &to).unwrap();
        assert!(!to.join("three").exists(), "it is gone");
    }
}
