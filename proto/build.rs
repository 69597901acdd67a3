//! Compiles the contracts with protox (no protoc), and writes from the
//! descriptors the one list of events: names, types, decoding.

use std::{env, fmt::Write as _, fs, path::PathBuf};

use prost_reflect::{DescriptorPool, MessageDescriptor, Value};

const SERVICES: &[&str] =
    &["intake", "dispatch", "sla_watchdog", "follow_up", "reporting", "notify", "directory"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let mut files = vec![
        "hotline/options/v1/options.proto".to_owned(),
        "hotline/common/v1/common.proto".to_owned(),
        "hotline/journal/v1/events.proto".to_owned(),
        "hotline/journal/v1/journal.proto".to_owned(),
        "hotline/journal/v1/events.proto".to_owned(),
        "hotline/journal/v1/quarantine.proto".to_owned(),
    ];
    for service in SERVICES {
        files.push(format!("hotline/{service}/v1/events.proto"));
        files.push(format!("hotline/{service}/v1/{service}.proto"));
    }
    println!("cargo:rerun-if-changed=hotline");
    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_source_info(false).include_imports(true).open_files(&files)?;
    let encoded = compiler.encode_file_descriptor_set();
    fs::write(out.join("descriptors.bin"), &encoded)?;
    fs::write(out.join("events.rs"), events(&DescriptorPool::decode(encoded.as_slice())?)?)?;
    tonic_prost_build::configure()
        .build_transport(true)
        // In order: a repeated request must hash like the first one.
        .btree_map(".")
        .bytes(".hotline.journal.v1.Entry.payload")
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}

/// One `Event` implementation per message that carries the event option, and
/// the closed enum of them all.
fn events(pool: &DescriptorPool) -> Result<String, Box<dyn std::error::Error>> {
    let option = pool
        .get_extension_by_name("hotline.options.v1.event")
        .ok_or("the event option is missing from options.proto")?;
    let mut impls = String::new();
    let (mut variants, mut decode, mut names, mut tickets, mut hands) =
        (String::new(), String::new(), String::new(), String::new(), String::new());
    for message in pool.all_messages() {
        let options = message.options();
        if !options.has_extension(&option) {
            continue;
        }
        let name = options.get_extension(&option);
        let Value::Message(name) = name.as_ref() else {
            continue;
        };
        let text = |field: &str| {
            name.get_field_by_name(field).and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
        };
        let (thing, event) = (text("thing"), text("event"));
        let (full, path, short) = (message.full_name(), rust_path(&message), message.name());
        writeln!(
            impls,
            "impl Event for {path} {{ const TYPE: &'static str = \"{full}\"; const THING: &'static str = \"{thing}\"; \
             const EVENT: &'static str = \"{event}\"; const NAME: &'static str = \"{thing}.{event}\"; }}"
        )?;
        writeln!(
            impls,
            "impl From<{path}> for AnyEvent {{ fn from(event: {path}) -> Self {{ AnyEvent::{short}(event) }} }}"
        )?;
        writeln!(variants, "    {short}({path}),")?;
        writeln!(decode, "        \"{full}\" => AnyEvent::{short}(prost::Message::decode(payload)?),")?;
        writeln!(names, "    (\"{full}\", \"{thing}\", \"{event}\"),")?;
        let has_ticket = message.get_field_by_name("ticket").is_some();
        let arm = if has_ticket { "event.ticket.as_ref()" } else { "{ let _ = event; None }" };
        writeln!(tickets, "            AnyEvent::{short}(event) => {arm},")?;
        writeln!(hands, "            AnyEvent::{short}(event) => to.take(event),")?;
    }
    Ok(format!(
        "{impls}\n/// Every event of every service.\n#[derive(Clone, Debug, PartialEq)]\npub enum AnyEvent {{\n{variants}}}\n\
         /// `(type, thing, event)` of every event.\npub const EVENTS: &[(&str, &str, &str)] = &[\n{names}];\n\
         impl AnyEvent {{\n    /// Decodes a payload by its `ce-type`.\n    pub fn decode(kind: &str, payload: &[u8]) -> Result<Self, DecodeError> {{\n\
         Ok(match kind {{\n{decode}        _ => return Err(DecodeError::UnknownType(kind.to_owned())),\n    }})\n    }}\n\
         /// The case that the event is about, if it is about one.\n    pub fn ticket(&self) -> Option<&crate::common::v1::TicketRef> {{\n        match self {{\n{tickets}        }}\n    }}\n\
         /// Hands it over as the type that it is.\n    pub fn hand_to<L: Listener>(self, to: &mut L) -> L::Answer {{\n        match self {{\n{hands}        }}\n    }}\n}}\n"
    ))
}

fn rust_path(message: &MessageDescriptor) -> String {
    let package = message.package_name().trim_start_matches("hotline.").replace('.', "::");
    format!("crate::{package}::{}", message.name())
}
