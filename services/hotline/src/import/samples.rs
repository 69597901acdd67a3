//! The mappings and the sample day that are delivered fit the playbook and the sample organisation.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
};

use playbook::{Playbook, render_all};

use super::{
    Mapping,
    row::{Branch, Case, Ground, read_all},
    table::Table,
};

fn deploy(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(path)
}

fn rule_book() -> Playbook {
    let text = std::fs::read_to_string(deploy("playbooks/dealer-group/playbook.yaml")).unwrap();
    Playbook::load(&[("playbook.yaml", &text)])
        .unwrap_or_else(|found| panic!("{}", render_all(&found, playbook::Lang::En)))
}

fn codes(file: &str, only: impl Fn(&Table, usize) -> bool) -> BTreeSet<String> {
    let table = Table::read(&deploy(file), Default::default(), b',').unwrap();
    let rows = 0..table.lines.len();
    rows.filter(|row| only(&table, *row)).map(|row| table.lines[row].fields[0].clone()).collect()
}

fn ground(source: &str) -> Ground {
    let branches =
        codes("directory/nodes.csv", |table, row| table.field(&table.lines[row], "层级") == "门店");
    Ground {
        branches: branches.into_iter().map(|code| Branch { code, name: String::new() }).collect(),
        day: jiff::civil::date(2026, 3, 2),
        at: "2026-03-02T00:00:00Z".parse().unwrap(),
        source: source.into(),
    }
}

fn read(table: &Table, mapping: &str) -> (Mapping, Vec<Case>) {
    let mapping = Mapping::read(&deploy(mapping)).unwrap();
    table.must_have(&mapping.columns()).unwrap();
    let (cases, bad) = read_all(table, usize::MAX, &mapping, &ground(mapping.source.as_deref().unwrap()));
    assert_eq!(bad, []);
    (mapping, cases)
}

/// Every field is one of the form's, and every choice one of its options.
fn fits(mapping: &Mapping, cases: &[Case]) {
    let book = rule_book();
    let case_type = book.case_type(&mapping.case_type).unwrap();
    for case in cases {
        assert!(case_type.channels.iter().any(|channel| channel.code == case.channel), "{case:?}");
        for (name, text) in &case.form {
            let field = case_type.field(name).unwrap_or_else(|| panic!("no field {name}"));
            let choices = field.choices();
            let known = choices.is_empty()
                || choices.iter().any(|choice| choice.code == *text || choice.name.zh == *text);
            assert!(known, "line {}: {name} = {text}", case.line);
        }
        for name in ["customer_name", "phone", "plate", "model", "content", "category"] {
            assert!(case.form.contains_key(name), "line {}: {name}", case.line);
        }
        assert!(intake::phone::normalise(&case.form["phone"]).is_ok());
        assert!(intake::plate::normalise(&case.form["plate"]).is_ok(), "{}", case.form["plate"]);
    }
}

#[test]
fn the_sample_day_fits_playbook_and_organisation() {
    let table = Table::read(&deploy("demo/complaints.csv"), Default::default(), b',').unwrap();
    let (mapping, cases) = read(&table, "imports/demo-day.yaml");
    assert_eq!(cases.len(), 118);
    fits(&mapping, &cases);
    assert!(
        cases.iter().all(|case| intake::phone::normalise(&case.form["phone"]).unwrap().starts_with("+86142"))
    );
    let persons = codes("directory/persons.csv", |_, _| true);
    let about: Vec<&String> = cases.iter().filter_map(|case| case.form.get("about_person")).collect();
    assert!(about.len() == 1 && persons.contains(about[0]), "{about:?}");
    let branches: BTreeSet<&str> = cases.iter().map(|case| case.branch.as_str()).collect();
    assert_eq!(branches.len(), 24);
    let vins = cases.iter().filter_map(|case| case.form.get("vin"));
    assert!(
        vins.clone().count() > 10
            && vins.clone().all(|vin| intake::vin::normalise(vin).is_ok_and(|vin| intake::vin::checks(&vin)))
    );
    let major = |case: &&Case| {
        [
            "return_demanded",
            "media_report",
            "door_blocked",
            "disturbance",
            "wide_impact",
            "vile",
            "manufacturer_complaint",
        ]
        .iter()
        .any(|name| case.form.contains_key(*name))
    };
    assert_eq!(cases.iter().filter(major).count(), 25);
    let mut cars: HashMap<&str, u32> = HashMap::new();
    cases.iter().for_each(|case| *cars.entry(&case.form["plate"]).or_default() += 1);
    assert_eq!(cars.values().filter(|times| **times > 1).count(), 3);
    let window = "2026-03-03T18:00:00/2026-03-03T20:00:00";
    assert!(cases.iter().any(|case| case.form.get("preferred_call_time").is_some_and(|text| text == window)));
    let brand = |case: &&Case| {
        case.form["brand"] == if case.branch.starts_with("SF") { "brand_a" } else { "brand_b" }
    };
    assert!(cases.iter().all(|case| brand(&case)));
}

#[test]
fn a_portals_export_is_classified_and_spread_without_its_contacts() {
    let head = "投诉编号,投诉品牌,投诉车系,投诉车型,投诉简述,投诉问题,问题类型,投诉日期\n";
    let rows = "20260301101197000001,甲,乙,丙,多媒体黑屏，要求退车,电气设备,中控黑屏,2026-03-01\n\
                20240301101112000002,甲,乙,丙,,承诺不兑现,服务承诺不兑现,2024-03-01\n\
                20260301101112000003,甲,乙,丙,降价了,销售欺诈,其他,2026-03-01\n\
                20260301101112000004,甲,,,找媒体曝光,,,2026-03-01\n";
    let table = Table::parse(format!("{head}{rows}").as_bytes(), Default::default(), b',').unwrap();
    let (mapping, cases) = read(&table, "imports/car-complaints.yaml");
    fits(&mapping, &cases);
    let field = |place: usize, name: &str| cases[place].form.get(name).map(String::as_str);
    let categories: Vec<_> = (0..4).map(|place| field(place, "category").unwrap()).collect();
    assert_eq!(categories, ["product_quality", "service_quality", "new_car_contract", "product_quality"]);
    assert_eq!(
        (field(0, "return_demanded"), field(0, "media_report")),
        (Some("true"), None),
        "a multimedia screen is no press"
    );
    assert_eq!(field(3, "media_report"), Some("true"));
    assert_eq!(field(1, "content"), Some("承诺不兑现：服务承诺不兑现"));
    assert_eq!((field(2, "department"), field(0, "department")), (Some("sales"), Some("after_sales")));
    assert_eq!((field(0, "model"), field(3, "model")), (Some("甲 乙 丙"), Some("甲")));
    let at = "2026-03-01T02:11:00Z".parse::<jiff::Timestamp>().unwrap().as_microsecond();
    assert_eq!((cases[0].occurred_at, cases[1].occurred_at), (at, 0));
    let spread: BTreeMap<&str, usize> = cases.iter().map(|case| (case.branch.as_str(), 1)).collect();
    assert!(spread.len() > 1);
}
