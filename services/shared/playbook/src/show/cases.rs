//! A case type as a chapter: form, judgement, route, steps, ends.

use super::{
    Page,
    words::{level, limit, rules},
};
use crate::{
    case::{CaseType, Mark, Sameness, Seal},
    facts::Value,
    form::{Field, Required},
    step::{Lead, Performer, Step},
    table::{Cell, DecisionTable, HitPolicy, Row},
    text::Lang,
};

impl Page<'_> {
    pub fn case_type(&mut self, case_type: &CaseType) {
        self.heading(
            2,
            &format!("类型：{}", case_type.name.zh),
            &format!("Case type: {}", case_type.name.en),
        );
        let channels: Vec<&str> = case_type.channels.iter().map(|c| c.name.get(self.lang)).collect();
        self.line(format!(
            "{}: {}{}",
            self.say("渠道", "Channels"),
            channels.join(", "),
            rules(&case_type.rules)
        ));
        if let Some(opened) = &case_type.opened_when {
            let text = match self.lang {
                Lang::Zh => format!("立案条件：{}；否则只登记为一次联系。", self.condition(opened)),
                Lang::En => {
                    format!("Opened when {}; else it is logged as a contact only.", self.condition(opened))
                }
            };
            self.line(text);
        }
        self.heading(3, "表单", "Form");
        self.fields(&case_type.form);
        for (table, zh, en) in [
            (&case_type.category_table, "类别", "Category"),
            (&case_type.severity_table, "严重程度", "Severity"),
            (&case_type.tag_table, "标签", "Tags"),
        ] {
            if let Some(table) = table {
                self.heading(3, zh, en);
                self.table(table);
            }
        }
        self.repeat(case_type);
        self.route(case_type);
        self.heading(3, "步骤", "Steps");
        self.diagram(case_type);
        case_type.steps.iter().for_each(|step| self.step(case_type, step));
        self.closing(case_type);
    }

    fn fields(&mut self, fields: &[Field]) {
        self.head(&[
            ("字段", "field"),
            ("类型", "kind"),
            ("必填", "required"),
            ("个人信息", "personal"),
            ("依据", "rules"),
        ]);
        for field in fields {
            let required = match &field.required {
                Required::Always => self.say("是", "yes").to_owned(),
                Required::Never => String::new(),
                Required::When(condition) => self.when(Some(condition)),
            };
            let options: Vec<&str> = field.choices().iter().map(|c| c.name.get(self.lang)).collect();
            let kind =
                if options.is_empty() { self.kind(&field.kind).to_owned() } else { options.join(" / ") };
            let name = format!("{} (`{}`)", field.label.get(self.lang), field.name);
            let personal = if field.personal { self.say("是", "yes") } else { "" };
            self.row(&[&name, &kind, &required, personal, rules(&field.rules).trim()]);
        }
    }

    pub(super) fn tables(&mut self) {
        if self.playbook.tables.is_empty() {
            return;
        }
        self.heading(2, "决策表", "Decision tables");
        for table in self.playbook.tables.values() {
            self.line(format!("\n### {} (`{}`)\n", table.name.get(self.lang), table.id));
            self.table(table);
        }
    }

    fn table(&mut self, table: &DecisionTable) {
        let policy = match table.hit {
            HitPolicy::Unique => self.say("每种情况恰有一行。", "Exactly one row fits each case."),
            HitPolicy::First => self.say("取第一行符合的。", "The first row that fits."),
            HitPolicy::Collect => {
                self.say("所有符合的行都算，并各记为理由。", "Every row that fits counts, each as a reason.")
            }
        };
        self.line(format!("{policy}{}\n", rules(&table.rules)));
        let mut titles: Vec<String> = table.inputs.iter().map(|i| self.fact(&i.fact)).collect();
        titles.extend(table.outputs.iter().map(|output| format!("→ {}", self.fact(output))));
        titles.push(self.say("理由", "reason").to_owned());
        titles.push(self.say("依据", "rules").to_owned());
        // A table that decides nothing by its rows is all in its last line.
        if !table.rows.is_empty() {
            self.row(&titles.iter().map(String::as_str).collect::<Vec<_>>());
            self.row(&vec!["---"; titles.len()]);
        }
        for row in &table.rows {
            self.table_row(table, row);
        }
        if let Some(row) = &table.otherwise {
            let out: Vec<String> =
                self.said(table, row).into_iter().filter(|text| !text.is_empty()).collect();
            self.line(format!("\n{}: {}", self.say("其他情况", "Otherwise"), out.join(", ")));
        }
    }

    /// What a row gives, column by column.
    fn said(&self, table: &DecisionTable, row: &Row) -> Vec<String> {
        let formula = |column: usize| row.formulas.iter().find(|(at, _)| *at == column);
        let column = |(at, (fixed, output)): (usize, (&Value, &String))| match formula(at) {
            Some((_, formula)) => self.condition(formula),
            None => self.value(output, fixed),
        };
        row.out.iter().zip(&table.outputs).enumerate().map(column).collect()
    }

    fn table_row(&mut self, table: &DecisionTable, row: &Row) {
        let inputs = table.inputs.iter().zip(&row.cells);
        let mut cells: Vec<String> = inputs.map(|(input, cell)| self.cell(&input.fact, cell)).collect();
        cells.extend(self.said(table, row));
        cells.push(row.reason.as_ref().map(|r| r.get(self.lang).to_owned()).unwrap_or_default());
        cells.push(rules(&row.rules).trim().to_owned());
        self.row(&cells.iter().map(String::as_str).collect::<Vec<_>>());
    }

    fn repeat(&mut self, case_type: &CaseType) {
        let Some(repeat) = &case_type.repeat else { return };
        let by: Vec<&str> = repeat
            .by
            .iter()
            .map(|same| match same {
                Sameness::Customer => self.say("同一客户", "the same customer"),
                Sameness::Asset => self.say("同一车辆或物品", "the same asset"),
            })
            .collect();
        let same = if repeat.same_category { self.say("，同一类别", ", the same category") } else { "" };
        let text = match self.lang {
            Lang::Zh => format!("重复：{}{same}，{} 天内", by.join("或"), repeat.within_days),
            Lang::En => format!("A repeat: {}{same}, within {} days", by.join(" or "), repeat.within_days),
        };
        self.line(format!("\n{text}{}{}", self.ours(repeat.ours), rules(&repeat.rules)));
    }

    fn route(&mut self, case_type: &CaseType) {
        let routing = &case_type.routing;
        self.heading(3, "派单", "Route");
        let receiver = self.role_name(&routing.receiver.role);
        self.line(format!("{}: {receiver}.  ", self.say("接单", "Taken over by")));
        if let Some(follower) = &routing.follower {
            let name = self.role_name(&follower.role);
            self.line(format!("{}: {name}.  ", self.say("全程跟踪", "Followed to the end by")));
        }
        let refusal = self.role_name(&routing.on_refusal.to.role);
        self.line(format!("{}: {refusal}.  ", self.say("拒接时交给", "When refused it goes to")));
        if let Some(clock) = &routing.on_silence {
            self.line(format!(
                "{}: {}.",
                self.say("不接单时", "When nobody takes it over"),
                self.clock_limit(clock)
            ));
        }
        self.line("");
        self.table(&routing.table);
    }

    fn step(&mut self, case_type: &CaseType, step: &Step) {
        let who = self.performer(case_type, &step.by);
        let name = format!("**{}** (`{}`)", step.name.get(self.lang), step.id);
        self.line(format!("\n* {name} {} {who}{}", self.say("由", "by"), rules(&step.rules)));
        let with: Vec<String> = step.with.iter().map(|p| self.performer(case_type, p)).collect();
        let fields: Vec<String> = step
            .fields
            .iter()
            .map(|f| {
                format!("{}{}", f.label.get(self.lang), if f.required == Required::Always { "*" } else { "" })
            })
            .collect();
        let proofs: Vec<&str> = step.proofs.iter().map(|p| p.name.get(self.lang)).collect();
        let loops: Vec<String> = step.leads.iter().map(|lead| self.lead(lead)).collect();
        let marks: Vec<&str> = step.marks.iter().map(|m| self.mark(*m)).collect();
        let parts = [
            (self.say("一起", "together with"), with.join(", ")),
            (self.say("之前要完成", "needs"), self.listed(&step.needs, |id| self.step_name(id))),
            (self.say("条件", "only"), self.when(step.when.as_ref())),
            (self.say("填写（* 必填）", "fields (* required)"), fields.join(", ")),
            (self.say("凭证", "proof"), proofs.join(", ")),
            (self.say("审批", "approval"), self.approval(step)),
            (self.say("退回", "goes back"), loops.join(self.say("；", "; "))),
            (self.say("表明", "marks the case as"), marks.join(", ")),
            (self.say("另案", "opens beside it"), self.opens(step)),
            (self.say("时限", "clocks"), self.listed(&step.clocks, |id| self.clock_limit(id))),
        ];
        let lines: Vec<String> = parts
            .iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(word, text)| format!("  * {word}: {text}"))
            .collect();
        lines.iter().for_each(|l| self.line(l));
    }

    fn approval(&self, step: &Step) -> String {
        let Some(approval) = &step.approval else { return String::new() };
        let amount = approval.amount.as_deref().map(|fact| match self.lang {
            Lang::Zh => format!("，按{}", self.fact(fact)),
            Lang::En => format!(", by {}", self.fact(fact)),
        });
        let back = self.say("不批则退回", "refused: back to ");
        let matrix = self.playbook.matrix(&approval.matrix).map(|matrix| self.quoted(&matrix.name));
        format!(
            "{} / {}{}{}{back}{}",
            matrix.unwrap_or_default(),
            approval.kind,
            amount.unwrap_or_default(),
            self.say("；", "; "),
            self.step_name(&approval.refused_to)
        )
    }

    fn lead(&self, lead: &Lead) -> String {
        format!("{} → {}", self.when(Some(&lead.when)), self.step_name(&lead.to))
    }

    fn opens(&self, step: &Step) -> String {
        let Some(linked) = &step.opens else { return String::new() };
        let wait = if linked.wait { self.say("，办结后继续", ", and waits for its end") } else { "" };
        format!("{}{wait}", self.code("type", &linked.case_type))
    }

    /// A clock with its limit: what people ask first.
    fn clock_limit(&self, id: &str) -> String {
        let rows = self.playbook.clock(id).map(|clock| clock.limit.rows.as_slice()).unwrap_or_default();
        let limits: Vec<String> = rows.iter().map(|row| limit(&row.limit, self.lang)).collect();
        format!("{} ({})", self.clock_name(id), limits.join(" / "))
    }

    fn cell(&self, fact: &str, cell: &Cell) -> String {
        let join = |values: &[Value]| {
            values.iter().map(|value| self.value(fact, value)).collect::<Vec<_>>().join(" / ")
        };
        match cell {
            Cell::Any => "-".to_owned(),
            Cell::OneOf(values) => join(values),
            Cell::NotOneOf(values) => format!("≠ {}", join(values)),
            Cell::Range { low, high } => {
                let side = |bound: &Option<(Value, bool)>, closed: &str, open: &str| match bound {
                    Some((v, included)) => {
                        format!("{} {}", if *included { closed } else { open }, self.value(fact, v))
                    }
                    None => String::new(),
                };
                format!("{} {}", side(low, "≥", ">"), side(high, "≤", "<")).trim().to_owned()
            }
        }
    }

    fn performer(&self, case_type: &CaseType, performer: &Performer) -> String {
        match performer {
            Performer::Role(at) => {
                let own = self.playbook.roles.get(&at.role).map(|r| r.level);
                let name = self.role_name(&at.role);
                if own == Some(at.level) { name } else { format!("{name} @ {}", level(at.level, self.lang)) }
            }
            Performer::Handler => self.say("主办人", "the handler").to_owned(),
            Performer::Receiver => self.role_name(&case_type.routing.receiver.role),
            Performer::Follower => self.say("跟踪人", "whoever follows the case").to_owned(),
        }
    }

    fn mark(&self, mark: Mark) -> &'static str {
        match mark {
            Mark::Answered => self.say("已答复", "answered"),
            Mark::Resolved => self.say("已解决", "resolved"),
            Mark::Told => self.say("已告知", "told"),
        }
    }

    fn closing(&mut self, case_type: &CaseType) {
        self.heading(3, "销案", "Closing");
        let seals: Vec<&str> = case_type
            .closing
            .needs
            .iter()
            .map(|seal| match seal {
                Seal::Work => self.say("工作全部完成", "all work done"),
                Seal::FollowUp => self.say("回访完成", "followed up"),
            })
            .collect();
        let marks: Vec<String> = case_type
            .closing
            .marks
            .iter()
            .map(|(mark, steps)| {
                format!("{} ({})", self.mark(*mark), self.listed(steps, |id| self.step_name(id)))
            })
            .collect();
        let all: Vec<String> = seals.iter().map(|s| (*s).to_owned()).chain(marks).collect();
        self.line(format!(
            "{}: {}.{}",
            self.say("要求", "Needs"),
            all.join("; "),
            rules(&case_type.closing.rules)
        ));
        let text = match self.lang {
            Lang::Zh => format!("{} 天内可重新立案。", case_type.closing.reopen_days),
            Lang::En => format!("Opened again within {} days.", case_type.closing.reopen_days),
        };
        self.line(text);
    }
}
