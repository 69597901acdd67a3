//! Invented staff for a real dealer list, so that its branches can be tried.

use proto::directory::v1::{PersonRecord, Role};

/// Suffix of the code, and roles, of everybody at a branch.
const POSTS: &[(&str, &[&str])] = &[
    ("GM", &["gm", "crisis-team"]),
    ("CRM", &["cr-manager", "crisis-team"]),
    ("CRS", &["cr-specialist"]),
    ("SVM", &["service-manager", "crisis-team"]),
    ("SLM", &["sales-manager", "crisis-team"]),
];

/// Who stands in for whom while absent.
const DEPUTIES: &[(&str, &str)] = &[("GM", "SVM"), ("CRM", "CRS"), ("SVM", "CRM"), ("SLM", "GM")];

const FAMILY: &[char] =
    &['赵', '钱', '孙', '李', '周', '吴', '郑', '王', '冯', '陈', '褚', '卫', '蒋', '沈', '韩', '杨'];
const GIVEN: &[char] =
    &['甲', '乙', '丙', '丁', '戊', '己', '庚', '辛', '壬', '癸', '子', '丑', '寅', '卯', '辰', '巳'];

/// Five persons for each branch, known as `<branch>-GM` and so on, with names
/// made of family names and calendar signs, and mail addresses that nobody has.
/// No telephones: any number might be somebody's. The same branches give the
/// same staff.
pub fn staff_for<'a>(branches: impl IntoIterator<Item = &'a str>) -> Vec<PersonRecord> {
    branches
        .into_iter()
        .flat_map(|branch| POSTS.iter().map(move |(post, roles)| person(branch, post, roles)))
        .collect()
}

fn person(branch: &str, post: &str, roles: &[&str]) -> PersonRecord {
    let code = format!("{branch}-{post}");
    let deputy =
        DEPUTIES.iter().find(|(absent, _)| *absent == post).map(|(_, deputy)| format!("{branch}-{deputy}"));
    PersonRecord {
        place: format!("staff:{code}"),
        name: invented_name(&code),
        mail: format!("{}@example.com", code.to_lowercase()),
        roles: roles.iter().map(|role| Role { role: (*role).to_owned(), node: branch.to_owned() }).collect(),
        deputy: deputy.unwrap_or_default(),
        code,
        ..Default::default()
    }
}

/// A name for whoever has this code. Spread by its letters (FNV-1a): no two
/// posts of a branch alike by rule, and nothing random.
pub fn invented_name(code: &str) -> String {
    let hash = code
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, b| (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    let pick = |letters: &[char], shift: u32| letters[(hash >> shift) as usize % letters.len()];
    [pick(FAMILY, 8), pick(GIVEN, 16), pick(GIVEN, 24)].iter().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_branch_has_its_posts_and_a_crisis_team_led_by_its_manager() {
        let staff = staff_for(["A1", "A2"]);
        let codes: BTreeSet<_> = staff.iter().map(|p| p.code.as_str()).collect();
        assert_eq!(codes.len(), 10);
        assert!(
            staff
                .iter()
                .all(|p| p.deputy.is_empty() || codes.contains(p.deputy.as_str()) && p.deputy != p.code)
        );
        let gm = &staff[0];
        assert_eq!((gm.code.as_str(), gm.roles[0].node.as_str()), ("A1-GM", "A1"));
        assert!(gm.roles.iter().any(|r| r.role == "crisis-team"));
        assert!(staff.iter().all(|p| p.phone.is_empty() && p.mail.ends_with("@example.com")));
    }

    #[test]
    fn the_same_branches_give_the_same_staff() {
        assert_eq!(staff_for(["A1"]), staff_for(["A1"]));
    }
}
