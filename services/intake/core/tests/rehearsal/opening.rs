//! Opening a case.

use intake_core::{Command, Customer, Reply, number, state::State};
use playbook::Value;
use proto::AnyEvent;

use crate::world::{DAY, World, agent, at, complaint, fields, gate, importer, person, sealed, start};

#[test]
fn opening_numbers_judges_and_says_so() {
    let mut world = World::new();
    let opened = world.case("p1", "car");
    assert_eq!((opened.category.as_str(), opened.severity.as_str()), ("repair", "general"));
    assert_eq!(number::parse(&opened.number), Some(opened.number.clone()));
    let said = world.intake.take_said();
    let Some(AnyEvent::TicketOpened(event)) = said.first() else { panic!("opened is said first: {said:?}") };
    let reference = event.ticket.as_ref().expect("with its case");
    assert_eq!(
        (reference.number.as_str(), reference.cycle, reference.branch.as_str()),
        (opened.number.as_str(), 1, "B1")
    );
    assert_eq!(reference.playbook.as_ref().map(|p| (p.id.as_str(), p.version)), Some(("test", 1)));
    assert_eq!((event.channel.as_str(), event.file_check.as_str()), ("phone", "unknown"));
    let facts = organisation::facts::from_proto(&event.facts);
    assert_eq!(facts.code("source"), Some("call_centre"));
    assert_eq!((facts.code("type"), facts.code("branch")), (Some("complaint"), Some("B1")));
    assert_eq!((facts.flag("repeat"), facts.int("cycle")), (false, Some(1)));
}

#[test]
fn numbers_of_a_home_follow_each_other() {
    let mut world = World::new();
    let (a, b) = (world.case("p1", "car"), world.case("p1", "car"));
    assert_ne!(a.number, b.number);
    assert_eq!(a.ticket.bucket(), b.ticket.bucket(), "tickets inherit the customer's home");
}

#[test]
fn each_trigger_alone_makes_it_major_and_is_the_reason() {
    let mut world = World::new();
    let customer = world.identify("p1", Some("car"));
    let mut open = complaint(&customer);
    open.facts.set("door_blocked", Value::Bool(true));
    let opened = world.open(open);
    assert_eq!((opened.severity.as_str(), opened.reasons), ("major", vec!["door_blocked".to_owned()]));
    assert_eq!(world.ticket(opened.ticket).judged.reasons[0].rule.as_deref(), Some("DG-10"));
}

#[test]
fn the_customers_tokens_come_along_for_finding() {
    let mut world = World::new();
    let opened = world.case("p1", "car");
    assert_eq!(world.ticket(opened.ticket).tokens, ["t-p1", "t-plate"]);
}

#[test]
fn unknown_playbook_type_branch_and_channel_are_all_named() {
    let mut world = World::new();
    let customer = world.identify("p1", None);
    let mut open = complaint(&customer);
    (open.playbook, open.branch) = ("nothing".into(), "B7".into());
    assert_eq!(fields(world.try_open(&agent(), open)), ["branch", "playbook"]);
    let mut open = complaint(&customer);
    open.case_type = "enquiry".into();
    assert_eq!(fields(world.try_open(&agent(), open)), ["case_type"]);
    let mut open = complaint(&customer);
    open.channel = "pigeon".into();
    assert_eq!(fields(world.try_open(&agent(), open)), ["channel"]);
    assert!(world.said().is_empty(), "a refusal says nothing");
}

#[test]
fn an_area_and_a_closed_branch_take_no_cases() {
    let mut world = World::new();
    let customer = world.identify("p1", None);
    for branch in ["A", "B9"] {
        let mut open = complaint(&customer);
        open.branch = branch.into();
        assert_eq!(fields(world.try_open(&agent(), open)), ["branch"], "{branch}");
    }
}

#[test]
fn a_customer_nobody_identified_is_not_found() {
    let mut world = World::new();
    let customer = world.identify("p1", None);
    let mut open = complaint(&customer);
    open.customer = Some(proto::Id::mint(start(), customer.customer.bucket(), [9; 9]));
    assert_eq!(gate(world.try_open(&agent(), open)), "not-found");
}

#[test]
fn an_asset_of_somebody_else_is_refused() {
    let mut world = World::new();
    let other = world.identify("p2", Some("his"));
    let customer = world.identify("p1", None);
    let mut open = complaint(&customer);
    open.asset = other.asset;
    assert_eq!(fields(world.try_open(&agent(), open)), ["asset_id"]);
}

