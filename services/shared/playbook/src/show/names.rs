//! Names for what a rule book refers to by code: facts, their values, steps, clocks, waits. Whoever agrees to a rule book
//! reads names; what has none keeps its code.

use super::Page;
use crate::{
    case::CaseType,
    facts::Value,
    form::{Field, FieldKind},
    load::{names::DONE, table::show as shown},
    text::{Lang, Text},
};

/// Facts that every case has, and what tables put out.
const BUILT_IN: &[(&str, &str, &str)] = &[
    ("type", "类型", "case type"),
    ("category", "类别", "category"),
    ("severity", "严重程度", "severity"),
    ("tags", "标签", "tags"),
    ("tag", "标签", "tag"),
    ("channel", "渠道", "channel"),
    ("source", "受理来源", "where it was taken"),
    ("brand", "品牌", "brand"),
    ("branch", "门店", "branch"),
    ("repeat", "重复", "a repeat"),
    ("cycle", "轮次", "cycle"),
    ("reopened", "重新立案", "opened again"),
    ("opened_at", "立案时间", "time of opening"),
    ("outcome", "结果", "outcome"),
    ("unit", "部门", "unit"),
    ("handler", "主办", "handler"),
    ("helpers", "协办", "helpers"),
    ("receiver", "接单人", "receiver"),
    ("follower", "跟踪人", "follower"),
    ("customer_check", "客户档案核对", "check of the customer's file"),
    // Columns of lists.
    ("number", "编号", "number"),
    ("state", "状态", "state"),
    ("at", "时间", "time"),
    ("closed_at", "销案时间", "closed at"),
    ("answered_at", "答复时间", "answered at"),
    ("satisfaction", "满意度", "satisfaction"),
    ("reasons", "定级原因", "reasons"),
    ("breaches", "逾期次数", "deadlines missed"),
    ("rungs", "升级次数", "escalations"),
    ("clock", "时限", "deadline"),
    ("step", "步骤", "step"),
    ("due", "应完成时间", "due"),
    ("due_at", "应完成时间", "due"),
    ("deadline", "应完成时间", "due"),
    ("done_at", "实际完成时间", "done at"),
    ("delay", "延误", "late by"),
    ("late_by", "延误", "late by"),
    ("holder", "经办人", "whoever held it"),
    ("by", "操作人", "done by"),
    ("reason", "原因", "reason"),
    ("decision", "决定", "decision"),
    ("role", "角色", "role"),
    ("rung", "级别", "rung"),
];

const OUTCOMES: &[(&str, &str, &str)] = &[
    ("approved", "批准", "approved"),
    ("refused", "不批", "refused"),
    ("reached", "已联系上", "reached"),
    ("unreached", "未联系上", "not reached"),
    ("happy", "满意", "content"),
    ("unhappy", "不满意", "not content"),
    ("given_up", "放弃", "given up"),
];

fn known(list: &[(&str, &'static str, &'static str)], code: &str, lang: Lang) -> Option<&'static str> {
    let (_, zh, en) = list.iter().find(|(known, ..)| *known == code)?;
    Some(match lang {
        Lang::Zh => zh,
        Lang::En => en,
    })
}

