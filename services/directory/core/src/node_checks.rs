//! Which nodes of an import fit: each by itself, then all of them together as
//! the tree that would result. Leaving one out can make another one not fit,
//! so the tree is looked at until nothing falls out any more.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use crate::{
    command::{BadRecord, NodeInput},
    level::NodeLevel,
    state::{Catalogue, Placed},
    words::{is_code, shown},
};

/// Longest chain of parents that is followed.
const DEEPEST: usize = 16;

/// The nodes that fit, by code; the others are reported.
pub(crate) fn fitting<'a>(
    inputs: &'a [NodeInput],
    catalogue: &Catalogue,
    bad: &mut Vec<BadRecord>,
) -> BTreeMap<&'a str, &'a NodeInput> {
    let mut plan: BTreeMap<&str, &NodeInput> = BTreeMap::new();
    for input in inputs {
        if let Some(why) = by_itself(input, catalogue) {
            bad.push(why);
        } else if let Some(first) = plan.get(input.code.as_str()) {
            bad.push(twice(&input.place, &input.code, &first.place));
        } else {
            plan.insert(&input.code, input);
        }
    }
    loop {
        let broken = Tree { plan: &plan, catalogue }.broken();
        if broken.is_empty() {
            return plan;
        }
        for why in broken {
            plan.retain(|_, input| input.place != why.place);
            bad.push(why);
        }
    }
}

pub(crate) fn twice(place: &str, code: &str, first: &str) -> BadRecord {
    BadRecord::new(
        place,
        "code",
        format!("代码 {code} 在 {first} 已出现；保留了前一条。"),
        format!("{code} stood at {first} already; the first one was kept."),
    )
}

pub(crate) fn bad_code(place: &str, field: &str, code: &str) -> BadRecord {
    BadRecord::new(
        place,
        field,
        format!("“{}”不能作代码：只用字母、数字、- 和 _，以字母或数字开头，最多 64 个字符。", shown(code)),
        format!(
            "`{}` is no code: letters, digits, - and _ only, beginning with a letter or digit, at most 64.",
            shown(code)
        ),
    )
}

fn by_itself(input: &NodeInput, catalogue: &Catalogue) -> Option<BadRecord> {
    let say = |field: &str, zh: String, en: String| Some(BadRecord::new(&input.place, field, zh, en));
    if !is_code(&input.code) {
        return Some(bad_code(&input.place, "code", &input.code));
    }
    if input.name.trim().is_empty() {
        return say("name", "缺少名称。".into(), "The name is missing.".into());
    }
    let Some(level) = input.level() else {
        let known = NodeLevel::ALL.map(NodeLevel::as_str).join(", ");
        return say(
            "level",
            format!("层级“{}”不存在；可用：{known}。", shown(&input.level)),
            format!("There is no level `{}`; there are: {known}.", shown(&input.level)),
        );
    };
    match &input.parent {
        None if level != NodeLevel::Group => {
            return say(
                "parent",
                "缺少上级；只有集团没有上级。".into(),
                "The parent is missing; only the group has none.".into(),
            );
        }
        Some(_) if level == NodeLevel::Group => {
            return say("parent", "集团没有上级。".into(), "The group has no parent.".into());
        }
        Some(parent) if *parent == input.code => {
            return say("parent", "不能以自己为上级。".into(), "A node cannot be its own parent.".into());
        }
        _ => {}
    }
    if let Some(zone) = &input.zone
        && TimeZone::get(zone).is_err()
    {
        let zone = shown(zone);
        return say(
            "zone",
            format!("“{zone}”不是 IANA 时区，例如 Asia/Shanghai。"),
            format!("`{zone}` is not an IANA zone such as Asia/Shanghai."),
        );
    }
    if let Some(calendar) = &input.calendar
        && !catalogue.calendars.contains(calendar)
    {
        let calendar = shown(calendar);
        return say(
            "calendar",
            format!("日历 {calendar} 还没有启用；请先启用。"),
            format!("Calendar {calendar} is not active; activate it first."),
        );
    }
    None
}

