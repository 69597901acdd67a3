//! Who is who: holders of roles, deputies, and what changes among them.

use chassis_core::{Actor, Grant};
use directory_core::{Command, Import, PersonInput, RoleHeld};
use organisation::{Person, Snapshot};
use proto::Time;

use crate::{dice::Dice, founding, order::Order};

/// The nearest holders of a role, from the branch upwards.
pub fn holders<'a>(staff: &'a Snapshot, role: &str, branch: &str) -> Vec<&'a Person> {
    for node in staff.upwards(branch) {
        let found: Vec<&Person> =
            staff.persons().filter(|person| !person.disabled && person.holds(role, &node.code)).collect();
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

pub fn actor(person: &Person) -> Actor {
    let grant = |held: &organisation::RoleHeld| Grant { role: held.role.clone(), node: held.node.clone() };
    Actor::Person { code: person.code.clone(), grants: person.roles.iter().map(grant).collect() }
}

/// Whoever may be meant, best first: the person named, who stands in for him, who holds the role, who answers for the
/// branch; never anybody barred.
pub fn in_line<'a>(
    staff: &'a Snapshot,
    named: Option<&str>,
    role: &str,
    branch: &str,
    barred: &std::collections::BTreeSet<String>,
) -> Vec<&'a Person> {
    let mut line: Vec<&Person> = Vec::new();
    let named = named.and_then(|code| staff.person(code));
    line.extend(named);
    line.extend(named.and_then(|person| staff.person(person.deputy.as_deref()?)));
    for role in [role, "cr-manager", "gm", "service-manager", "area-manager", "brand-division"] {
        line.extend(holders(staff, role, branch));
    }
    let mut seen = std::collections::BTreeSet::new();
    line.retain(|person| !person.disabled && !barred.contains(&person.code) && seen.insert(&person.code));
    line
}

/// One change of the staff: a leave, a return, an account closed, a newcomer.
pub fn change(staff: &Snapshot, dice: &mut Dice, now: Time) -> Option<Order> {
    let persons: Vec<&Person> = staff.persons().collect();
    if persons.is_empty() {
        return None;
    }
    let person = *dice.pick(&persons);
    let mut input = PersonInput {
        place: "change".to_owned(),
        code: person.code.clone(),
        name: founding::name(),
        phone: None,
        mail: None,
        roles: person
            .roles
            .iter()
            .map(|held| RoleHeld { role: held.role.clone(), node: held.node.clone() })
            .collect(),
        deputy: person.deputy.clone(),
        absences: Vec::new(),
        disabled: person.disabled,
        skills: person.skills.clone(),
        password: None,
    };
    match dice.below(10) {
        0..6 => {
            let from = now.plus(dice.below(4) as i64 * Time::HOUR);
            input.absences = vec![(from, from.plus(dice.between(4, 40) as i64 * Time::HOUR))];
        }
        6 => input.disabled = !person.disabled && person.code.contains("-RC"),
        7 => {
            input.code = format!("NEW-{}", dice.below(1_000_000));
            input.deputy = None;
        }
        // Back from leave.
        _ => {}
    }
    Some(founding::order(Command::Import(Import { persons: vec![input], ..Import::default() })))
}
