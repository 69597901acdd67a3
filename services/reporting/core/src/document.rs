//! The report as a document: CSV that opens in a spreadsheet, or a printed
//! table. The same lines give the same bytes.

use organisation::Snapshot;
use playbook::{Lang, Playbook, Text, report::Target};

use crate::{
    cells::{csv_line, line_value, value},
    figures::Line,
    printed,
    span::Span,
};

/// What spreadsheets need to take a file for UTF-8.
const BOM: &str = "\u{feff}";

/// A report with all that it needs to be written.
pub struct Document<'a> {
    pub playbook: &'a Playbook,
    pub directory: &'a Snapshot,
    pub span: &'a Span,
    pub lines: &'a [Line],
    pub lang: Lang,
    /// Name of the report, else the playbook's.
    pub title: Text,
}

impl Document<'_> {
    /// UTF-8 with BOM, CRLF, RFC 4180.
    pub fn csv(&self) -> Vec<u8> {
        let mut out = BOM.to_owned();
        for section in self.sections() {
            section.iter().for_each(|row| out.push_str(&csv_line(row)));
            out.push_str("\r\n");
        }
        out.into_bytes()
    }

    /// For a terminal.
    pub fn table(&self) -> String {
        printed::tables(&self.sections())
    }

    /// `2026-W47-dealer-complaint.csv`
    pub fn file_name(&self, extension: &str) -> String {
        format!("{}-{}.{extension}", self.span.label, self.playbook.id)
    }

    /// Head, figures, and every list on its own.
    fn sections(&self) -> Vec<Vec<Vec<String>>> {
        let mut sections = vec![self.head(), self.figures()];
        let mut lists: Vec<&str> =
            self.lines.iter().filter(|line| line.by == "row").map(|line| line.figure.as_str()).collect();
        lists.dedup();
        sections.extend(lists.into_iter().map(|figure| self.list(figure)));
        sections
    }

    fn word(&self, zh: &str, en: &str) -> String {
        match self.lang {
            Lang::Zh => zh.to_owned(),
            Lang::En => en.to_owned(),
        }
    }

    fn head(&self) -> Vec<Vec<String>> {
        let version = format!("{}@{}", self.playbook.id, self.playbook.version);
        let until = self.span.local(self.span.to.plus(-1));
        vec![
            vec![self.word("报告", "Report"), self.title.get(self.lang).to_owned()],
            vec![
                self.word("期间", "Period"),
                self.span.label.clone(),
                self.span.local(self.span.from),
                until,
            ],
            vec![self.word("规则手册", "Playbook"), version],
        ]
    }

    fn figures(&self) -> Vec<Vec<String>> {
        let heading = [
            ("指标", "Figure"),
            ("分组", "By"),
            ("对象", "Of"),
            ("数值", "Value"),
            ("件数", "Cases"),
            ("目标", "Target"),
            ("达标", "On target"),
        ];
        let mut rows = vec![heading.map(|(zh, en)| self.word(zh, en)).to_vec()];
        rows.extend(self.lines.iter().filter(|line| line.by != "row").map(|line| self.figure_row(line)));
        rows
    }

    fn figure_row(&self, line: &Line) -> Vec<String> {
        let target = line.target.map(|target| match target {
            Target::AtLeast(least) => format!("≥ {}", value(line.unit, least)),
            Target::AtMost(most) => format!("≤ {}", value(line.unit, most)),
        });
        let verdict =
            line.on_target().map(|met| if met { self.word("是", "yes") } else { self.word("否", "no") });
        vec![
            line.name.get(self.lang).to_owned(),
            self.group(line.by),
            self.key_name(line.by, &line.key),
            line_value(line),
            line.cases.to_string(),
            target.unwrap_or_default(),
            verdict.unwrap_or_default(),
        ]
    }

    fn list(&self, figure: &str) -> Vec<Vec<String>> {
        let rows: Vec<&Line> =
            self.lines.iter().filter(|line| line.by == "row" && line.figure == figure).collect();
        let name = rows.first().map(|line| line.name.get(self.lang).to_owned()).unwrap_or_default();
        let heading =
            rows.first().map(|line| line.columns.iter().map(|column| self.column(column)).collect());
        let mut out = vec![vec![name], heading.unwrap_or_default()];
        out.extend(rows.into_iter().map(|line| self.list_row(line)));
        out
    }

    /// Codes that have a name are shown by it.
    fn list_row(&self, line: &Line) -> Vec<String> {
        let cells = line.columns.iter().zip(&line.cells);
        cells.map(|(column, cell)| self.key_name(column, cell)).collect()
    }

    fn group(&self, by: &str) -> String {
        match by {
            "all" => self.word("全部", "all"),
            by => self.column(by),
        }
    }

    fn column(&self, column: &str) -> String {
        if let Some((_, zh, en)) = COLUMNS.iter().find(|(code, _, _)| *code == column) {
            return self.word(zh, en);
        }
        self.label(column).unwrap_or_else(|| column.to_owned())
    }

    /// What the playbook calls a field of a form or a step.
    fn label(&self, field: &str) -> Option<String> {
        let of_type = |t: &'_ playbook::CaseType| {
            let fields = t.form.iter().chain(t.steps.iter().flat_map(|step| &step.fields));
            let mut named = fields.filter(|f| f.name == field);
            named.next().map(|f| f.label.get(self.lang).to_owned())
        };
        self.playbook.types.values().find_map(of_type)
    }

    /// The name behind a key, as the playbook or the directory has it.
    fn key_name(&self, by: &str, key: &str) -> String {
        let name = match by {
            "branch" => self.directory.node(key).map(|node| node.name.clone()),
            "type" => self.playbook.case_type(key).map(|t| t.name.get(self.lang).to_owned()),
            "severity" => self.choice(key, |t| &t.severities),
            "category" => self.choice(key, |t| &t.categories),
            "channel" => self.choice(key, |t| &t.channels),
            "clock" => self.playbook.clock(key).map(|clock| clock.name.get(self.lang).to_owned()),
            _ => None,
        };
        name.filter(|name| !name.is_empty()).unwrap_or_else(|| key.to_owned())
    }

    fn choice(&self, code: &str, of: fn(&playbook::CaseType) -> &Vec<playbook::Choice>) -> Option<String> {
        let choices = self.playbook.types.values().flat_map(of);
        choices
            .into_iter()
            .find(|choice| choice.code == code)
            .map(|choice| choice.name.get(self.lang).to_owned())
    }
}