/// The tree as it would be: planned nodes over those already there.
struct Tree<'a> {
    plan: &'a BTreeMap<&'a str, &'a NodeInput>,
    catalogue: &'a Catalogue,
}

impl Tree<'_> {
    fn broken(&self) -> Vec<BadRecord> {
        let mut broken: Vec<BadRecord> =
            self.plan.values().filter_map(|input| self.misplaced(input)).collect();
        broken.extend(self.second_roots());
        broken.extend(self.overtaken());
        let mut seen = Vec::new();
        broken.retain(|why| {
            let new = !seen.contains(&why.place);
            seen.push(why.place.clone());
            new
        });
        broken
    }

    fn misplaced(&self, input: &NodeInput) -> Option<BadRecord> {
        let parent = input.parent.as_deref()?;
        let Some(above) = self.placed(parent) else {
            let parent = shown(parent);
            return Some(BadRecord::new(
                &input.place,
                "parent",
                format!("上级 {parent} 不存在（或未被接受）。"),
                format!("There is no parent {parent} (or it was not accepted)."),
            ));
        };
        if self.circles(&input.code) {
            return Some(BadRecord::new(
                &input.place,
                "parent",
                format!("经由 {parent} 成为自己的上级。"),
                format!("By way of {parent} it would stand above itself."),
            ));
        }
        let level = input.level()?;
        (!above.level.is_above(level)).then(|| {
            BadRecord::new(
                &input.place,
                "parent",
                format!("{}（{}）不能在 {parent}（{}）之下。", input.code, level.zh(), above.level.zh()),
                format!(
                    "{} ({}) cannot stand below {parent} ({}).",
                    input.code,
                    level.as_str(),
                    above.level.as_str()
                ),
            )
        })
    }

    fn circles(&self, code: &str) -> bool {
        let mut next = self.placed(code).and_then(|placed| placed.parent);
        for _ in 0..DEEPEST {
            match next {
                Some(parent) if parent == code => return true,
                Some(parent) => next = self.placed(&parent).and_then(|placed| placed.parent),
                None => return false,
            }
        }
        // Deeper than there are levels: a circle further up, reported where it is.
        false
    }

    /// One root only: all clocks, figures and grants of the whole group hang on it.
    fn second_roots(&self) -> Vec<BadRecord> {
        let kept = self
            .catalogue
            .nodes
            .iter()
            .find(|(code, placed)| placed.parent.is_none() && !self.plan.contains_key(code.as_str()));
        let mut root = kept.map(|(code, _)| code.as_str());
        let mut broken = Vec::new();
        for input in self.plan.values().filter(|input| input.parent.is_none()) {
            if let Some(root) = root {
                broken.push(BadRecord::new(
                    &input.place,
                    "parent",
                    format!("已有集团 {root}；只能有一个。"),
                    format!("There is the group {root} already; there can be only one."),
                ));
            } else {
                root = Some(&input.code);
            }
        }
        broken
    }

    /// Nodes that are there already and would stand below one no longer above them.
    fn overtaken(&self) -> Vec<BadRecord> {
        let below = self.catalogue.nodes.iter().filter(|(code, _)| !self.plan.contains_key(code.as_str()));
        below
            .filter_map(|(code, placed)| {
                let parent = self.plan.get(placed.parent.as_deref()?)?;
                let level = parent.level()?;
                (!level.is_above(placed.level)).then(|| {
                    BadRecord::new(
                        &parent.place,
                        "level",
                        format!("其下的 {code} 是{}，上级不能是{}。", placed.level.zh(), level.zh()),
                        format!(
                            "{code} below it is of level {}; its parent cannot be of level {}.",
                            placed.level.as_str(),
                            level.as_str()
                        ),
                    )
                })
            })
            .collect()
    }

    fn placed(&self, code: &str) -> Option<Placed> {
        match self.plan.get(code) {
            Some(input) => Some(Placed { parent: input.parent.clone(), level: input.level()? }),
            None => self.catalogue.nodes.get(code).cloned(),
        }
    }
}
