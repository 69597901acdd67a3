//! What stands around every page: navigation, search, time, language.

use playbook::Lang;
use proto::Time;

use crate::{assets, language::Tongue, names, visitor::Visitor};

pub struct Place {
    pub path: &'static str,
    pub icon: &'static str,
    pub key: &'static str,
    pub name: &'static str,
    pub current: bool,
}

/// Path, icon, key, Chinese, English, and for whom it is offered (all, if empty). What somebody may
/// do there is decided by the owners; this only keeps the list short.
type Offer = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static [&'static str]);

const OFFERS: [Offer; 12] = [
    (
        "/desk",
        "phone",
        "d",
        "受理",
        "Take a call",
        &["call-centre-agent", "call-centre-supervisor", "cr-manager", "cr-specialist", "receptionist"],
    ),
    ("/board", "board", "b", "看板", "Board", &[]),
    ("/work", "work", "w", "我的工作", "My work", &[]),
    ("/duties", "duty", "t", "例行职责", "Duties", &[]),
    ("/calls", "call-back", "c", "回访", "Call-backs", &[]),
    ("/approvals", "stamp", "a", "审批", "Approvals", &[]),
    ("/figures", "figures", "f", "报表", "Figures", &[]),
    ("/messages", "message", "m", "已发通知", "Messages", &[]),
    ("/rules", "book", "r", "规则手册", "Rule books", &[]),
    ("/calendar", "calendar", "y", "日历", "Calendar", &[]),
    ("/directory", "people", "p", "组织", "Organisation", &[]),
    (
        "/system",
        "pulse",
        "s",
        "运行状况",
        "Health",
        &["administrator", "call-centre-supervisor", "operations-vp"],
    ),
];

pub struct Frame {
    pub tongue: Tongue,
    pub title: String,
    pub person: String,
    pub role: String,
    pub places: Vec<Place>,
    pub now: Time,
    pub factor: String,
    pub zone: String,
    pub path: String,
    pub script: String,
    pub style: String,
}

impl Frame {
    pub fn new(visitor: &Visitor, current: &'static str, title: &str) -> Frame {
        let snapshot = &visitor.known.snapshot;
        let offered = |roles: &[&str]| roles.is_empty() || roles.iter().any(|role| visitor.holds(role));
        let place = |offer: &Offer| Place {
            path: offer.0,
            icon: offer.1,
            key: offer.2,
            name: visitor.tongue.say(offer.3, offer.4),
            current: offer.0 == current,
        };
        let first = visitor.roles().next();
        let role = first.map(|(role, node)| {
            format!("{} · {}", names::role(snapshot, role, visitor.tongue), names::node(snapshot, node))
        });
        let factor = match snapshot.law().mode {
            organisation::TimeMode::Real => 1.0,
            organisation::TimeMode::Manual => 0.0,
            organisation::TimeMode::Accelerated { factor_milli } => factor_milli as f64 / 1000.0,
        };
        Frame {
            tongue: visitor.tongue,
            title: title.to_owned(),
            person: visitor.person().to_owned(),
            role: role.unwrap_or_default(),
            places: OFFERS.iter().filter(|offer| offered(offer.5)).map(place).collect(),
            now: visitor.now,
            factor: factor.to_string(),
            zone: first.and_then(|(_, node)| snapshot.zone_of(node)).unwrap_or(names::USUAL_ZONE).to_owned(),
            path: visitor.path.clone(),
            script: assets::address("desk", "js"),
            style: assets::address("style", "css"),
        }
    }

    /// Before anybody is known.
    pub fn door(tongue: Tongue, path: String) -> Frame {
        Frame {
            tongue,
            title: tongue.say("登录", "Sign in").to_owned(),
            person: String::new(),
            role: String::new(),
            places: Vec::new(),
            now: Time::UNSET,
            factor: "1".to_owned(),
            zone: names::USUAL_ZONE.to_owned(),
            path,
            script: assets::address("desk", "js"),
            style: assets::address("style", "css"),
        }
    }

    pub fn say<'w>(&self, zh: &'w str, en: &'w str) -> &'w str {
        self.tongue.say(zh, en)
    }

    pub fn is_english(&self) -> bool {
        self.tongue.0 == Lang::En
    }

    pub fn chart(&self) -> String {
        assets::address("chart", "js")
    }
}
