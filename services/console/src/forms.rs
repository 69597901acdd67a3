//! Forms: fields as the rule book has them, what somebody entered, what is
//! wrong with it. A form that does not fit comes back with every word in it.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    Form,
    http::{HeaderValue, StatusCode},
    response::{Html, IntoResponse, Redirect, Response},
};
use playbook::{Field, FieldKind, Required};

use crate::{
    frame::Frame,
    language::Tongue,
    trouble::{Refused, Trouble},
    visitor::Visitor,
};

/// What was posted, in order, names repeated.
#[derive(Clone, Debug, Default)]
pub struct Posted(pub Vec<(String, String)>);

/// The extractor of a posted form.
pub type Received = Form<Vec<(String, String)>>;

impl From<Received> for Posted {
    fn from(Form(pairs): Received) -> Self {
        Posted(pairs)
    }
}

impl Posted {
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.trim())
    }

    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.trim())
    }

    pub fn number(&self, name: &str) -> u32 {
        self.get(name).parse().unwrap_or_default()
    }

    /// The text of a rule book's field, as the contracts take it.
    pub fn field(&self, field: &Field) -> String {
        match field.kind {
            FieldKind::Window => {
                let part = |end: &str| self.get(&format!("{}.{end}", field.name)).to_owned();
                let (from, to) = (part("from"), part("to"));
                if from.is_empty() && to.is_empty() { String::new() } else { format!("{from}/{to}") }
            }
            FieldKind::Choices(_) => self.all(&field.name).collect::<Vec<_>>().join(","),
            _ => self.get(&field.name).to_owned(),
        }
    }

    /// Every field that was filled in.
    pub fn fields(&self, fields: &[Field]) -> BTreeMap<String, String> {
        let filled = fields.iter().map(|field| (field.name.clone(), self.field(field)));
        filled.filter(|(_, text)| !text.is_empty()).collect()
    }
}

pub struct Choice {
    pub code: String,
    pub name: String,
    pub chosen: bool,
}

/// How a field is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    Line,
    Phone,
    Area,
    Date,
    Window,
    Money,
    Number,
    YesNo,
    Tick,
    Radio,
    Select,
    Ticks,
    Person,
    Branch,
}

pub struct Shown {
    pub name: String,
    pub label: String,
    pub control: Control,
    pub choices: Vec<Choice>,
    pub must: bool,
    pub value: String,
    /// The end of a window.
    pub until: String,
    pub hint: String,
    pub rules: Vec<String>,
    pub wrong: String,
    pub low: String,
    pub high: String,
}

/// A control's id: a page may hold the same field in several forms.
pub fn id(form: &str, field: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    format!("{form}-{field}").chars().map(plain).collect()
}

/// Choices up to so many lie open; more fold into a list.
const OPEN_CHOICES: usize = 6;

impl Shown {
    /// A field of the console's own forms.
    pub fn own(name: &str, label: &str, control: Control, must: bool, posted: &Posted) -> Shown {
        Shown {
            name: name.to_owned(),
            label: label.to_owned(),
            control,
            choices: Vec::new(),
            must,
            value: posted.get(name).to_owned(),
            until: String::new(),
            hint: String::new(),
            rules: Vec::new(),
            wrong: String::new(),
            low: String::new(),
            high: String::new(),
        }
    }

    pub fn among(mut self, choices: impl IntoIterator<Item = (String, String)>) -> Shown {
        let value = &self.value;
        let choice = |(code, name): (String, String)| Choice { chosen: *value == code, code, name };
        self.choices = choices.into_iter().map(choice).collect();
        self
    }

    pub fn hint(mut self, hint: &str) -> Shown {
        self.hint = hint.to_owned();
        self
    }

