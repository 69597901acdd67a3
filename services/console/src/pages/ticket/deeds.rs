//! What may be done to a case now, each as a form that unfolds. Whether it may
//! be done is the owners' word; the rule book says what is asked for.

use playbook::Step;
use proto::{
    common::v1::{AllowedAction, TicketRef},
    dispatch::v1::Approval,
};

use crate::{
    forms::{Control, Deed, Posted, Proofs, Shown},
    language::Tongue,
    names::Names,
    pages::ticket::{Case, more_time, spoken, steps},
    visitor::Visitor,
};

/// Reasons for giving work back: codes, because reports count them.
const REFUSALS: [(&str, &str, &str); 5] = [
    ("other_department", "不归本部门处理", "another department's matter"),
    ("other_branch", "应由其他门店处理", "another branch's matter"),
    ("no_capacity", "暂无人手", "nobody free to take it"),
    ("duplicate", "与其他案件重复", "the same as another case"),
    ("other", "其他原因", "another reason"),
];

const OUTCOMES: [(&str, &str, &str); 5] = [
    ("resolved", "已解决", "resolved"),
    ("compensated", "已补偿", "compensated"),
    ("explained", "已解释", "explained"),
    ("withdrawn", "客户撤回", "withdrawn by the customer"),
    ("rejected", "要求不成立", "the demand was rejected"),
];

const NOTES: [(&str, &str, &str); 4] = [
    ("contact", "与客户联系", "contact with the customer"),
    ("chaser", "客户催办", "the customer asked again"),
    ("internal", "内部备注", "internal note"),
    ("wait", "等待开始或结束", "a wait begins or ends"),
];

fn choices(list: &[(&str, &str, &str)], tongue: Tongue) -> Vec<(String, String)> {
    list.iter().map(|(code, zh, en)| ((*code).to_owned(), tongue.say(zh, en).to_owned())).collect()
}

pub fn refusal(code: &str, tongue: Tongue) -> String {
    let found = REFUSALS.iter().find(|(known, ..)| *known == code);
    found.map_or_else(|| code.to_owned(), |(_, zh, en)| tongue.say(zh, en).to_owned())
}

/// Order on the page.
const ORDER: [&str; 9] = [
    "acknowledge",
    "decide_approval",
    "complete_step",
    "refuse",
    "note",
    "assign",
    "reclassify",
    "close",
    "reopen",
];

pub fn title(action: &AllowedAction, case: &Case, names: &Names<'_>) -> String {
    let say = |zh: &str, en: &str| names.tongue.say(zh, en).to_owned();
    match action.action.as_str() {
        "acknowledge" => say("接单", "Take over"),
        "refuse" => say("退单", "Give back"),
        "note" => say("记备注、催办或等待", "Note, chaser or wait"),
        "reclassify" => say("补充事实并重新判定", "Add facts and judge anew"),
        "close" => say("销项", "Close"),
        "reopen" => say("重新立项", "Open again"),
        "complete_step" => format!("{}: {}", say("完成", "Complete"), names.step(&action.target)),
        "assign" => format!("{}: {}", say("指派", "Assign"), names.step(&action.target)),
        "decide_approval" => {
            let approvals = case.work.iter().flat_map(|work| &work.approvals);
            let found = approvals.into_iter().find(|approval| approval.approval_id == action.target);
            let what =
                found.map(|approval| format!("{} {}", names.step(&approval.step), steps::amount(approval)));
            format!("{}: {}", say("审批", "Approve"), what.unwrap_or_default())
        }
        other => other.to_owned(),
    }
}

/// Every deed that is allowed now.
pub fn offered(visitor: &Visitor, case: &Case, names: &Names<'_>) -> Vec<Deed> {
    let rank = |action: &AllowedAction| ORDER.iter().position(|known| *known == action.action);
    let mut allowed: Vec<&AllowedAction> = case.actions.iter().filter(|action| action.allowed).collect();
    allowed.sort_by_key(|action| rank(action));
    let none = Posted::default();
    let mut deeds: Vec<Deed> = allowed
        .into_iter()
        .filter_map(|action| deed(visitor, case, names, &action.action, &action.target, &none))
        .collect();
    deeds.extend(spoken::offered(visitor, case, names));
    deeds.extend(more_time::offered(visitor, case, names));
    if let Some(first) = deeds.first_mut().filter(|deed| deed.is_main) {
        first.is_open = true;
    }
    deeds
}