impl<'p> Page<'p> {
    /// Case types, the one that is written about first.
    fn types(&self) -> impl Iterator<Item = &'p CaseType> {
        let own = self.about.into_iter();
        own.chain(self.playbook.types.values())
    }

    /// The field that gives rise to a fact of this name.
    fn field(&self, fact: &str) -> Option<&'p Field> {
        let gives = |field: &&Field| field.facts().iter().any(|(name, _)| name == fact) || field.name == fact;
        self.types().find_map(|case_type| case_type.all_fields().find(gives))
    }

    /// What a fact is called.
    pub fn fact(&self, name: &str) -> String {
        if let Some(field) = self.field(name) {
            let label = field.label.get(self.lang);
            let part = match (&field.kind, name.rsplit('_').next()) {
                (FieldKind::Window, Some("from")) => self.say("（开始）", " (from)"),
                (FieldKind::Window, Some("to")) => self.say("（结束）", " (to)"),
                _ => "",
            };
            return format!("{label}{part}");
        }
        let mut tables = self.playbook.tables.values();
        if let Some(table) = tables.find(|table| table.outputs.len() == 1 && table.outputs[0] == name) {
            return table.name.get(self.lang).to_owned();
        }
        let mut questions = self.playbook.follow_ups.iter().flat_map(|follow_up| &follow_up.questions);
        if let Some(question) = questions.find(|question| question.id == name) {
            return self.quoted(&question.text);
        }
        known(BUILT_IN, name, self.lang).map_or_else(|| format!("`{name}`"), str::to_owned)
    }

    /// What a value of a fact is called.
    pub fn value(&self, fact: &str, value: &Value) -> String {
        match value {
            Value::Bool(true) => self.say("是", "yes").to_owned(),
            Value::Bool(false) => self.say("否", "no").to_owned(),
            Value::Code(code) => self.code(fact, code),
            Value::Codes(codes) => {
                codes.iter().map(|code| self.code(fact, code)).collect::<Vec<_>>().join(self.comma())
            }
            Value::Money { currency, minor } => {
                let (whole, part) = (minor / 100, minor % 100);
                if part == 0 {
                    format!("{whole} {currency}")
                } else {
                    format!("{whole}.{part:02} {currency}")
                }
            }
            other => shown(other),
        }
    }

    pub fn code(&self, fact: &str, code: &str) -> String {
        let name = |text: &Text| text.get(self.lang).to_owned();
        let choice = |choices: &[crate::form::Choice]| {
            choices.iter().find(|choice| choice.code == code).map(|choice| name(&choice.name))
        };
        let of_type = |case_type: &CaseType| match fact {
            "type" => None,
            "severity" => choice(&case_type.severities),
            "category" => choice(&case_type.categories),
            "channel" => choice(&case_type.channels),
            DONE => case_type.step(code).map(|step| self.quoted(&step.name)),
            _ => None,
        };
        let of_field = || {
            let declares = |field: &&Field| field.name == fact;
            self.types()
                .flat_map(|case_type| case_type.all_fields().filter(declares).collect::<Vec<_>>())
                .find_map(|field| choice(field.choices()))
        };
        let of_role = || {
            let role = matches!(fact, "handler" | "helpers" | "receiver" | "follower");
            self.playbook.roles.get(code).filter(|_| role).map(|role| name(&role.name))
        };
        let of_kind = || self.playbook.types.get(code).filter(|_| fact == "type").map(|it| name(&it.name));
        let outcome = || known(OUTCOMES, code, self.lang).filter(|_| fact == "outcome").map(str::to_owned);
        let found = self.types().find_map(of_type).or_else(of_field);
        found.or_else(of_role).or_else(of_kind).or_else(outcome).unwrap_or_else(|| code.to_owned())
    }

    pub fn step_name(&self, id: &str) -> String {
        let named = self.types().find_map(|case_type| case_type.step(id));
        named.map_or_else(|| format!("`{id}`"), |step| self.quoted(&step.name))
    }

    pub fn clock_name(&self, id: &str) -> String {
        self.playbook.clock(id).map_or_else(|| format!("`{id}`"), |clock| self.quoted(&clock.name))
    }

    pub fn wait_name(&self, id: &str) -> String {
        let named = self.playbook.waits.get(id);
        named.map_or_else(|| format!("`{id}`"), |wait| wait.name.get(self.lang).to_owned())
    }

    pub fn figure_name(&self, id: &str) -> String {
        let named = self.playbook.figure(id);
        named.map_or_else(|| format!("`{id}`"), |figure| figure.name.get(self.lang).to_owned())
    }

    pub fn follow_up_name(&self, id: &str) -> String {
        self.playbook.follow_up(id).map_or_else(|| format!("`{id}`"), |rule| self.quoted(&rule.name))
    }

    /// A name inside a sentence.
    pub fn quoted(&self, text: &Text) -> String {
        match self.lang {
            Lang::Zh => format!("“{}”", text.zh),
            Lang::En => format!("\"{}\"", text.en),
        }
    }

    pub fn comma(&self) -> &'static str {
        self.say("、", ", ")
    }

    /// Names one after the other.
    pub fn listed<'s>(
        &self,
        ids: impl IntoIterator<Item = &'s String>,
        name: impl Fn(&str) -> String,
    ) -> String {
        ids.into_iter().map(|id| name(id)).collect::<Vec<_>>().join(self.comma())
    }

    /// What is written into a field of this kind.
    pub fn kind(&self, kind: &FieldKind) -> &'static str {
        match kind {
            FieldKind::Text => self.say("文字", "words"),
            FieldKind::Phone => self.say("电话", "telephone"),
            FieldKind::Plate => self.say("车牌", "plate"),
            FieldKind::Vin => self.say("车架号", "VIN"),
            FieldKind::Date => self.say("日期", "date"),
            FieldKind::Window => self.say("时段", "span of time"),
            FieldKind::Money => self.say("金额", "amount"),
            FieldKind::Choice(_) => self.say("单选", "one of"),
            FieldKind::Choices(_) => self.say("多选", "any of"),
            FieldKind::Bool => self.say("是 / 否", "yes / no"),
            FieldKind::Int { .. } => self.say("整数", "number"),
            FieldKind::Person { bars: true } => self.say("人员（须回避）", "person (takes no part)"),
            FieldKind::Person { bars: false } => self.say("人员", "person"),
            FieldKind::Branch => self.say("门店", "branch"),
            FieldKind::Order => self.say("单号", "number of an order"),
            FieldKind::Attachment(_) => self.say("附件", "attachment"),
        }
    }
}