    /// A field of the rule book.
    pub fn field(field: &Field, posted: &Posted, tongue: Tongue) -> Shown {
        let must = matches!(field.required, Required::Always);
        let mut shown =
            Shown::own(&field.name, tongue.text(&field.label), control(field, must), must, posted);
        shown.hint = field.hint.as_ref().map(|hint| tongue.text(hint).to_owned()).unwrap_or_default();
        if let Required::When(_) = field.required {
            let words = tongue.say("视情况必填", "needed in some cases");
            shown.hint = [shown.hint.as_str(), words].join(" ").trim().to_owned();
        }
        shown.rules.clone_from(&field.rules);
        let chosen: Vec<&str> = posted.all(&field.name).collect();
        shown.choices = field
            .choices()
            .iter()
            .map(|choice| Choice {
                code: choice.code.clone(),
                name: tongue.text(&choice.name).to_owned(),
                chosen: chosen.contains(&choice.code.as_str()),
            })
            .collect();
        match &field.kind {
            FieldKind::Window => {
                shown.value = posted.get(&format!("{}.from", field.name)).to_owned();
                shown.until = posted.get(&format!("{}.to", field.name)).to_owned();
            }
            FieldKind::Int { min, max } => {
                shown.low = min.map(|n| n.to_string()).unwrap_or_default();
                shown.high = max.map(|n| n.to_string()).unwrap_or_default();
            }
            _ => {}
        }
        shown
    }
}

fn control(field: &Field, must: bool) -> Control {
    let is_short = ["name", "model", "number", "code", "vin"].iter().any(|end| field.name.ends_with(end));
    match &field.kind {
        FieldKind::Text if is_short => Control::Line,
        FieldKind::Text => Control::Area,
        FieldKind::Phone => Control::Phone,
        FieldKind::Plate | FieldKind::Vin | FieldKind::Order | FieldKind::Attachment(_) => Control::Line,
        FieldKind::Date => Control::Date,
        FieldKind::Window => Control::Window,
        FieldKind::Money => Control::Money,
        FieldKind::Choice(choices) if choices.len() <= OPEN_CHOICES => Control::Radio,
        FieldKind::Choice(_) => Control::Select,
        FieldKind::Choices(_) => Control::Ticks,
        FieldKind::Bool if must => Control::YesNo,
        FieldKind::Bool => Control::Tick,
        FieldKind::Int { .. } => Control::Number,
        FieldKind::Person { .. } => Control::Person,
        FieldKind::Branch => Control::Branch,
    }
}

/// Puts what is wrong beside the fields; what belongs to none of them is left for the top.
pub fn blame(fields: &mut [Shown], refused: &Refused) -> Vec<String> {
    let mut left = Vec::new();
    for (path, wrong) in &refused.fields {
        let name = path.rsplit(['.', '/']).next().unwrap_or(path);
        match fields.iter_mut().find(|field| field.name == name) {
            Some(field) => field.wrong.clone_from(wrong),
            None => left.push(format!("{path}: {wrong}")),
        }
    }
    if left.is_empty() && fields.iter().all(|field| field.wrong.is_empty()) {
        left.push(refused.said.clone());
    }
    left
}

/// A deed that may be done: a form that unfolds.
pub struct Deed {
    pub id: String,
    pub title: String,
    pub post: String,
    pub hidden: Vec<(&'static str, String)>,
    pub fields: Vec<Shown>,
    pub wrong: Vec<String>,
    pub rule: String,
    pub intro: String,
    pub submit: String,
    pub is_main: bool,
    pub is_danger: bool,
    pub is_open: bool,
    /// Proofs that are wanted: their kinds and what for. `None`: no attachments.
    pub proofs: Option<Proofs>,
}

pub struct Proofs {
    pub ticket: String,
    pub wanted: Vec<String>,
    /// Receipts that were sent before.
    pub sent: Vec<String>,
}

impl Deed {
    pub fn new(id: &str, title: &str, post: String, submit: &str) -> Deed {
        Deed {
            id: id.to_owned(),
            title: title.to_owned(),
            post,
            hidden: vec![("request_id", crate::clock::request_id())],
            fields: Vec::new(),
            wrong: Vec::new(),
            rule: String::new(),
            intro: String::new(),
            submit: submit.to_owned(),
            is_main: false,
            is_danger: false,
            is_open: false,
            proofs: None,
        }
    }

    /// Came back with what is wrong: it holds somebody's words.
    pub fn is_refused(&self) -> bool {
        !self.wrong.is_empty() || self.fields.iter().any(|field| !field.wrong.is_empty())
    }

    /// The same words sent again are the same request.
    pub fn sent_again(mut self, posted: &Posted) -> Deed {
        if let Some(again) = Some(posted.get("request_id")).filter(|id| !id.is_empty()) {
            again.clone_into(&mut self.hidden[0].1);
        }
        self
    }

