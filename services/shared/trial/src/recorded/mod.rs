//! What others recorded: tables of requests (a row per case) and event logs (a row per event), with a mapping that says
//! which column is what.

mod event;
mod mapping;
mod reading;
mod sheet;

pub use mapping::{Activity, Flag, Mapping, Shape, Source};
pub use reading::{History, Reading, Skipped, code_of, read};
pub use sheet::{Sheet, SheetRow};
