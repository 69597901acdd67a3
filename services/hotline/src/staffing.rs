//! An invented organisation for any rule book: one line from the group down to its branches, and somebody in every role
//! wherever it is looked for. Two at each place, for nobody decides on his own request and who is complained about takes
//! no part.

use std::collections::{BTreeMap, BTreeSet};

use directory::files::{Reading, invented_name};
use playbook::{Level, Playbook};
use proto::directory::v1::{Node, NodeRecord, PersonRecord, Role};

pub const GROUP: &str = "YS";
/// Demonstration only; as the sample organisation has it.
const PASSWORD: &str = "hotline-demo";
const ADMINISTRATOR: &str = "administrator";

/// What an organisation is made of.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub branches: usize,
    /// Branches that share an area.
    pub to_an_area: usize,
    /// Holders of each role at each of its places.
    pub holders: usize,
    /// Posts at each place, at most: with fewer than there are roles somebody holds several.
    pub posts: usize,
}

/// The organisation, with everybody whom these rule books ask for.
pub fn organisation(books: &[&Playbook], size: Size) -> Reading {
    let areas = size.branches.div_ceil(size.to_an_area.max(1));
    let division = format!("{GROUP}-D1");
    let area = |number: usize| format!("{GROUP}-A{:02}", number + 1);
    let branch = |number: usize| format!("{GROUP}-B{:03}", number + 1);
    let mut nodes = vec![
        node(GROUP, "", Level::Group, "演示集团", "call-centre"),
        node(&division, GROUP, Level::Division, "演示事业部", "dealer-shop"),
    ];
    nodes.extend((0..areas).map(|n| node(&area(n), &division, Level::Area, &format!("演示{}区", n + 1), "")));
    nodes.extend((0..size.branches).map(|n| {
        node(&branch(n), &area(n / size.to_an_area.max(1)), Level::Branch, &format!("演示{}店", n + 1), "")
    }));
    let posts = posts(books, size.posts.max(1));
    let mut persons = vec![person(GROUP, "ADM", &BTreeSet::from([ADMINISTRATOR.to_owned()]))];
    for record in &nodes {
        let at = record.node.clone().unwrap_or_default();
        let here = posts.iter().filter(|(level, _)| level.as_str() == at.level);
        for (place, roles) in here.flat_map(|(_, posts)| posts.iter().enumerate()) {
            persons.extend((0..size.holders).map(|nth| {
                person(&at.code, &format!("{:02}{}", place + 1, char::from(b'A' + (nth % 26) as u8)), roles)
            }));
        }
    }
    Reading { nodes, persons, ..Reading::default() }
}

/// Roles are dealt out to the posts in turn. Rule books may look for the same role at different levels.
fn posts(books: &[&Playbook], most: usize) -> BTreeMap<Level, Vec<BTreeSet<String>>> {
    let roles: BTreeSet<(Level, String)> =
        books.iter().flat_map(|book| book.roles.values().map(|role| (role.level, role.id.clone()))).collect();
    let mut posts: BTreeMap<Level, Vec<BTreeSet<String>>> = BTreeMap::new();
    let mut dealt: BTreeMap<Level, usize> = BTreeMap::new();
    for (level, role) in roles {
        let (of_level, number) = (posts.entry(level).or_default(), dealt.entry(level).or_default());
        match of_level.get_mut(*number % most) {
            Some(post) => {
                post.insert(role);
            }
            None => of_level.push(BTreeSet::from([role])),
        }
        *number += 1;
    }
    posts
}

fn node(code: &str, parent: &str, level: Level, name: &str, calendar: &str) -> NodeRecord {
    let node = Node {
        code: code.to_owned(),
        parent: parent.to_owned(),
        level: level.as_str().to_owned(),
        name: name.to_owned(),
        calendar: calendar.to_owned(),
        zone: if parent.is_empty() { "Asia/Shanghai".to_owned() } else { String::new() },
        closed: false,
    };
    NodeRecord { place: format!("invented:{code}"), node: Some(node), ..Default::default() }
}

fn person(at: &str, post: &str, roles: &BTreeSet<String>) -> PersonRecord {
    let code = format!("{at}-{post}");
    PersonRecord {
        place: format!("invented:{code}"),
        name: invented_name(&code),
        mail: format!("{}@example.com", code.to_lowercase()),
        roles: roles.iter().map(|role| Role { role: role.clone(), node: at.to_owned() }).collect(),
        code,
        ..Default::default()
    }
}

/// One holder of each role may sign in: `(code, the role in both languages)`.
pub fn accounts(book: &Playbook, staff: &mut Reading) -> Vec<(String, String)> {
    let mut accounts = Vec::new();
    let mut let_in = |role: &str, name: String| {
        let holds = |person: &&mut PersonRecord| person.roles.iter().any(|held| held.role == role);
        if let Some(person) = staff.persons.iter_mut().find(holds) {
            person.password = PASSWORD.to_owned();
            accounts.push((person.code.clone(), name));
        }
    };
    for role in book.roles.values() {
        let_in(&role.id, format!("{} {}", role.name.en, role.name.zh));
    }
    let_in(ADMINISTRATOR, "administrator 系统管理员".to_owned());
    accounts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::packs::PACKS;

    const SIZE: Size = Size { branches: 5, to_an_area: 2, holders: 2, posts: usize::MAX };

    #[test]
    fn every_role_of_every_pack_is_held_twice_at_each_of_its_places() {
        let books: Vec<_> = PACKS.iter().map(|pack| pack.load().unwrap()).collect();
        let books: Vec<&Playbook> = books.iter().map(AsRef::as_ref).collect();
        let whole = organisation(&books, SIZE);
        let codes: BTreeSet<_> = whole.persons.iter().map(|person| &person.code).collect();
        assert_eq!(codes.len(), whole.persons.len());
        let nodes: Vec<&Node> = whole.nodes.iter().filter_map(|record| record.node.as_ref()).collect();
        assert_eq!(nodes.iter().filter(|node| node.level == "area").count(), 3);
        for role in books.iter().flat_map(|book| book.roles.values()) {
            for node in nodes.iter().filter(|node| node.level == role.level.as_str()) {
                let holds = |person: &&PersonRecord| {
                    person.roles.iter().any(|held| held.role == role.id && held.node == node.code)
                };
                assert_eq!(whole.persons.iter().filter(holds).count(), 2, "{} at {}", role.id, node.code);
            }
        }
    }

    #[test]
    fn with_few_posts_somebody_holds_several_roles() {
        let book = PACKS[2].load().unwrap();
        let whole = organisation(&[&book], Size { holders: 1, posts: 3, ..SIZE });
        let here: Vec<_> =
            whole.persons.iter().filter(|person| person.code.starts_with("YS-B001-")).collect();
        assert_eq!(here.len(), 3);
        let held: usize = here.iter().map(|person| person.roles.len()).sum();
        assert_eq!(held, book.roles.values().filter(|role| role.level == Level::Branch).count());
    }

    #[test]
    fn somebody_of_each_role_may_sign_in() {
        let book = PACKS[6].load().unwrap();
        let mut staff = organisation(&[&book], SIZE);
        let accounts = accounts(&book, &mut staff);
        assert_eq!(accounts.len(), book.roles.len() + 1);
        let let_in = staff.persons.iter().filter(|person| !person.password.is_empty()).count();
        assert_eq!(let_in, accounts.len());
    }
}
