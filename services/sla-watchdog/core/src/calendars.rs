//! Whose working time counts. A clock always gets a calendar: one that is missing in the directory must not stop
//! the chase, so the group's stands in for it, and if there is none, every hour counts. What was used is on record.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, OnceLock, PoisonError},
};

use calendar::{Calendar, CalendarSource};
use organisation::Snapshot;
use playbook::CalendarOf;

/// The call centre's calendar in the directory.
const CALL_CENTRE: &str = "call-centre";
const ALWAYS: &str = "always-open";

/// The calendar for a clock of a case at this branch.
pub(crate) fn choose(directory: &Snapshot, branch: &str, of: CalendarOf) -> Calendar {
    let named = match of {
        CalendarOf::Branch => directory.calendar_of(branch),
        CalendarOf::CallCentre => directory.calendar(CALL_CENTRE),
        CalendarOf::Wall => return always_open(directory.zone_of(branch)),
    };
    named
        .or_else(|| of_the_group(directory))
        .cloned()
        .unwrap_or_else(|| always_open(directory.zone_of(branch)))
}

/// Every calendar version that a clock may run under now; one that runs under another is to be computed anew.
pub fn in_force(directory: &Snapshot) -> BTreeSet<String> {
    let of_nodes = directory.nodes().filter_map(|node| directory.calendar_of(&node.code));
    let named =
        of_nodes.chain(directory.calendar(CALL_CENTRE)).map(|calendar| calendar.version().to_string());
    named.chain([always_open(None).version().to_string()]).collect()
}

fn of_the_group(directory: &Snapshot) -> Option<&Calendar> {
    let root = directory.nodes().find(|node| node.parent.is_none())?;
    directory.calendar_of(&root.code)
}

/// Every hour of every day. Compiled once per zone: the same zone always gives the same calendar.
fn always_open(zone: Option<&str>) -> Calendar {
    static KNOWN: OnceLock<Mutex<BTreeMap<String, Calendar>>> = OnceLock::new();
    let zone = zone.unwrap_or("UTC");
    let mut known = KNOWN.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(calendar) = known.get(zone) {
        return calendar.clone();
    }
    let calendar =
        compile(zone).or_else(|| compile("UTC")).expect("a calendar open at all hours in UTC compiles");
    known.insert(zone.to_owned(), calendar.clone());
    calendar
}

fn compile(zone: &str) -> Option<Calendar> {
    let text = format!("id: {ALWAYS}\nversion: 1\nzone: {zone}\nweek:\n  daily: [\"00:00-24:00\"]\n");
    Calendar::compile(&CalendarSource::from_yaml(&text).ok()?, &[]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_any_calendar_every_hour_counts() {
        let calendar = choose(&Snapshot::default(), "nowhere", CalendarOf::Branch);
        assert_eq!(calendar.id(), ALWAYS);
        assert_eq!(calendar.zone(), "UTC");
        let midnight = "2026-05-03T00:00:00Z".parse().unwrap();
        assert!(calendar.is_open(midnight));
    }

    #[test]
    fn an_unknown_zone_does_not_stop_the_chase() {
        assert_eq!(always_open(Some("Nowhere/Land")).zone(), "UTC");
        assert_eq!(always_open(Some("Asia/Shanghai")).zone(), "Asia/Shanghai");
    }
}