/// Columns that every playbook may list, and the names of groups.
const COLUMNS: &[(&str, &str, &str)] = &[
    ("number", "编号", "Number"),
    ("branch", "门店", "Branch"),
    ("type", "类型", "Type"),
    ("category", "类别", "Category"),
    ("severity", "等级", "Severity"),
    ("channel", "渠道", "Channel"),
    ("state", "状态", "State"),
    ("at", "时间", "At"),
    ("opened_at", "立项时间", "Opened"),
    ("closed_at", "销项时间", "Closed"),
    ("answered_at", "答复时间", "Answered"),
    ("satisfaction", "满意度", "Satisfaction"),
    ("reasons", "定级原因", "Reasons"),
    ("breaches", "超时次数", "Breaches"),
    ("rungs", "升级次数", "Escalations"),
    ("clock", "时限", "Deadline"),
    ("step", "步骤", "Step"),
    ("due", "应完成时间", "Due"),
    ("due_at", "应完成时间", "Due"),
    ("deadline", "应完成时间", "Due"),
    ("done_at", "实际完成时间", "Done"),
    ("delay", "延误", "Delay"),
    ("late_by", "延误", "Late by"),
    ("holder", "经办人", "Holder"),
    ("handler", "经办人", "Handler"),
    ("by", "操作人", "By"),
    ("reason", "原因", "Reason"),
    ("outcome", "结果", "Outcome"),
    ("decision", "决定", "Decision"),
    ("role", "角色", "Role"),
    ("rung", "级别", "Rung"),
];
