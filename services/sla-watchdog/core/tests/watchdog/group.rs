//! A group with two branches, and a playbook of the clocks under test.

use organisation::Snapshot;
use proto::{AnyEvent, Time, directory::v1 as directory};

/// Midnight before Monday 2 March 2026 in Shanghai.
const MONDAY: Time = Time(1_772_380_800_000_000);

/// Day 1 is the Monday.
pub fn at(day: i64, hour: i64, minute: i64) -> Time {
    MONDAY.plus((day - 1) * 24 * Time::HOUR + hour * Time::HOUR + minute * Time::MINUTE)
}

/// `1 14:00` for the Monday at two; the smallest step of time after it is `1 14:00+`.
pub fn show(time: Time) -> String {
    let since = time.0 - MONDAY.0;
    let (day, minute) =
        (since.div_euclid(24 * Time::HOUR) + 1, since.rem_euclid(24 * Time::HOUR) / Time::MINUTE);
    let rest = if since.rem_euclid(Time::MINUTE) == 0 { "" } else { "+" };
    format!("{day} {:02}:{:02}{rest}", minute / 60, minute % 60)
}

const HEAD: &str = r"
playbook: shop
version: 1
name: { zh: 店, en: shop }
line: shop
currency: CNY
roles:
  clerk: { name: { zh: 专员, en: clerk }, level: branch }
  head: { name: { zh: 主管, en: head }, level: branch }
  gm: { name: { zh: 总经理, en: manager }, level: branch }
  area: { name: { zh: 区域经理, en: area manager }, level: area }
  desk: { name: { zh: 客服, en: desk }, level: group }
waits:
  customer: { name: { zh: 等客户, en: customer }, owner: clerk, at_most: 7 days }
  parts: { name: { zh: 等配件, en: parts }, owner: head, at_most: 24h }
types:
  complaint:
    name: { zh: 投诉, en: complaint }
    channels: { phone: { zh: 电话, en: phone } }
    form:
      customer_name: { kind: text, label: { zh: 姓名, en: name }, required: true }
      visit: { kind: window, label: { zh: 上门, en: visit } }
    categories:
      service: { zh: 服务, en: service }
    severities:
      general: { zh: 一般, en: general }
      major: { zh: 重大, en: major }
    route:
      receiver: clerk
      follower: clerk
      hit: first
      inputs: [category]
      rows:
        - { if: { category: service }, then: { unit: shop, handler: head } }
      otherwise: { then: { unit: shop, handler: head } }
      on_refusal: { to: gm }
      on_silence: silence
    steps:
      judge: { name: { zh: 判定, en: judge }, by: clerk, clocks: [silence] }
      propose: { name: { zh: 方案, en: propose }, by: handler, needs: [judge], clocks: [silence], marks: [answered, resolved, told] }
    closing: { needs: [work, follow_up], reopen_days: 30 }
follow_ups:
  content:
    name: { zh: 回访, en: call-back }
    kind: call
    after: work.completed
    due: 1 day
    by: desk
    attempts: { max: 3, every: 2h }
    script: { zh: 好吗？, en: 'All well?' }
    questions:
      score: { kind: scale, from: 1, to: 5, text: { zh: 满意吗？, en: 'Content?' } }
    unhappy: known(score) && score <= 2
    on_unhappy: { reopen_within_days: 7 }
privacy: { reveal: { '*': [desk] }, keep_days: 365, keep_recordings_days: 90 }
clocks:
  silence:
    name: { zh: 接单, en: taking over }
    scope: hand_off
    start: [work.dispatched]
    stop: [work.acknowledged]
    cancel: [work.refused]
    limit: 30m
    calendar: wall
    ladder:
      - { after: 0, tell: head }
      - { after: 30m, tell: gm, reroute: gm }
";

const SHOP_HOURS: &str =
    "id: shop\nversion: 1\nzone: Asia/Shanghai\nweek:\n  weekdays: [\"08:30-12:00\", \"13:00-17:30\"]\n";
const DESK_HOURS: &str =
    "id: call-centre\nversion: 1\nzone: Asia/Shanghai\nweek:\n  daily: [\"00:00-24:00\"]\n";

fn node(code: &str, parent: &str, level: &str) -> directory::Node {
    directory::Node {
        code: code.into(),
        parent: parent.into(),
        level: level.into(),
        zone: "Asia/Shanghai".into(),
        calendar: if parent.is_empty() { "shop".into() } else { String::new() },
        ..Default::default()
    }
}

fn person(code: &str, role: &str, at: &str) -> directory::Person {
    let roles = vec![directory::Role { role: role.into(), node: at.into() }];
    directory::Person { code: code.into(), roles, ..Default::default() }
}

fn staff() -> Vec<directory::Person> {
    let mut gm = person("gm1", "gm", "B1");
    gm.deputy = "head1".into();
    gm.absences = vec![directory::Absence { from_at: at(10, 0, 0).0, to_at: at(12, 0, 0).0 }];
    vec![
        gm,
        person("clerk1", "clerk", "B1"),
        person("head1", "head", "B1"),
        person("clerk2", "clerk", "B2"),
        person("head2", "head", "B2"),
        // B2 has no manager: the area's stands in.
        person("gm-area", "gm", "A"),
        person("area1", "area", "A"),
        person("desk1", "desk", "G"),
    ]
}

/// The organisation with a playbook of these clocks beside `silence`.
pub fn group(clocks: &str) -> Snapshot {
    under(format!("{HEAD}{clocks}"))
}

/// Where a case closes without waiting for its call-backs.
pub fn impatient(clocks: &str) -> Snapshot {
    let head = HEAD.replacen("needs: [work, follow_up]", "needs: [work]", 1);
    assert_ne!(head, HEAD);
    under(format!("{head}{clocks}"))
}

/// The same organisation when this playbook of clocks is its second version.
pub fn second_version(mut snapshot: Snapshot, clocks: &str) -> Snapshot {
    let text = format!("{HEAD}{clocks}").replacen("version: 1", "version: 2", 1);
    let files = vec![directory::DocumentFile { path: "playbook.yaml".into(), text }];
    let playbook = directory::PlaybookActivated { id: "shop".into(), version: 2, files };
    let seq = snapshot.seq() + 1;
    snapshot.apply(seq, &playbook.into()).unwrap_or_else(|error| panic!("{error}"));
    snapshot
}

fn under(text: String) -> Snapshot {
    let mut snapshot = Snapshot::default();
    let nodes = vec![
        node("G", "", "group"),
        node("A", "G", "area"),
        node("B1", "A", "branch"),
        node("B2", "A", "branch"),
    ];
    let changed = directory::DirectoryChanged { nodes, persons: staff(), ..Default::default() };
    let calendar = |id: &str, source: &str| directory::CalendarActivated {
        id: id.into(),
        version: 1,
        source: source.into(),
    };
    let files = vec![directory::DocumentFile { path: "playbook.yaml".into(), text }];
    let playbook = directory::PlaybookActivated { id: "shop".into(), version: 1, files };
    let entries: Vec<AnyEvent> = vec![
        changed.into(),
        calendar("shop", SHOP_HOURS).into(),
        calendar("call-centre", DESK_HOURS).into(),
        playbook.into(),
    ];
    for (at, entry) in entries.iter().enumerate() {
        snapshot.apply(at as u64 + 1, entry).unwrap_or_else(|error| panic!("{error}"));
    }
    snapshot
}
