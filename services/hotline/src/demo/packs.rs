//! The rule books that come along, in the program itself: a demonstration needs no files beside it.

use std::sync::Arc;

use anyhow::bail;
use playbook::{Lang, Playbook, render_all};

type File = (&'static str, &'static str);

macro_rules! pack {
    ($name:literal) => { pack!($name, "playbook") };
    ($name:literal, $($file:literal),+) => {
        Pack {
            name: $name,
            files: &[$((
                concat!($file, ".yaml"),
                include_str!(concat!("../../../../deploy/playbooks/", $name, "/", $file, ".yaml")),
            )),+],
        }
    };
}

/// A rule book as it is loaded.
#[derive(Clone, Copy, Debug)]
pub struct Pack {
    pub name: &'static str,
    /// Path and text.
    pub files: &'static [File],
}

/// The pack of the sample day: its organisation and its complaints are tables of their own.
pub const SAMPLE: &str = "dealer-group";

pub const PACKS: [Pack; 13] = [
    pack!("accounts"),
    pack!("bicycle-shop"),
    pack!("dealer-group"),
    pack!("devices"),
    pack!("e-commerce"),
    pack!("furniture"),
    pack!("gas"),
    pack!("it-service"),
    pack!(
        "property",
        "playbook",
        "complaint",
        "decoration",
        "duties",
        "emergency",
        "household-file",
        "repair",
        "rounds"
    ),
    pack!("service-desk"),
    pack!("tenants"),
    pack!("trade-credit"),
    pack!("workshop"),
];

impl Pack {
    /// The pack of this name; else the error lists them all.
    pub fn find(name: &str) -> anyhow::Result<Pack> {
        let Some(pack) = PACKS.into_iter().find(|pack| pack.name == name) else {
            let names = PACKS.map(|pack| pack.name).join(", ");
            bail!("没有名为 {name} 的规则手册 / there is no pack `{name}`; 可选 / choose one of: {names}");
        };
        Ok(pack)
    }

    pub fn is_sample(&self) -> bool {
        self.name == SAMPLE
    }

    pub fn load(&self) -> anyhow::Result<Arc<Playbook>> {
        let loaded = Playbook::load(self.files);
        let refused = |found: Vec<_>| anyhow::anyhow!("{}", render_all(&found, Lang::En));
        loaded.map(Arc::new).map_err(refused)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, path::Path};

    use super::*;
    use crate::playbook::files::is_rule_book;

    #[test]
    fn every_pack_that_comes_along_is_in_the_program_with_all_its_files() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/playbooks");
        let inside = |path: &Path| std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
        let mut there = BTreeSet::new();
        for pack in inside(&folder).filter(|path| path.is_dir()) {
            for file in inside(&pack).filter(|path| is_rule_book(path)) {
                there.insert((
                    pack.file_name().unwrap().display().to_string(),
                    file.file_name().unwrap().display().to_string(),
                ));
            }
        }
        let held = PACKS.iter().flat_map(|pack| pack.files.iter().map(|(path, _)| (pack.name, *path)));
        let held: BTreeSet<_> = held.map(|(pack, path)| (pack.to_owned(), path.to_owned())).collect();
        assert_eq!(held, there);
    }

    #[test]
    fn an_unknown_pack_is_refused_with_the_list() {
        let error = Pack::find("dealers").unwrap_err().to_string();
        assert!(error.contains("`dealers`") && error.contains("trade-credit"), "{error}");
        assert!(Pack::find("gas").is_ok_and(|pack| pack.load().is_ok_and(|book| book.id == "gas")));
    }
}
