//! One case over the contracts: who it is, then the opening. What may pass is tried again.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use proto::intake::v1::{
    IdentifyRequest, OpenTicketRequest, OpenTicketResponse, PreviewTicketRequest,
    intake_service_client::IntakeServiceClient,
};
use tokio::time::Instant;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::{
    client::{Connection, Link},
    import::{Mapping, Wrong, row::Case, stamp::Stamp},
};

/// A row is tried this long before the import stops.
const PATIENCE: Duration = Duration::from_secs(120);
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What became of a case.
#[derive(Debug)]
pub enum Sent {
    Opened(OpenTicketResponse),
    /// Dry run: it would be opened.
    Fits,
    Bad(Vec<Wrong>),
    /// Intake cannot be reached, or refuses everything.
    Down(Status),
}

#[derive(Clone)]
pub struct Sender {
    intake: IntakeServiceClient<Link>,
    mapping: Arc<Mapping>,
    source: Arc<str>,
    stamp: Timestamp,
    dry_run: bool,
}

impl Sender {
    pub fn new(
        connection: &Connection,
        mapping: &Mapping,
        source: &str,
        stamp: Timestamp,
        dry_run: bool,
    ) -> Sender {
        Sender {
            intake: connection.intake(&connection.system()),
            mapping: Arc::new(mapping.clone()),
            source: source.into(),
            stamp,
            dry_run,
        }
    }

    /// The same for what another mapping read.
    pub fn by(&self, mapping: &Arc<Mapping>) -> Sender {
        Sender { mapping: mapping.clone(), ..self.clone() }
    }

    pub async fn send(&self, case: &Case) -> Sent {
        let sent = if self.dry_run { self.preview(case).await } else { self.open(case).await };
        sent.unwrap_or_else(|status| self.refused(status))
    }

    async fn preview(&self, case: &Case) -> Result<Sent, Status> {
        let ask = PreviewTicketRequest { open: Some(self.opening(case, String::new(), String::new())) };
        let answer = patiently(|| {
            let (mut intake, ask) = (self.intake.clone(), ask.clone());
            async move { intake.preview_ticket(ask).await }
        });
        answer.await.map(|_| Sent::Fits)
    }

    async fn open(&self, case: &Case) -> Result<Sent, Status> {
        let (customer, asset) = match self.identification(case) {
            None => Default::default(),
            Some(ask) => {
                let answer = patiently(|| {
                    let (mut intake, ask) = (self.intake.clone(), ask.clone());
                    async move { intake.identify(ask).await }
                });
                let known = answer.await?.into_inner();
                (known.customer_id, known.asset_id)
            }
        };
        let ask = self.opening(case, customer, asset);
        let answer = patiently(|| {
            let (mut intake, ask) = (self.intake.clone(), ask.clone());
            async move { intake.open_ticket(ask).await }
        });
        Ok(Sent::Opened(answer.await?.into_inner()))
    }

    fn request_id(&self, case: &Case, command: &str) -> String {
        Stamp::request_id(self.stamp, &self.source, &case.identity, command).to_string()
    }

    /// Nobody to identify without a phone.
    fn identification(&self, case: &Case) -> Option<IdentifyRequest> {
        let field =
            |names: &[&str]| names.iter().find_map(|name| case.form.get(*name)).cloned().unwrap_or_default();
        let phone = field(&["phone"]);
        (!phone.is_empty()).then(|| IdentifyRequest {
            request_id: self.request_id(case, "identify"),
            phone,
            name: field(&["customer_name", "name"]),
            plate: field(&["plate"]),
            vin: field(&["vin"]),
            model: field(&["model"]),
            brand: field(&["brand"]),
        })
    }

    fn opening(&self, case: &Case, customer_id: String, asset_id: String) -> OpenTicketRequest {
        OpenTicketRequest {
            request_id: self.request_id(case, "open"),
            customer_id,
            asset_id,
            playbook: self.mapping.playbook.clone(),
            case_type: self.mapping.case_type.clone(),
            branch: case.branch.clone(),
            channel: case.channel.clone(),
            form: case.form.clone(),
            about_persons: case.about_persons.clone(),
            occurred_at: case.occurred_at,
        }
    }

    /// A refusal of this row, or of everything.
    fn refused(&self, status: Status) -> Sent {
        match status.code() {
            Code::InvalidArgument | Code::FailedPrecondition | Code::NotFound | Code::OutOfRange => {
                Sent::Bad(wrongs(&status, &self.mapping))
            }
            Code::AlreadyExists => Sent::Bad(vec![Wrong::new(
                "",
                "该行此前已导入，但内容（或映射）已改变；原工单保持不变。",
                "The row was imported before, but it (or the mapping) has changed; the case stays as it was.",
            )]),
            _ => Sent::Down(status),
        }
    }
}

