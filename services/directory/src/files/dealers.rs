//! A maker's dealer list as areas and branches.

use std::collections::BTreeMap;

use proto::directory::v1::{Node, NodeRecord};

use super::{
    FileError, Reading, bad,
    nodes::phone,
    sheet::{self, Column, Row, column},
};

const COLUMNS: &[Column] = &[
    column("area", true, &["大区"]),
    column("province", false, &["省份"]),
    column("city", false, &["城市"]),
    column("area_code", true, &["小区代码", "区域代码"]),
    column("dealer_code", true, &["经销商代码"]),
    column("dealer_name", true, &["经销商名称"]),
    column("address", false, &["地址"]),
    column("tel", false, &["电话", "销售电话"]),
    column("service_tel", false, &["服务电话"]),
    column("lon", false, &["经度"]),
    column("lat", false, &["纬度"]),
];

/// Reads a dealer list: an area for each of its areas, under `parent`, and a
/// branch for each dealer. A malformed telephone is reported and kept out, the
/// branch is kept.
///
/// # Errors
/// A table that does not fit at all.
pub fn dealers_csv(file: &str, text: &str, parent: &str) -> Result<Reading, FileError> {
    let rows = sheet::rows(file, text, COLUMNS)?;
    let areas = area_codes(&rows, parent);
    let mut reading = Reading::default();
    for (name, code) in &areas {
        let place =
            rows.iter().find(|row| row.get("area") == name.as_str()).map_or(file, |row| row.place.as_str());
        reading.nodes.push(area(&format!("{place}#area"), name, code, parent));
    }
    for row in &rows {
        match areas.get(row.get("area")) {
            Some(area) => {
                let record = branch(row, area, &mut reading);
                reading.nodes.push(record);
            }
            None => reading.bad.push(bad(
                &row.place,
                "area",
                "缺少大区或其代码。",
                "The area or its code is missing.",
            )),
        }
    }
    Ok(reading)
}

/// Areas carry no code of their own: the letters that most of their
/// sub-areas' codes begin with (`E2`, `E11` -> `E`) make one.
fn area_codes(rows: &[Row], parent: &str) -> BTreeMap<String, String> {
    let mut letters: BTreeMap<&str, BTreeMap<String, usize>> = BTreeMap::new();
    for row in rows.iter().filter(|row| !row.get("area").is_empty()) {
        let code: String = row.get("area_code").chars().take_while(char::is_ascii_alphabetic).collect();
        if !code.is_empty() {
            *letters.entry(row.get("area")).or_default().entry(code).or_default() += 1;
        }
    }
    let most = |counts: BTreeMap<String, usize>| {
        counts.into_iter().max_by_key(|(_, count)| *count).map(|(code, _)| code)
    };
    letters
        .into_iter()
        .filter_map(|(area, counts)| Some((area.to_owned(), format!("{parent}-{}", most(counts)?))))
        .collect()
}

fn area(place: &str, name: &str, code: &str, parent: &str) -> NodeRecord {
    let node = Node {
        code: code.to_owned(),
        parent: parent.to_owned(),
        level: "area".to_owned(),
        name: name.to_owned(),
        ..Default::default()
    };
    NodeRecord { place: place.to_owned(), node: Some(node), ..Default::default() }
}

fn branch(row: &Row, area: &str, reading: &mut Reading) -> NodeRecord {
    // Complaints concern service: its line first, if it is one.
    let service = phone(&row.place, "service_tel", row.get("service_tel"), &mut reading.warnings);
    let sales = phone(&row.place, "tel", row.get("tel"), &mut reading.warnings);
    let node = Node {
        code: row.owned("dealer_code"),
        parent: area.to_owned(),
        level: "branch".to_owned(),
        name: row.owned("dealer_name"),
        ..Default::default()
    };
    NodeRecord {
        place: row.place.clone(),
        node: Some(node),
        phone: service.or(sales).unwrap_or_default(),
        address: row.owned("address"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str =
        "area,province,city,area_code,dealer_code,dealer_name,address,tel,service_tel,lon,lat\n";

    fn read(rows: &str) -> Reading {
        dealers_csv("dealers.csv", &format!("{HEAD}{rows}"), "D1").unwrap()
    }

    #[test]
    fn dealers_hang_below_their_areas() {
        let reading = read(
            "东区,甲省,甲市,E2,X00001,甲店,甲路1号,021-11112222,021-33334444,121.5,31.2\n\
            东区,甲省,乙市,E11,X00002 ,乙店,,0515- 11112222,,,\n北区,丙省,丙市,N1,X00003,丙店,,,,,\n",
        );
        let nodes: Vec<_> = reading.nodes.iter().map(|r| r.node.as_ref().unwrap()).collect();
        let shape: Vec<_> =
            nodes.iter().map(|n| (n.code.as_str(), n.parent.as_str(), n.level.as_str())).collect();
        assert_eq!(
            shape,
            [
                ("D1-E", "D1", "area"),
                ("D1-N", "D1", "area"),
                ("X00001", "D1-E", "branch"),
                ("X00002", "D1-E", "branch"),
                ("X00003", "D1-N", "branch"),
            ]
            .map(|(code, parent, level)| (code, parent, level))
        );
        let phones: Vec<_> = reading.nodes[2..].iter().map(|r| r.phone.as_str()).collect();
        assert_eq!(phones, ["021-33334444", "0515-11112222", ""]);
        assert!(reading.warnings.is_empty());
    }

    #[test]
    fn a_malformed_telephone_does_not_cost_the_branch() {
        let reading = read("东区,甲省,甲市,E2,X00001,甲店,,021-11112222/33334444,5236777,,\n");
        assert_eq!(reading.nodes.last().unwrap().phone, "021-11112222");
        let warned: Vec<_> = reading.warnings.iter().map(|w| (w.place.as_str(), w.field.as_str())).collect();
        assert_eq!(warned, [("dealers.csv:2", "service_tel")]);
    }

    #[test]
    fn a_dealer_without_an_area_is_left_out() {
        let reading = read(",甲省,甲市,E2,X00001,甲店,,,,,\n");
        assert_eq!((reading.nodes.len(), reading.bad[0].field.as_str()), (0, "area"));
    }

    /// Runs against a real list where one is at hand: `DEALERS_CSV=.../dealers.csv`.
    #[test]
    fn a_real_list_is_read_whole() {
        let Ok(path) = std::env::var("DEALERS_CSV") else { return };
        let bytes = std::fs::read(&path).expect("DEALERS_CSV names a file");
        let reading = super::super::read("dealers.csv", &bytes, "D1").expect("a dealer list");
        let rows = bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty()).count() - 1;
        let branches =
            reading.nodes.iter().filter(|r| r.node.as_ref().is_some_and(|n| n.level == "branch")).count();
        assert_eq!(branches + reading.bad.len(), rows);
        assert!(reading.bad.is_empty(), "{:?}", reading.bad);
        assert!(!reading.warnings.is_empty(), "real lists have malformed numbers");
    }
}
