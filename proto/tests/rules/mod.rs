//! The rules themselves, over any descriptors.

use std::collections::{BTreeMap, BTreeSet};

use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor, Value};

const KIND: &str = "hotline.options.v1.text";
const EVENT: &str = "hotline.options.v1.event";
const ORGANISATION: i32 = 6;

/// Parts of a field's name that sound personal.
const PERSONAL: [&str; 13] = [
    "name", "surname", "phone", "mobile", "tel", "address", "text", "note", "notes", "remark", "content",
    "mail", "email",
];

/// Named so and harmless all the same, each with its reason.
pub const EXCUSED: [(&str, &str); 2] = [
    ("hotline.common.v1.Fact.name", "a fact's name in the playbook"),
    ("hotline.directory.v1.DocumentFile.text", "a playbook's own text, which is published"),
];

/// Calls that change nothing; every other one is a command.
const READS: [&str; 9] = ["Get", "List", "Find", "Preview", "Read", "Heads", "Passed", "Check", "Simulate"];

/// Changes nothing in a journal: it hands out a token.
const NO_COMMAND: [&str; 3] = [
    "hotline.directory.v1.DirectoryService.SignIn",
    "hotline.directory.v1.DirectoryService.SignInVouched",
    "hotline.directory.v1.DirectoryService.RenewToken",
];

/// Every fault at once.
pub fn faults(pool: &DescriptorPool) -> Vec<String> {
    let mut faults = Vec::new();
    for field in said_fields(pool).values() {
        faults.extend(field_fault(field));
    }
    faults.extend(name_faults(pool));
    let methods = pool.services().flat_map(|service| service.methods().collect::<Vec<_>>());
    faults.extend(methods.filter_map(|method| method_fault(&method)));
    faults
}

/// Messages with the event option, and `(thing, event)`.
pub fn events(pool: &DescriptorPool) -> Vec<(MessageDescriptor, String, String)> {
    let option = pool.get_extension_by_name(EVENT).expect("options.proto has it");
    let named = |message: MessageDescriptor| {
        let options = message.options();
        let Value::Message(name) =
            options.has_extension(&option).then(|| options.get_extension(&option).into_owned())?
        else {
            return None;
        };
        let text = |field| {
            name.get_field_by_name(field).and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
        };
        Some((message, text("thing"), text("event")))
    };
    pool.all_messages().filter_map(named).collect()
}

pub fn unused_excuses(pool: &DescriptorPool) -> Vec<&'static str> {
    let said = said_fields(pool);
    let is_used = |name: &str| said.get(name).is_some_and(sounds_personal);
    EXCUSED.iter().map(|(name, _)| *name).filter(|name| !is_used(name)).collect()
}

/// Every field that some event may carry, at whatever depth.
fn said_fields(pool: &DescriptorPool) -> BTreeMap<String, FieldDescriptor> {
    let mut fields = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut open: Vec<MessageDescriptor> = events(pool).into_iter().map(|(message, _, _)| message).collect();
    while let Some(message) = open.pop() {
        if !seen.insert(message.full_name().to_owned()) {
            continue;
        }
        for field in message.fields() {
            open.extend(inner_message(&field));
            fields.insert(field.full_name().to_owned(), field);
        }
    }
    fields
}

/// What a field leads to; of a map its values.
fn inner_message(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    let kind = field.kind();
    let inner = kind.as_message()?;
    if inner.is_map_entry() {
        return inner.map_entry_value_field().kind().as_message().cloned();
    }
    Some(inner.clone())
}

fn is_text(field: &FieldDescriptor) -> bool {
    match field.kind() {
        Kind::String | Kind::Bytes => true,
        Kind::Message(inner) if inner.is_map_entry() => {
            is_text(&inner.map_entry_key_field()) || is_text(&inner.map_entry_value_field())
        }
        _ => false,
    }
}

fn text_kind(field: &FieldDescriptor) -> i32 {
    let pool = field.parent_message().parent_pool().clone();
    let option = pool.get_extension_by_name(KIND).expect("options.proto has it");
    field.options().get_extension(&option).as_enum_number().unwrap_or_default()
}

fn field_fault(field: &FieldDescriptor) -> Option<String> {
    if !is_text(field) {
        return None;
    }
    let (name, kind) = (field.full_name(), text_kind(field));
    if kind == 0 {
        return Some(format!(
            "{name} says nothing about what it holds: add (hotline.options.v1.text), or do not say it"
        ));
    }
    let excused = EXCUSED.iter().any(|(excused, _)| *excused == name);
    (sounds_personal(field) && kind != ORGANISATION && !excused).then(|| {
        format!("{name} sounds personal: an event carries ids and codes, people's words stay sealed")
    })
}

fn sounds_personal(field: &FieldDescriptor) -> bool {
    field.name().split('_').any(|part| PERSONAL.contains(&part))
}

fn name_faults(pool: &DescriptorPool) -> Vec<String> {
    let mut faults = Vec::new();
    let mut owners: BTreeMap<(String, String), String> = BTreeMap::new();
    for (message, thing, event) in events(pool) {
        let full = message.full_name().to_owned();
        for token in [&thing, &event] {
            if token.is_empty() || !token.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
                faults.push(format!("{full}: `{token}` is no part of a subject (lower case and _)"));
            }
        }
        // What every service may say of its journal stands in a package of its own.
        let mut packages: Vec<String> = vec!["hotline.journal.v1".to_owned()];
        packages.extend(proto::Service::ALL.map(|service| format!("hotline.{}.v1", service.schema())));
        if !packages.contains(&message.package_name().to_owned()) {
            faults.push(format!("{full} stands in the package of no service"));
        }
        if let Some(other) = owners.insert((thing.clone(), event.clone()), full.clone()) {
            faults.push(format!("{full} and {other} are both called {thing}.{event}"));
        }
    }
    faults
}

fn method_fault(method: &MethodDescriptor) -> Option<String> {
    let (name, input, output) = (method.full_name(), method.input(), method.output());
    let request_id = input.get_field_by_name("request_id").filter(|field| field.kind() == Kind::String);
    let says_where = output.fields().any(|field| {
        field.kind().as_message().is_some_and(|inner| inner.full_name() == "hotline.common.v1.Position")
    });
    let only_reads = READS.iter().any(|verb| starts_with_word(method.name(), verb));
    if NO_COMMAND.contains(&name) || (only_reads && request_id.is_none()) {
        return None;
    }
    if only_reads {
        return Some(format!("{name} only reads, by its name, and has a request id: it is one or the other"));
    }
    if request_id.is_none() {
        return Some(format!(
            "{} has no `string request_id`: {name} cannot be repeated safely",
            input.full_name()
        ));
    }
    (!says_where).then(|| format!("{} does not say where the command stands (Position)", output.full_name()))
}

/// `ListDue` begins with the word `List`, `Listen` does not.
fn starts_with_word(name: &str, word: &str) -> bool {
    name.strip_prefix(word)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_uppercase()))
}