    pub fn with(mut self, name: &'static str, value: impl ToString) -> Deed {
        self.hidden.push((name, value.to_string()));
        self
    }

    pub fn asks(mut self, fields: Vec<Shown>) -> Deed {
        self.fields = fields;
        self
    }

    pub fn main(mut self) -> Deed {
        self.is_main = true;
        self
    }

    pub fn danger(mut self) -> Deed {
        self.is_danger = true;
        self
    }

    pub fn opened(mut self) -> Deed {
        self.is_open = true;
        self
    }
}

#[derive(Template)]
#[template(path = "deed_alone.html")]
struct DeedPage<'a> {
    f: Frame,
    deed: &'a Deed,
}

/// The form again, with what is wrong; or the failure.
pub fn again(visitor: &Visitor, status: tonic::Status, mut deed: Deed) -> Result<Response, Trouble> {
    let Some(refused) = Refused::of(&status) else { return Err(status.into()) };
    deed.wrong = blame(&mut deed.fields, &refused);
    deed.rule = refused.rule;
    deed.is_open = true;
    let page = DeedPage { f: visitor.frame("", ""), deed: &deed };
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page.render()?)).into_response())
}

/// Sends the browser on after a deed.
pub fn go(visitor: &Visitor, to: &str) -> Response {
    if !visitor.wants_fragment {
        return Redirect::to(to).into_response();
    }
    let mut response = StatusCode::OK.into_response();
    if let Ok(to) = HeaderValue::from_str(to) {
        response.headers_mut().insert("hx-redirect", to);
    }
    response
}

/// A path of ours, as a form names where to go back to.
pub fn inside(path: &str) -> Option<&str> {
    let is_ours = path.starts_with('/') && !path.starts_with("//") && !path.contains(['\\', '\r', '\n']);
    is_ours.then_some(path)
}

#[cfg(test)]
mod tests {
    use playbook::{Lang, Text};

    use super::*;

    fn field(name: &str, kind: FieldKind) -> Field {
        Field {
            name: name.into(),
            label: Text::new(name, name),
            kind,
            required: Required::Never,
            personal: false,
            hint: None,
            rules: Vec::new(),
        }
    }

    fn posted(pairs: &[(&str, &str)]) -> Posted {
        Posted(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn fields_are_read_as_the_contracts_take_them() {
        let code =
            |code: &str| playbook::Choice { code: code.into(), name: Text::new(code, code), rules: vec![] };
        let fields = [
            field("when", FieldKind::Window),
            field("tags", FieldKind::Choices(vec![code("a"), code("b")])),
            field("name", FieldKind::Text),
            field("blank", FieldKind::Text),
        ];
        let posted = posted(&[
            ("when.from", "2026-03-01T09:00"),
            ("when.to", "2026-03-01T11:00"),
            ("tags", "a"),
            ("tags", "b"),
            ("name", " x "),
            ("blank", " "),
            ("stranger", "y"),
        ]);
        let read = posted.fields(&fields);
        assert_eq!(read["when"], "2026-03-01T09:00/2026-03-01T11:00");
        assert_eq!((read["tags"].as_str(), read["name"].as_str(), read.len()), ("a,b", "x", 3));
    }

    #[test]
    fn a_form_comes_back_with_its_words_and_what_is_wrong() {
        let posted = posted(&[("phone", "1")]);
        let mut fields = vec![Shown::field(&field("phone", FieldKind::Phone), &posted, Tongue(Lang::Zh))];
        let refused = Refused {
            said: "不符".into(),
            rule: String::new(),
            fields: vec![("form.phone".into(), "太短".into()), ("branch".into(), "没有".into())],
        };
        assert_eq!(blame(&mut fields, &refused), ["branch: 没有"]);
        assert_eq!((fields[0].value.as_str(), fields[0].wrong.as_str()), ("1", "太短"));
    }

    #[test]
    fn nobody_is_sent_to_another_site() {
        assert_eq!(inside("/tickets/1?a=b"), Some("/tickets/1?a=b"));
        for path in ["//evil.example", "https://evil.example", "/\\evil", "", "tickets"] {
            assert_eq!(inside(path), None, "{path}");
        }
    }
}
