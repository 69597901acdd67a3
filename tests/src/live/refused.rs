//! A refusal as it comes over the wire, as the cores say it: the gate in the details, the sentence, each field.

use chassis::core::{Refusal, RefusalKind, Violation};
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// What came of a request: done, or refused by a rule.
pub type Done<T> = anyhow::Result<Result<T, Refusal>>;

/// `Err`: no rule refused it; the system itself failed.
pub fn done<T>(answer: Result<tonic::Response<T>, Status>) -> Done<T> {
    match answer {
        Ok(answer) => Ok(Ok(answer.into_inner())),
        Err(status) => refusal(&status).map(Err),
    }
}

fn refusal(status: &Status) -> anyhow::Result<Refusal> {
    let gate = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
    let kind = match status.code() {
        Code::InvalidArgument => RefusalKind::Invalid,
        Code::PermissionDenied => RefusalKind::Denied,
        Code::NotFound => RefusalKind::NotFound,
        Code::Aborted => RefusalKind::Aborted,
        Code::FailedPrecondition => RefusalKind::Precondition,
        _ => anyhow::bail!("{} ({gate})", hotline::client::explain(status)),
    };
    let mut refusal = Refusal::new(kind, &gate, status.message(), status.message());
    let fields = status.get_details_bad_request().map(|details| details.field_violations).unwrap_or_default();
    refusal.violations = fields
        .into_iter()
        .map(|field| Violation { field: field.field, zh: field.description.clone(), en: field.description })
        .collect();
    Ok(refusal)
}