/// What the refusal says of each field, in both languages.
fn wrongs(status: &Status, mapping: &Mapping) -> Vec<Wrong> {
    let details = status.get_error_details();
    let whole = |language: &str| {
        let info = details.error_info().and_then(|info| info.metadata.get(language).cloned());
        info.unwrap_or_else(|| status.message().to_owned())
    };
    let (zh, en) = (whole("zh"), whole("en"));
    let violations = details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default();
    if violations.is_empty() {
        return vec![Wrong::new("", zh, en)];
    }
    let fields: Vec<&str> = violations.iter().map(|violation| violation.field.as_str()).collect();
    let (zh, en) = (parts(&zh, &fields), parts(&en, &fields));
    let said = |parts: &[Option<String>], place: usize| {
        parts[place].clone().unwrap_or_else(|| violations[place].description.clone())
    };
    fields
        .iter()
        .enumerate()
        .map(|(place, field)| Wrong::new(&mapping.column_of(field), said(&zh, place), said(&en, place)))
        .collect()
}

/// `form.a: this; form.b: that` by field: violations come in one language, their list in both.
fn parts(list: &str, fields: &[&str]) -> Vec<Option<String>> {
    let mut rest = Some(list);
    let mut parts = Vec::new();
    for (place, field) in fields.iter().enumerate() {
        let after = rest.and_then(|rest| rest.strip_prefix(&format!("{field}: ")));
        let end = fields.get(place + 1).and_then(|next| {
            let mark = format!("; {next}: ");
            after.and_then(|after| after.find(&mark))
        });
        parts.push(after.map(|after| after[..end.unwrap_or(after.len())].to_owned()));
        rest = after.zip(end).map(|(after, end)| &after[end + 2..]);
    }
    parts
}

/// Tries again what may pass: overload after the delay it names, an interruption with the same
/// request id, which tells whether it was carried out.
async fn patiently<R, F>(mut ask: impl FnMut() -> F) -> Result<R, Status>
where
    F: Future<Output = Result<R, Status>>,
{
    let until = Instant::now() + PATIENCE;
    let mut wait = FIRST_WAIT;
    loop {
        let status = match ask().await {
            Ok(answer) => return Ok(answer),
            Err(status) => status,
        };
        let passing = matches!(status.code(), Code::Unavailable | Code::ResourceExhausted | Code::Aborted);
        let named = status.get_details_retry_info().and_then(|info| info.retry_delay);
        let delay = named.unwrap_or(wait).min(LONGEST_WAIT);
        if !passing || Instant::now() + delay > until {
            return Err(status);
        }
        tokio::time::sleep(delay).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        path::Path,
        sync::atomic::{AtomicU32, Ordering},
    };

    use chassis_core::{Refusal, RefusalKind, Violation};

    use super::*;

    fn mapping() -> Mapping {
        let text =
            "playbook: p\ncase_type: c\nchannel: phone\nbranch: 门店\nform: { phone: 电话, content: 内容 }";
        Mapping::parse(Path::new("m"), text).unwrap()
    }

    #[test]
    fn a_refusal_is_told_by_column_in_both_languages() {
        let violation =
            |field: &str, zh: &str, en: &str| Violation { field: field.into(), zh: zh.into(), en: en.into() };
        let refusal = Refusal::invalid(vec![
            violation("branch", "没有；有", "none; some"),
            violation("form.phone", "号码不对。", "not a number"),
        ]);
        let wrong = wrongs(&chassis::rpc::status(refusal), &mapping());
        assert_eq!(
            wrong,
            [Wrong::new("门店", "没有；有", "none; some"), Wrong::new("电话", "号码不对。", "not a number")]
        );
        let gate = Refusal::precondition("contact-only", "当场解释。", "Explained on the spot.");
        assert_eq!(
            wrongs(&chassis::rpc::status(gate), &mapping()),
            [Wrong::new("", "当场解释。", "Explained on the spot.")]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn overload_is_waited_out_by_the_delay_it_names() {
        let asked = AtomicU32::new(0);
        let begun = Instant::now();
        let answer = patiently(|| {
            let turn = asked.fetch_add(1, Ordering::Relaxed);
            async move {
                let mut busy = Refusal::new(RefusalKind::Exhausted, "overload", "忙", "busy");
                busy.retry_after_ms = Some(700);
                if turn < 3 { Err(chassis::rpc::status(busy)) } else { Ok(turn) }
            }
        });
        assert_eq!(answer.await.unwrap(), 3);
        assert_eq!(begun.elapsed().as_millis(), 2_100);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_not_tried_again_and_patience_ends() {
        let asked = AtomicU32::new(0);
        let refused = patiently(|| {
            asked.fetch_add(1, Ordering::Relaxed);
            async { Err::<(), _>(Status::invalid_argument("no")) }
        });
        assert_eq!(refused.await.unwrap_err().code(), Code::InvalidArgument);
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        let begun = Instant::now();
        let down = patiently(|| async { Err::<(), _>(Status::unavailable("down")) });
        assert_eq!(down.await.unwrap_err().code(), Code::Unavailable);
        assert!(begun.elapsed() <= PATIENCE);
    }
}
