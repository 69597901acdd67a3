//! A playbook comes into force: only one that every service can load and carry
//! out, and only forwards, because tickets name the version they run under.

use std::collections::BTreeMap;

use chassis_core::{About, Halt, Refusal, RefusalKind, Step, Violation};
use playbook::{Lang, Playbook, diagnostic::Diagnostic};
use proto::directory::v1::{DocumentFile, PlaybookActivated};

use crate::{
    command::{ActivatePlaybook, File, Reply},
    state::PlaybookRow,
};

/// All files together: they travel in one event, and a message holds 1 MB.
const LARGEST: usize = 768 * 1024;

pub(crate) fn activate(activate: &ActivatePlaybook, step: &mut Step<'_>) -> Result<Reply, Halt> {
    let playbook = if activate.is_checked() { load(&activate.files)? } else { check(&activate.files)? };
    let (id, version, digest) = (playbook.id.clone(), playbook.version, digest(&activate.files));
    let old = step.get::<PlaybookRow>(PlaybookRow::key(&id))?;
    let mut row = old.unwrap_or(PlaybookRow {
        playbook: id.clone(),
        versions: BTreeMap::new(),
        activated_at: step.now(),
    });
    if row.versions.get(&version) == Some(&digest) {
        return Ok(Reply::PlaybookActive { id, version });
    }
    if version <= row.newest() {
        return Err(not_newer(&row).into());
    }
    row.versions.insert(version, digest);
    row.activated_at = step.now();
    step.put(&row);
    let files =
        activate.files.iter().map(|f| DocumentFile { path: f.path.clone(), text: f.text.clone() }).collect();
    step.say(About::default(), PlaybookActivated { id: id.clone(), version, files });
    Ok(Reply::PlaybookActive { id, version })
}

fn load(files: &[File]) -> Result<Playbook, Refusal> {
    if files.iter().map(|file| file.path.len() + file.text.len()).sum::<usize>() > LARGEST {
        return Err(Refusal::field(
            "files",
            "规则文件合计不得超过 768 KB。",
            "The files must not exceed 768 KB together.",
        ));
    }
    let texts: Vec<(&str, &str)> =
        files.iter().map(|file| (file.path.as_str(), file.text.as_str())).collect();
    Playbook::load(&texts).map_err(|problems| Refusal::invalid(violations(&problems)))
}

/// Whether every service can load it and carry it out.
pub(crate) fn check(files: &[File]) -> Result<Playbook, Refusal> {
    let playbook = load(files)?;
    let wrong: Vec<Diagnostic> = playbook.check().into_iter().filter(Diagnostic::is_error).collect();
    if !wrong.is_empty() {
        return Err(Refusal::invalid(violations(&wrong)));
    }
    let missing = playbook.unsupported();
    if !missing.is_empty() {
        return Err(unsupported(&missing));
    }
    Ok(playbook)
}

fn violations(problems: &[Diagnostic]) -> Vec<Violation> {
    problems
        .iter()
        .map(|problem| {
            let hint =
                |lang| problem.hint.as_ref().map(|hint| format!(" ({})", hint.get(lang))).unwrap_or_default();
            Violation {
                field: format!("{}:{}:{}", problem.file, problem.line, problem.column),
                zh: format!("[{}] {}{}", problem.code, problem.message.zh, hint(Lang::Zh)),
                en: format!("[{}] {}{}", problem.code, problem.message.en, hint(Lang::En)),
            }
        })
        .collect()
}

/// What the services do not carry out yet must not look as if it were in force.
fn unsupported(missing: &[Diagnostic]) -> Refusal {
    let mut refusal = Refusal::invalid(violations(missing));
    refusal.kind = RefusalKind::Precondition;
    refusal.gate = "unsupported".to_owned();
    refusal.zh = format!("规则手册用到了服务尚不能执行的内容，未启用：{}", refusal.zh);
    refusal.en = format!(
        "The playbook uses what the services do not carry out yet; it was not activated: {}",
        refusal.en
    );
    refusal
}

fn not_newer(row: &PlaybookRow) -> Refusal {
    let (id, newest) = (&row.playbook, row.newest());
    Refusal::precondition(
        "not-newer",
        format!("规则手册 {id} 现行版本是 {newest}，新内容必须用更大的版本号；没有改动。"),
        format!(
            "Playbook {id} is in force at version {newest}; new content needs a higher one. Nothing was changed."
        ),
    )
}

/// Of all files, each with its length, in the order given.
fn digest(files: &[File]) -> String {
    let mut hasher = blake3::Hasher::new();
    for text in files.iter().flat_map(|file| [&file.path, &file.text]) {
        hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}