/// One deed's form, with what was posted.
pub fn deed(
    visitor: &Visitor,
    case: &Case,
    names: &Names<'_>,
    action: &str,
    target: &str,
    posted: &Posted,
) -> Option<Deed> {
    let tongue = visitor.tongue;
    let say = |zh: &'static str, en: &'static str| tongue.say(zh, en);
    let id = &case.reference.ticket_id;
    match action {
        "ask_extension" => return more_time::ask(case, names, target, posted),
        "decide_extension" => return more_time::decide(case, names, target, posted),
        "spoken" => return spoken::take_down(case, names, target, posted),
        "confirm_paper" => return spoken::confirm(case, names, target, posted),
        _ => {}
    }
    let known = AllowedAction { action: action.to_owned(), target: target.to_owned(), ..Default::default() };
    let title = title(&known, case, names);
    let begin = |submit: &str| {
        Deed::new(&format!("{action}-{target}"), &title, format!("/tickets/{id}/do/{action}"), submit)
            .with("cycle", case.reference.cycle)
            .with("target", target)
            .with("book", book(&case.reference))
            .sent_again(posted)
    };
    let words = |label: &str, must: bool| Shown::own("text", label, Control::Area, must, posted);
    Some(match action {
        "acknowledge" => begin(say("接单", "Take over")).main(),
        "refuse" => begin(say("退单", "Give back")).danger().asks(vec![
            Shown::own("reason", say("原因", "Reason"), Control::Radio, true, posted)
                .among(choices(&REFUSALS, tongue)),
            words(say("说明", "In words"), false),
        ]),
        "note" => begin(say("记录", "Put on record")).asks(note(names, posted)),
        "assign" => begin(say("指派", "Assign")).asks(vec![Shown::own(
            "person",
            say("人员", "Person"),
            Control::Person,
            true,
            posted,
        )]),
        "complete_step" => {
            let step = names.case_type.and_then(|kind| kind.step(target))?;
            complete(begin(say("完成并记录", "Complete")), step, id, posted, tongue)
        }
        "decide_approval" => {
            let approvals = case.work.iter().flat_map(|work| &work.approvals);
            let approval = approvals.into_iter().find(|approval| approval.approval_id == target)?;
            Deed { title: title.clone(), ..decision(&case.reference, approval, posted, tongue) }
        }
        "reclassify" => {
            let form = names.case_type.map_or(&[][..], |kind| &kind.form);
            let impersonal = form.iter().filter(|field| !field.personal && !field.kind.always_personal());
            begin(say("重新判定", "Judge anew"))
                .asks(impersonal.map(|field| optional(Shown::field(field, posted, tongue))).collect())
        }
        "close" => begin(say("销项", "Close")).asks(vec![
            Shown::own("outcome", say("结果", "Outcome"), Control::Radio, true, posted)
                .among(choices(&OUTCOMES, tongue)),
        ]),
        "reopen" => begin(say("重新立项", "Open again")).asks(vec![
            Shown::own("reason", say("原因", "Reason"), Control::Radio, true, posted).among(choices(
                &[
                    ("customer_unhappy", "客户不满意", "the customer is not content"),
                    ("not_settled", "问题未解决", "the matter is not settled"),
                    ("new_facts", "有新情况", "there are new facts"),
                ],
                tongue,
            )),
        ]),
        _ => return None,
    })
}

/// The rule book that the form was made by: `id/version/type`.
pub fn book(reference: &TicketRef) -> String {
    let book = reference.playbook.clone().unwrap_or_default();
    format!("{}/{}/{}", book.id, book.version, reference.case_type)
}

fn optional(mut field: Shown) -> Shown {
    field.must = false;
    field
}

fn note(names: &Names<'_>, posted: &Posted) -> Vec<Shown> {
    let tongue = names.tongue;
    let waits = names.book.into_iter().flat_map(|book| book.waits.values());
    let waits: Vec<(String, String)> =
        waits.map(|wait| (wait.id.clone(), tongue.text(&wait.name).to_owned())).collect();
    let none = || std::iter::once((String::new(), "—".to_owned()));
    let kind = Shown::own("kind", tongue.say("种类", "Kind"), Control::Radio, true, posted);
    let mut kind = kind.among(choices(&NOTES, tongue));
    if kind.choices.iter().all(|choice| !choice.chosen) {
        kind.choices[0].chosen = true;
    }
    let wait = |name, zh, en| {
        Shown::own(name, tongue.say(zh, en), Control::Select, false, posted)
            .among(none().chain(waits.clone()))
    };
    vec![
        kind,
        Shown::own("text", tongue.say("内容", "Words"), Control::Area, false, posted),
        wait("wait_begun", "开始等待", "A wait begins"),
        wait("wait_ended", "等待结束", "A wait ends"),
    ]
}

/// The form that completes a step, with its fields and proofs.
pub fn complete(mut deed: Deed, step: &Step, ticket: &str, posted: &Posted, tongue: Tongue) -> Deed {
    deed = deed.asks(step.fields.iter().map(|field| Shown::field(field, posted, tongue)).collect()).main();
    deed.intro = step.rules.join(" ");
    let wanted = step.proofs.iter().map(|proof| tongue.text(&proof.name).to_owned()).collect();
    let sent = posted.all("proof").map(str::to_owned).collect();
    deed.proofs = Some(Proofs { ticket: ticket.to_owned(), wanted, sent });
    deed
}

/// The decision on one approval, as its ticket's page and the list of approvals show it.
pub fn decision(ticket: &TicketRef, approval: &Approval, posted: &Posted, tongue: Tongue) -> Deed {
    let id = &approval.approval_id;
    let title = tongue.say("审批", "Decide");
    let post = format!("/tickets/{}/do/decide_approval", ticket.ticket_id);
    let stage = approval.stages.iter().find(|stage| stage.decision.is_empty()).map_or(0, |stage| stage.stage);
    let mut deed = Deed::new(&format!("decide_approval-{id}"), title, post, tongue.say("确定", "Decide"))
        .with("cycle", ticket.cycle)
        .with("target", id)
        .with("stage", stage)
        .main()
        .asks(vec![
            Shown::own("decision", tongue.say("决定", "Decision"), Control::Radio, true, posted)
                .among(choices(&[("approved", "同意", "approve"), ("rejected", "驳回", "reject")], tongue)),
            Shown::own("text", tongue.say("意见", "Words"), Control::Area, false, posted),
        ]);
    deed = deed.sent_again(posted);
    if let Some(back) = Some(posted.get("back")).filter(|back| !back.is_empty()) {
        deed = deed.with("back", back);
    }
    let words = tongue.say("申请人", "asked for by");
    deed.intro = format!("{} · {words} {}", steps::amount(approval), approval.requester);
    deed
}
