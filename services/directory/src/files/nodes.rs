//! `nodes.csv`: the tree of the organisation.

use proto::directory::v1::{BadRecord, Node, NodeRecord};

use super::{
    FileError, Reading, bad, phones,
    sheet::{self, Column, Row, column, yes},
};

pub(super) const COLUMNS: &[Column] = &[
    column("code", true, &["代码", "编码", "组织代码"]),
    column("parent", false, &["上级", "上级代码"]),
    column("level", true, &["层级"]),
    column("name", true, &["名称", "组织名称"]),
    column("calendar", false, &["日历"]),
    column("zone", false, &["时区"]),
    column("closed", false, &["停业", "已停业"]),
    column("phone", false, &["电话", "tel"]),
    column("address", false, &["地址"]),
];

/// Levels as people call them.
const LEVELS: &[(&str, &str)] = &[
    ("集团", "group"),
    ("事业部", "division"),
    ("品牌事业部", "division"),
    ("大区", "area"),
    ("区域", "area"),
    ("门店", "branch"),
    ("4s店", "branch"),
    ("部门", "department"),
];

/// Reads a list of nodes.
///
/// # Errors
/// A table that does not fit at all.
pub fn nodes_csv(file: &str, text: &str) -> Result<Reading, FileError> {
    let mut reading = Reading::default();
    for row in sheet::rows(file, text, COLUMNS)? {
        take(&row, &mut reading);
    }
    Ok(reading)
}

pub(super) fn take(row: &Row, reading: &mut Reading) {
    match record(row, &mut reading.warnings) {
        Ok(record) => reading.nodes.push(record),
        Err(why) => reading.bad.push(why),
    }
}

fn record(row: &Row, warnings: &mut Vec<BadRecord>) -> Result<NodeRecord, BadRecord> {
    let closed = yes(row.get("closed"))
        .ok_or_else(|| bad(&row.place, "closed", "请填 是 或 否。", "Write yes or no."))?;
    let level = row.get("level").to_lowercase();
    let level = LEVELS.iter().find(|(zh, _)| *zh == level).map_or(level.clone(), |(_, en)| (*en).to_owned());
    Ok(NodeRecord {
        place: row.place.clone(),
        node: Some(Node {
            code: row.owned("code"),
            parent: row.owned("parent"),
            level,
            name: row.owned("name"),
            calendar: row.owned("calendar"),
            zone: row.owned("zone"),
            closed,
        }),
        phone: phone(&row.place, "phone", row.get("phone"), warnings).unwrap_or_default(),
        address: row.owned("address"),
    })
}

/// The first number of a cell; what is none is reported and kept out. The
/// report does not repeat it: it may be somebody's.
pub(super) fn phone(place: &str, field: &str, cell: &str, warnings: &mut Vec<BadRecord>) -> Option<String> {
    let phones = phones::read(cell);
    if !phones.bad.is_empty() {
        let count = phones.bad.len();
        warnings.push(bad(
            place,
            field,
            format!("{count} 个电话号码格式不正确，未导入。"),
            format!("{count} telephone number(s) do not fit and were left out."),
        ));
    }
    phones.good.into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chinese_list_is_read() {
        let text =
            "代码,上级,层级,名称,停业,电话\nG,,集团,示例集团,否,\nB1,G,4S店,示例门店,是,021-11112222\n";
        let reading = nodes_csv("nodes.csv", text).unwrap();
        let nodes: Vec<_> = reading.nodes.iter().map(|r| r.node.clone().unwrap()).collect();
        assert_eq!(
            (nodes[0].level.as_str(), nodes[1].level.as_str(), nodes[1].closed),
            ("group", "branch", true)
        );
        assert_eq!(
            (reading.nodes[1].place.as_str(), reading.nodes[1].phone.as_str()),
            ("nodes.csv:3", "021-11112222")
        );
        assert!(reading.bad.is_empty() && reading.warnings.is_empty());
    }

    #[test]
    fn a_bad_cell_is_reported_with_its_line() {
        let text = "code,level,name,closed,phone\nA,branch,a,maybe,\nB,branch,b,,12345\n";
        let reading = nodes_csv("nodes.csv", text).unwrap();
        assert_eq!((reading.bad[0].place.as_str(), reading.bad[0].field.as_str()), ("nodes.csv:2", "closed"));
        assert_eq!(
            (reading.warnings[0].place.as_str(), reading.nodes[0].phone.as_str()),
            ("nodes.csv:3", "")
        );
        assert!(!reading.warnings[0].reason_en.contains("12345"));
    }
}