#[test]
fn a_case_without_customer_lives_at_its_branch() {
    let mut world = World::new();
    let customer = world.identify("p1", None);
    let mut open = complaint(&customer);
    (open.customer, open.asset) = (None, None);
    let opened = world.open(open);
    assert_eq!(opened.ticket.bucket(), intake_core::keys::branch_bucket("B1"));
    assert!(matches!(world.ticket(opened.ticket).state, State::Open(_)));
}

#[test]
fn explained_and_done_is_a_contact_and_no_case() {
    let mut world = World::new();
    let customer = world.identify("p1", None);
    let mut open = complaint(&customer);
    open.facts.set("explained", Value::Bool(true));
    let reply = world.command(&agent(), Command::Open(Box::new(open))).expect("it is taken");
    let Reply::Contacted(contacted) = reply else { panic!("a contact, not {reply:?}") };
    let file: Customer = world.intake.get(customer.customer).expect("the customer is on file");
    assert_eq!(file.contacts.iter().map(|contact| contact.id).collect::<Vec<_>>(), [contacted.contact]);
    assert!(file.tickets.is_empty() && !file.contacts[0].personal.is_empty());
    let said = world.intake.take_said();
    let Some(AnyEvent::ContactLogged(logged)) = said.last() else { panic!("{said:?}") };
    assert_eq!((logged.category.as_str(), logged.branch.as_str()), ("repair", "B1"));
}

#[test]
fn only_systems_say_when_it_happened() {
    let mut world = World::new();
    let customer = world.identify("p1", None);
    let mut open = complaint(&customer);
    open.occurred_at = Some(start().plus(-DAY));
    assert_eq!(fields(world.try_open(&agent(), open.clone())), ["occurred_at"]);
    let opened = world.try_open(&importer(), open.clone()).expect("an import may");
    assert_eq!(world.ticket(opened.ticket).opened_at, start().plus(-DAY));
    for wrong in [start().plus(1), start().plus(-401 * DAY)] {
        open.occurred_at = Some(wrong);
        assert_eq!(fields(world.try_open(&importer(), open.clone())), ["occurred_at"]);
    }
}

#[test]
fn the_shop_raises_its_own_cases() {
    let mut world = World::new();
    let customer = world.identify("p1", None);
    let opened =
        world.try_open(&person("P-CR1", "cr-manager", "B1"), complaint(&customer)).expect("its own branch");
    assert_eq!(world.ticket(opened.ticket).facts.code("source"), Some("shop"));
}

#[test]
fn a_preview_says_what_opening_would_do_and_writes_nothing() {
    let mut world = World::new();
    let customer = world.identify("p1", Some("car"));
    let open = complaint(&customer);
    let file = world.intake.get(customer.customer);
    let seen = intake_core::preview::preview(&open, file, &agent(), &world.intake.directory, start())
        .expect("it would open");
    assert_eq!(
        (seen.unit.as_str(), seen.role.as_str(), seen.judged.severity.as_str()),
        ("after-sales", "cr-manager", "general")
    );
    assert_eq!(
        seen.clocks,
        [
            ("overall".to_owned(), at("2026-03-03T02:00:00Z")),
            ("hand_off".to_owned(), at("2026-03-02T02:30:00Z")),
        ]
    );
    assert!(world.said().is_empty());
    let mut wrong = open;
    wrong.personal.insert("customer_name".into(), sealed("x"));
    wrong.facts.remove("category");
    let refused = intake_core::preview::preview(&wrong, None, &agent(), &world.intake.directory, start());
    assert_eq!(fields(refused), ["asset_id", "form.category"]);
}

#[test]
fn the_form_says_which_car_on_file_it_is_about() {
    let mut world = World::new();
    let identified = world.identify("p1", Some("t-plate"));
    let mut open = complaint(&identified);
    open.asset = None;
    let opened = world.open(open.clone());
    assert_eq!(world.ticket(opened.ticket).asset, identified.asset);
    open.tokens = vec!["another-plate".into()];
    let opened = world.open(open);
    assert_eq!(world.ticket(opened.ticket).asset, None);
}

#[test]
fn a_ticket_is_found_by_the_vin_that_only_the_first_question_brought() {
    let mut world = World::new();
    let mut caller = world.caller("p1", Some("car"));
    caller.asset.as_mut().expect("given").tokens = vec!["t-vin".into()];
    let identified = world.send_identify(caller);
    let opened = world.open(complaint(&identified));
    assert!(world.ticket(opened.ticket).tokens.contains(&"t-vin".to_owned()));
}
