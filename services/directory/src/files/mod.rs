//! Files of an organisation as records: what offices really keep, in the
//! encodings that they keep it in.
//!
//! ```text
//! bytes --text.rs (UTF-8, GB18030)--> text --sheet.rs (columns by zh or en names)--> rows
//!   nodes.rs, persons.rs: rows -> records      dealers.rs: a maker's dealer list -> areas and branches
//!   organisation.rs: one YAML file with both   staff.rs: invented staff for a dealer list
//! ```
//!
//! A row that does not fit is reported with its line and left out; a file that
//! does not fit at all is an error that says why.

mod dealers;
mod nodes;
mod organisation;
mod persons;
pub mod phones;
mod sheet;
mod staff;
mod text;

use proto::directory::v1::{BadRecord, NodeRecord, PersonRecord};
use thiserror::Error;

pub use dealers::dealers_csv;
pub use nodes::nodes_csv;
pub use organisation::organisation_yaml;
pub use persons::persons_csv;
pub use staff::{invented_name, staff_for};
pub use text::decode;

/// Where dates without a zone are meant.
pub const HOME_ZONE: &str = "Asia/Shanghai";

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    pub nodes: Vec<NodeRecord>,
    pub persons: Vec<PersonRecord>,
    /// Rows that were left out.
    pub bad: Vec<BadRecord>,
    /// Rows that were kept without the cell that did not fit.
    pub warnings: Vec<BadRecord>,
}

/// A file that cannot be used at all.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FileError {
    #[error("{file}, line {line}: neither UTF-8 nor GB18030; save it as UTF-8 and try again")]
    Encoding { file: String, line: usize },
    #[error("{file} is empty")]
    Empty { file: String },
    #[error("{file}, line {line}: {why}")]
    Shape { file: String, line: usize, why: String },
    #[error("{file}: there is no column `{column}`; there are: {known}")]
    UnknownColumn { file: String, column: String, known: String },
    #[error("{file}: the column `{column}` comes twice")]
    DoubleColumn { file: String, column: String },
    #[error("{file}: the column `{column}` is missing")]
    MissingColumn { file: String, column: String },
    #[error("{file}: not a list of nodes, of persons or of dealers; its first line must name the columns")]
    UnknownKind { file: String },
}

impl FileError {
    /// The same for Chinese readers.
    pub fn zh(&self) -> String {
        match self {
            FileError::Encoding { file, line } => {
                format!("{file} 第 {line} 行既不是 UTF-8 也不是 GB18030；请另存为 UTF-8 后重试")
            }
            FileError::Empty { file } => format!("{file} 是空的"),
            FileError::Shape { file, line, why } => format!("{file} 第 {line} 行无法读取：{why}"),
            FileError::UnknownColumn { file, column, known } => {
                format!("{file}：没有“{column}”这一列；可用：{known}")
            }
            FileError::DoubleColumn { file, column } => format!("{file}：“{column}”一列出现了两次"),
            FileError::MissingColumn { file, column } => format!("{file}：缺少“{column}”一列"),
            FileError::UnknownKind { file } => format!("{file}：不是组织、人员或经销商清单；第一行须为列名"),
        }
    }
}

/// Reads a file of any kind; which one it is, its name and first line say.
/// `parent` is the node under which a dealer list is hung.
///
/// # Errors
/// A file that cannot be used at all.
pub fn read(file: &str, bytes: &[u8], parent: &str) -> Result<Reading, FileError> {
    let text = decode(file, bytes)?;
    if text.trim().is_empty() {
        return Err(FileError::Empty { file: file.to_owned() });
    }
    if file.ends_with(".yaml") || file.ends_with(".yml") {
        return organisation_yaml(file, &text);
    }
    let header = text.lines().next().unwrap_or_default();
    if sheet::names(header, &["dealer_code", "经销商代码"]) {
        dealers_csv(file, &text, parent)
    } else if sheet::names(header, &["roles", "角色", "岗位"]) {
        persons_csv(file, &text)
    } else if sheet::names(header, &["level", "层级"]) {
        nodes_csv(file, &text)
    } else {
        Err(FileError::UnknownKind { file: file.to_owned() })
    }
}

fn bad(place: &str, field: &str, zh: impl Into<String>, en: impl Into<String>) -> BadRecord {
    BadRecord { place: place.to_owned(), field: field.to_owned(), reason_zh: zh.into(), reason_en: en.into() }
}
