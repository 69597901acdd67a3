//! The contracts keep to their own rules: no event can carry a person's data by
//! oversight, events have one name each, commands can be repeated.

mod rules;

use prost_reflect::DescriptorPool;

fn contracts() -> DescriptorPool {
    DescriptorPool::decode(proto::DESCRIPTORS).expect("built from sources that compile")
}

/// A contract of a few lines, compiled like ours.
fn broken(body: &str) -> DescriptorPool {
    let text = format!(
        "syntax = \"proto3\";\npackage hotline.intake.v1;\nimport \"hotline/options/v1/options.proto\";\n\
         import \"hotline/common/v1/common.proto\";\n{body}\n"
    );
    let mut files = protox::file::ChainFileResolver::new();
    files.add(One(text));
    files.add(protox::file::IncludeFileResolver::new(".".into()));
    files.add(protox::file::GoogleFileResolver::new());
    let mut compiler = protox::Compiler::with_file_resolver(files);
    compiler.include_imports(true).open_file("broken.proto").expect("it compiles, it only breaks our rules");
    DescriptorPool::decode(compiler.encode_file_descriptor_set().as_slice()).expect("just encoded")
}

struct One(String);

impl protox::file::FileResolver for One {
    fn open_file(&self, name: &str) -> Result<protox::file::File, protox::Error> {
        if name == "broken.proto" {
            return protox::file::File::from_source(name, &self.0);
        }
        Err(protox::Error::file_not_found(name))
    }
}

const EVENT: &str = "option (hotline.options.v1.event) = {thing: \"ticket\", event: \"opened\"};";

#[test]
fn the_contracts_keep_to_the_rules() {
    let pool = contracts();
    let faults = rules::faults(&pool);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(rules::events(&pool).len(), proto::event::EVENTS.len(), "the generated list holds them all");
    let unused = rules::unused_excuses(&pool);
    assert!(unused.is_empty(), "excused and not there: {unused:?}");
}

#[test]
fn text_without_a_kind_is_found_wherever_it_hides() {
    let fields = [
        ("string city = 1;", "TicketOpened.city"),
        ("bytes blob = 1;", "TicketOpened.blob"),
        ("repeated string marks = 1;", "TicketOpened.marks"),
        ("map<string, int64> counts = 1;", "TicketOpened.counts"),
        ("map<int64, Deep> deep = 1;", "Deep.city"),
        ("oneof which { string city = 1; int64 number = 2; }", "TicketOpened.city"),
        ("repeated Deep deep = 1;", "Deep.city"),
    ];
    for (field, expected) in fields {
        let pool = broken(&format!(
            "message TicketOpened {{ {EVENT} {field} }} message Deep {{ string city = 1; }}"
        ));
        let faults = rules::faults(&pool).join("\n");
        assert!(faults.contains(&format!("hotline.intake.v1.{expected} says nothing")), "{field}: {faults}");
    }
}

#[test]
fn a_personal_name_is_refused_whatever_it_claims_to_be() {
    for field in
        ["customer_name", "phone", "mobile_phone", "home_address", "note", "free_text", "content", "e_mail"]
    {
        let code = format!(
            "message TicketOpened {{ {EVENT} string {field} = 1 [(hotline.options.v1.text) = TEXT_KIND_CODE]; }}"
        );
        let faults = rules::faults(&broken(&code)).join("\n");
        assert!(faults.contains("sounds personal"), "{field}: {faults}");
    }
    let branch = format!(
        "message TicketOpened {{ {EVENT} string branch_name = 1 [(hotline.options.v1.text) = TEXT_KIND_ORGANISATION]; }}"
    );
    assert_eq!(rules::faults(&broken(&branch)), Vec::<String>::new(), "an organisation has a public name");
}

#[test]
fn names_of_events_are_one_each_and_fit_a_subject() {
    let twice = format!("message TicketOpened {{ {EVENT} }} message TicketBegun {{ {EVENT} }}");
    assert!(rules::faults(&broken(&twice)).join("\n").contains("both called ticket.opened"));
    let dotted =
        "message A { option (hotline.options.v1.event) = {thing: \"ticket.sub\", event: \"Opened\"}; }";
    let faults = rules::faults(&broken(dotted)).join("\n");
    assert!(faults.contains("`ticket.sub`") && faults.contains("`Opened`"), "{faults}");
}

#[test]
fn a_command_without_a_request_id_is_found() {
    let service = "service S { rpc Cancel(CancelRequest) returns (CancelResponse); }\n\
        message CancelRequest { string ticket_id = 1; } message CancelResponse { hotline.common.v1.Position position = 1; }";
    assert!(rules::faults(&broken(service)).join("\n").contains("CancelRequest has no `string request_id`"));
    let service = "service S { rpc Cancel(CancelRequest) returns (CancelResponse); }\n\
        message CancelRequest { string request_id = 1; } message CancelResponse {}";
    assert!(rules::faults(&broken(service)).join("\n").contains("CancelResponse does not say where"));
    let service = "service S { rpc GetIt(GetItRequest) returns (GetItResponse); }\n\
        message GetItRequest { string request_id = 1; } message GetItResponse {}";
    assert!(rules::faults(&broken(service)).join("\n").contains("GetIt only reads"));
}
