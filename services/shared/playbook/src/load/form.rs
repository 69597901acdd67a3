//! Fields of forms and steps.

use super::reader::{Ctx, Object};
use crate::{
    form::{Choice, Field, FieldKind, Required},
    text::Text,
    yaml::{Entry, Node},
};

const KINDS: &[&str] = &[
    "text",
    "phone",
    "plate",
    "vin",
    "date",
    "window",
    "money",
    "choice",
    "choices",
    "bool",
    "int",
    "person",
    "branch",
    "order",
    "photo",
    "signature",
    "recording",
    "document",
];

impl Ctx {
    pub fn fields(&mut self, node: Option<&Node>) -> Vec<Field> {
        let Some(node) = node else { return Vec::new() };
        self.entries(node).iter().map(|entry| self.field(entry)).collect()
    }

    fn field(&mut self, entry: &Entry) -> Field {
        self.check_fact_name(entry);
        let mut object = self.object(&entry.node);
        let label = object.need(self, "label").map(|n| self.text(n)).unwrap_or_default();
        let kind = self.field_kind(&mut object);
        let required = self.required(&mut object);
        let personal = object.get("personal").map(|n| (n, self.flag(n)));
        let hint = object.get("hint").map(|n| self.text(n));
        let rules = self.rules(&mut object);
        object.done(self);
        if let Some((node, false)) = personal
            && kind.always_personal()
        {
            self.hinted(
                "PB0205",
                node.span,
                (
                    format!("{} 类字段总是个人信息", kind.as_str()),
                    format!("a field of kind {} is always personal", kind.as_str()),
                ),
                ("去掉 personal: false", "leave `personal: false` out"),
            );
        }
        let personal = personal.is_some_and(|(_, p)| p) || kind.always_personal();
        Field { name: entry.key.clone(), label, kind, required, personal, hint, rules }
    }

    /// Fact names are words of the condition language, so no hyphens.
    fn check_fact_name(&mut self, entry: &Entry) {
        if entry.key.contains('-') {
            self.hinted(
                "PB0009",
                entry.key_span,
                (
                    format!("字段名“{}”不能有 -", entry.key),
                    format!("the field name `{}` must not contain `-`", entry.key),
                ),
                ("请用 _", "use `_`"),
            );
        }
    }

    fn field_kind(&mut self, object: &mut Object<'_>) -> FieldKind {
        let Some(node) = object.need(self, "kind") else { return FieldKind::Text };
        match node.scalar().unwrap_or_default() {
            "text" => FieldKind::Text,
            "phone" => FieldKind::Phone,
            "plate" => FieldKind::Plate,
            "vin" => FieldKind::Vin,
            "date" => FieldKind::Date,
            "window" => FieldKind::Window,
            "money" => FieldKind::Money,
            "choice" => FieldKind::Choice(self.options(object)),
            "choices" => FieldKind::Choices(self.options(object)),
            "bool" => FieldKind::Bool,
            "int" => FieldKind::Int {
                min: object.get("min").map(|n| self.int(n, i64::MIN, i64::MAX)),
                max: object.get("max").map(|n| self.int(n, i64::MIN, i64::MAX)),
            },
            "person" => FieldKind::Person { bars: object.get("bars").is_some_and(|n| self.flag(n)) },
            "branch" => FieldKind::Branch,
            "order" => FieldKind::Order,
            kind @ ("photo" | "signature" | "recording" | "document") => {
                FieldKind::Attachment(kind.to_owned())
            }
            other => {
                self.unknown(
                    "PB0006",
                    node.span,
                    ("字段类型", "kind of field"),
                    other,
                    KINDS.iter().copied(),
                );
                // Asked for, so that they are not reported as unknown on top.
                for key in ["options", "min", "max", "bars"] {
                    object.get(key);
                }
                FieldKind::Text
            }
        }
    }

    pub fn options(&mut self, object: &mut Object<'_>) -> Vec<Choice> {
        let choices = object.need(self, "options").map(|n| self.choices(n)).unwrap_or_default();
        if choices.is_empty() {
            self.error("PB0006", object.span, "至少要有一个选项", "at least one option is needed");
        }
        choices
    }

    /// `code: { zh: ..., en: ..., rules: [...] }`
    pub fn choices(&mut self, node: &Node) -> Vec<Choice> {
        let mut choices = Vec::new();
        for entry in self.entries(node) {
            let mut object = self.object(&entry.node);
            let zh = object.need(self, "zh").map(|n| self.string(n)).unwrap_or_default();
            let en = object.need(self, "en").map(|n| self.string(n)).unwrap_or_default();
            let rules = self.rules(&mut object);
            object.done(self);
            choices.push(Choice { code: entry.key.clone(), name: Text { zh, en }, rules });
        }
        choices
    }

    fn required(&mut self, object: &mut Object<'_>) -> Required {
        match object.get("required") {
            None => Required::Never,
            Some(node) => match node.scalar() {
                Some("true") => Required::Always,
                Some("false") => Required::Never,
                _ => Required::When(self.condition(node)),
            },
        }
    }
}
