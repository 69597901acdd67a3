//! `hotline playbook books`: rule books as documents beside their files, for those who read and agree but do not run
//! anything.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use clap::Args;
use playbook::{Lang, Playbook};

use super::{files, print};

/// One document for each language.
const DOCUMENTS: [(&str, Lang); 2] = [("rule-book.zh-CN.md", Lang::Zh), ("rule-book.en.md", Lang::En)];

#[derive(Debug, Args)]
pub struct Books {
    /// Folders, each of a rule book.
    #[arg(required = true)]
    pub folders: Vec<PathBuf>,
    /// Write the documents; else they are only compared, and a stale one fails.
    #[arg(long)]
    pub write: bool,
    /// What is said to renew stale ones.
    #[arg(long, default_value = "hotline playbook books --write", hide = true)]
    pub renew: String,
}

pub fn carry_out(books: &Books) -> anyhow::Result<ExitCode> {
    let mut stale = 0;
    for folder in &books.folders {
        let playbook = files::load(&files::texts(std::slice::from_ref(folder))?, Lang::En)?;
        for (name, lang) in DOCUMENTS {
            let (path, text) = (folder.join(name), document(&playbook, lang));
            if is_current(&path, &text) {
                continue;
            }
            if books.write {
                std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
                print(format_args!("{}\n", path.display()))?;
            } else {
                stale += 1;
                print(format_args!("{} is not what its rule book says\n", path.display()))?;
            }
        }
    }
    if stale == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    print(format_args!("{stale} stale; renew them with: {}\n", books.renew))?;
    Ok(ExitCode::FAILURE)
}

fn document(playbook: &Playbook, lang: Lang) -> String {
    let notice = match lang {
        Lang::Zh => "由规则书文件生成，请勿手改；方括号内为所依据条款的编号。",
        Lang::En => {
            "Made from the rule book's files, not edited by hand; numbers in brackets are those of the rules behind."
        }
    };
    let text = playbook.show(lang);
    let (title, rest) = text.split_once('\n').unwrap_or((&text, ""));
    format!("{title}\n\n> {notice}\n{}\n", rest.trim_end())
}

fn is_current(path: &Path, text: &str) -> bool {
    std::fs::read_to_string(path).is_ok_and(|there| there == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn books(folder: &Path, write: bool) -> ExitCode {
        let books = Books { folders: vec![folder.to_owned()], write, renew: "x".into() };
        carry_out(&books).unwrap()
    }

    #[test]
    fn a_document_is_stale_until_it_is_written_and_again_when_the_rule_book_changes() {
        let folder = tempfile::tempdir().unwrap();
        let pack = crate::demo::packs::Pack::find("bicycle-shop").unwrap();
        let write = |text: &str| std::fs::write(folder.path().join("playbook.yaml"), text).unwrap();
        write(pack.files[0].1);
        let is = |write, code| assert_eq!(format!("{:?}", books(folder.path(), write)), format!("{code:?}"));
        is(false, ExitCode::FAILURE);
        is(true, ExitCode::SUCCESS);
        is(false, ExitCode::SUCCESS);
        let text = std::fs::read_to_string(folder.path().join("rule-book.en.md")).unwrap();
        assert!(text.starts_with("# Bicycle shop") && text.contains("3 working days"), "{text}");
        write(&pack.files[0].1.replace("limit: 3 working days", "limit: 4 working days"));
        is(false, ExitCode::FAILURE);
    }
}
