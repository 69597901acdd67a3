//! Named waits: somebody else's turn, with an owner and an end. One that nobody ends, ends by itself (P9).

use proto::Time;

use crate::ledger::Span;

#[derive(Clone, Debug)]
pub(crate) struct Wait {
    name: String,
    from: Time,
    /// When it ends by itself.
    until: Time,
    to: Option<Time>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Waits(Vec<Wait>);

impl Waits {
    /// A wait that is open already goes on as it was.
    pub fn begin(&mut self, name: &str, from: Time, until: Time) {
        if !self.0.iter().any(|wait| wait.to.is_none() && wait.name == name) {
            self.0.push(Wait { name: name.to_owned(), from, until, to: None });
        }
    }

    pub fn end(&mut self, name: &str, at: Time) {
        for wait in self.0.iter_mut().filter(|wait| wait.to.is_none() && wait.name == name) {
            wait.to = Some(at);
        }
    }

    pub fn end_all(&mut self, at: Time) {
        for wait in self.0.iter_mut().filter(|wait| wait.to.is_none()) {
            wait.to = Some(at);
        }
    }

    /// Ends those whose time is over by then; whether there were any.
    pub fn expire(&mut self, by: Time) -> bool {
        let mut any = false;
        for wait in self.0.iter_mut().filter(|wait| wait.to.is_none() && wait.until <= by) {
            wait.to = Some(wait.until);
            any = true;
        }
        any
    }

    /// When the first of the open ones ends by itself.
    pub fn next_end(&self) -> Option<Time> {
        self.0.iter().filter(|wait| wait.to.is_none()).map(|wait| wait.until).min()
    }

    pub fn open(&self) -> Vec<Span> {
        self.spans(|wait| wait.to.is_none())
    }

    /// What a clock that honours these waits stood still for since it started.
    pub fn honoured(&self, names: &[String], since: Time) -> Vec<Span> {
        self.spans(|wait| names.contains(&wait.name) && wait.to.is_none_or(|to| to > since))
    }

    fn spans(&self, wanted: impl Fn(&Wait) -> bool) -> Vec<Span> {
        let of = |wait: &Wait| Span { wait: wait.name.clone(), from: wait.from, to: wait.to };
        self.0.iter().filter(|wait| wanted(wait)).map(of).collect()
    }
}
