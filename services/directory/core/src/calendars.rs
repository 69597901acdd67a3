//! A calendar comes into force. It is compiled together with all others, for
//! a parent's change reaches its heirs, and every reader compiles them all.

use calendar::{Calendar, CalendarSource};
use chassis_core::{About, Halt, Refusal, RefusalKind, Step, Violation};
use proto::directory::v1::CalendarActivated;

use crate::{
    command::{ActivateCalendar, Reply},
    state::{CalendarRow, Catalogue},
};

pub(crate) fn activate(
    activate: &ActivateCalendar,
    mut catalogue: Catalogue,
    step: &mut Step<'_>,
) -> Result<Reply, Halt> {
    let source = read(&activate.source)?;
    let (id, version) = (source.id.clone(), source.version);
    let old = step.get::<CalendarRow>(CalendarRow::key(&id))?;
    if let Some(old) = &old {
        if old.version == version && old.source == activate.source {
            return Ok(Reply::CalendarActive { id, version });
        }
        check_newer(old, version)?;
    }
    compile_all(source, &catalogue, step)?;
    if catalogue.calendars.insert(id.clone()) {
        step.put(&catalogue);
    }
    let row = CalendarRow {
        calendar: id.clone(),
        version,
        source: activate.source.clone(),
        activated_at: step.now(),
    };
    step.put(&row);
    step.say(About::default(), CalendarActivated { id: id.clone(), version, source: row.source });
    Ok(Reply::CalendarActive { id, version })
}

fn read(text: &str) -> Result<CalendarSource, Refusal> {
    CalendarSource::from_yaml(text).map_err(|problems| {
        Refusal::invalid(
            problems
                .iter()
                .map(|problem| Violation {
                    field: format!("source:{}:{}", problem.line, problem.column),
                    zh: format!("日历文件无法读取：{}", problem.message),
                    en: problem.message.clone(),
                })
                .collect(),
        )
    })
}

fn check_newer(old: &CalendarRow, version: u32) -> Result<(), Refusal> {
    if version > old.version {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalKind::Precondition,
        "not-newer",
        format!("日历 {} 现行版本是 {}，新版本号必须更大；没有改动。", old.calendar, old.version),
        format!(
            "Calendar {} is in force at version {}; a change needs a higher one. Nothing was changed.",
            old.calendar, old.version
        ),
    ))
}

fn compile_all(source: CalendarSource, catalogue: &Catalogue, step: &Step<'_>) -> Result<(), Halt> {
    let mut all = Vec::new();
    for id in catalogue.calendars.iter().filter(|id| **id != source.id) {
        let row: CalendarRow = step.need(CalendarRow::key(id), "日历", "calendar")?;
        all.push(read(&row.source)?);
    }
    all.push(source);
    let problems: Vec<Violation> = all
        .iter()
        .filter_map(|source| Calendar::compile(source, &all).err().map(|problems| (source, problems)))
        .flat_map(|(source, problems)| {
            let field = format!("source:{}", source.id);
            problems.into_iter().map(move |problem| Violation {
                field: field.clone(),
                zh: problem.zh(),
                en: problem.to_string(),
            })
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(Refusal::invalid(problems).into()) }
}
