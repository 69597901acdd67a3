//! Which of several holders of a role gets the work: what the playbook prefers, and why is on record.

mod shop;

use proto::{AnyEvent, directory::v1 as directory};
use shop::{PLAYBOOK, Shop};

/// A shop with three service managers who choose by these preferences.
fn shop(choose: &str) -> Shop {
    let text = PLAYBOOK.replacen("choose: [least_load]", &format!("choose: [{choose}]"), 1);
    assert!(text.contains(choose));
    let mut shop = Shop::with(&text, &[]);
    for (code, skills) in
        [("SERVICE", &[][..]), ("S2", &["repair"][..]), ("S3", &["repair", "complaint"][..])]
    {
        let mut person = shop::person("SERVICE");
        person.code = code.into();
        person.skills = skills.iter().map(|skill| (*skill).to_owned()).collect();
        shop.change(person);
    }
    shop
}

/// Who is to propose, and why he.
fn proposer(shop: &mut Shop) -> (String, Vec<String>) {
    shop.open(&[]);
    shop.acknowledge("CRM").expect("the receiver may");
    shop.core.take_said();
    shop.judge();
    chosen(shop)
}

fn chosen(shop: &mut Shop) -> (String, Vec<String>) {
    let said = shop.core.take_said();
    let assigned = said.into_iter().rev().find_map(|event| match event {
        AnyEvent::WorkAssigned(assigned) if assigned.step == "propose" => Some(assigned),
        _ => None,
    });
    let assigned = assigned.expect("the step was given to somebody");
    (assigned.assignee, assigned.chosen)
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn most_of_what_the_case_is_about_among_his_skills() {
    let (person, why) = proposer(&mut shop("skill"));
    assert_eq!((person.as_str(), why), ("S3", words(&["skill:repair", "skill:complaint"])));
}

#[test]
fn who_has_skills_and_is_away_is_not_waited_for() {
    let mut shop = shop("skill");
    shop.send_away("S3");
    let (person, why) = proposer(&mut shop);
    assert_eq!((person.as_str(), why), ("S2", words(&["skill:repair"])));
}

#[test]
fn who_had_it_before_comes_before_who_is_better_at_it() {
    let mut shop = shop("before, skill");
    shop.send_away("S3");
    assert_eq!(proposer(&mut shop).0, "S2");
    shop.complete("S2", "propose", shop::solution(1_000)).expect("he may");
    shop.decide("GM", true).expect("he may");
    shop.complete("S2", "repair", shop::photo()).expect("he may");
    shop.complete("CRM", "inspect", shop::inspection("passed")).expect("he may");
    shop.complete("CRS", "tell", Default::default()).expect("he may");
    shop.complete("AGENT", "note", Default::default()).expect("he may");
    // Back again, and better at it; the case is known to the other.
    let mut back = shop::person("SERVICE");
    (back.code, back.skills) = ("S3".into(), words(&["repair", "complaint"]));
    shop.change(back);
    shop.reopen();
    shop.acknowledge("CRM").expect("the receiver may");
    shop.core.take_said();
    shop.judge();
    let (person, why) = chosen(&mut shop);
    assert_eq!((person.as_str(), why), ("S2", words(&["before", "skill:repair"])));
}

#[test]
fn nearest_is_counted_through_the_organisation() {
    let mut shop = shop("nearest");
    // All of them at the area, one of them with a desk at the branch.
    for code in ["SERVICE", "S2", "S3"] {
        let mut person = shop::person("SERVICE");
        person.code = code.into();
        person.roles = vec![directory::Role { role: "service-manager".into(), node: "A".into() }];
        if code == "S2" {
            person.roles.push(directory::Role { role: "trainer".into(), node: "B1".into() });
        }
        shop.change(person);
    }
    let (person, why) = proposer(&mut shop);
    assert_eq!((person.as_str(), why), ("S2", words(&["nearest:B1"])));
}

#[test]
fn a_preference_that_nobody_meets_leaves_everybody() {
    let mut shop = shop("before, least_load");
    let (person, why) = proposer(&mut shop);
    assert!(["SERVICE", "S2", "S3"].contains(&person.as_str()), "{person}");
    assert!(why.is_empty());
}
