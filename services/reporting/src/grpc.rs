//! Contract <-> reads and the one command.

use std::{sync::Arc, time::Duration};

use chassis::{
    Handle,
    rpc::{self, Caller},
};
use chassis_core::{Core, Refusal, RefusalKind};
use organisation::Snapshot;
use playbook::{Lang, Playbook, report::Target};
use proto::{
    Time,
    common::v1::Position as SaidPosition,
    envelope::Position,
    reporting::v1::{self as said, reporting_service_server::ReportingService},
};
use reporting_core::{Command, Issue, Issued, Line, Reply, Reporting, Row, Span, document::Document};
use tonic::{Request, Response, Status};

use crate::{board, lag, period, scope::Scope};

type Answer<T> = Result<Response<T>, Status>;

/// How long a reader waits for his own write.
const PATIENCE: Duration = Duration::from_millis(400);

/// Serves the contract.
pub struct Desk {
    handle: Handle<Reporting>,
}

/// A period reckoned for somebody.
struct Reckoned {
    directory: Arc<Snapshot>,
    playbook: Arc<Playbook>,
    span: Span,
    scope: Scope,
    lines: Vec<Line>,
}

impl Desk {
    pub fn new(handle: Handle<Reporting>) -> Desk {
        Desk { handle }
    }

    /// Whether the model is still behind a write that its reader knows of.
    async fn is_behind(&self, after: Option<&SaidPosition>) -> Result<bool, Refusal> {
        let Some(after) = after else { return Ok(false) };
        let at = Position::try_from(after)
            .map_err(|error| Refusal::field("after", "不是有效的日志位置。", error.to_string()))?;
        let is_source = Reporting::SOURCES.contains(&at.service);
        Ok(is_source && !self.handle.reached(at, PATIENCE).await)
    }

    fn scope(&self, caller: &Caller, wanted: &str) -> Result<Scope, Refusal> {
        Scope::of(caller.actor(), &self.handle.directory(), self.handle.now(), wanted)
    }

    async fn row(
        &self,
        caller: &Caller,
        request: &said::GetRowRequest,
    ) -> Result<said::GetRowResponse, Refusal> {
        let id = rpc::parse_id("ticket_id", &request.ticket_id)?;
        let scope = self.scope(caller, "")?;
        let behind = self.is_behind(request.after.as_ref()).await?;
        let row = self.handle.load::<Row>(id).await?;
        // Who is barred is not told that there is something to see.
        let hidden = |row: &Row| scope.person.as_deref().is_some_and(|person| row.is_barred(person));
        let row = row.filter(|row| row.is_shown() && scope.sees(&row.branch) && !hidden(row));
        let row = row.ok_or_else(|| Refusal::not_found("案件", "ticket", id))?;
        Ok(said::GetRowResponse { row: Some(board::said(&row)), behind })
    }

    async fn page(
        &self,
        caller: &Caller,
        request: &said::ListTicketsRequest,
    ) -> Result<said::ListTicketsResponse, Refusal> {
        let scope = self.scope(caller, &request.branch)?;
        let behind = self.is_behind(request.after.as_ref()).await?;
        let page = board::page(self.handle.reads(), &scope, request).await?;
        Ok(said::ListTicketsResponse {
            rows: page.rows.iter().map(board::said).collect(),
            next_cursor: page.next,
            behind,
        })
    }

    async fn reckon(
        &self,
        caller: &Caller,
        playbook: &str,
        period: &str,
        at: Time,
        branch: &str,
    ) -> Result<Reckoned, Refusal> {
        let directory = self.handle.directory();
        let scope = self.scope(caller, branch)?;
        let playbook = period::playbook(&directory, playbook)?;
        let span = period::span(&directory, period, at.set().unwrap_or_else(|| self.handle.now()))?;
        let figures = period::figures(&playbook, span.period);
        let lines = period::reckon(self.handle.reads(), &scope, &playbook, &figures, &span).await?;
        Ok(Reckoned { directory, playbook, span, scope, lines })
    }

    /// All figures over a span that belongs to no report.
    async fn reckon_between(
        &self,
        caller: &Caller,
        request: &said::GetFiguresRequest,
    ) -> Result<Reckoned, Refusal> {
        let directory = self.handle.directory();
        let scope = self.scope(caller, &request.branch)?;
        let playbook = period::playbook(&directory, &request.playbook)?;
        let span = period::between(&directory, Time(request.from_at), Time(request.to_at))?;
        let figures: Vec<_> = playbook.figures.iter().collect();
        let lines = period::reckon(self.handle.reads(), &scope, &playbook, &figures, &span).await?;
        Ok(Reckoned { directory, playbook, span, scope, lines })
    }

    /// The cases behind a group of a figure, over the same rows and the same rules as the figure.
    async fn cases(
        &self,
        caller: &Caller,
        request: &said::ListFigureCasesRequest,
    ) -> Result<said::ListFigureCasesResponse, Refusal> {
        let directory = self.handle.directory();
        let scope = self.scope(caller, &request.branch)?;
        let playbook = period::playbook(&directory, &request.playbook)?;
        let at = Time(request.at).set().unwrap_or_else(|| self.handle.now());
        let span = period::span(&directory, &request.period, at)?;
        let id = request.figure.strip_suffix(".p90").unwrap_or(&request.figure);
        let figure = playbook.figure(id).ok_or_else(|| Refusal::not_found("指标", "figure", id))?;
        let by = if request.by.is_empty() { "all" } else { &request.by };
        let group = period::Group { figure, by, key: &request.key };
        let place = (request.after.as_str(), request.limit);
        let (page, next) =
            period::behind(self.handle.reads(), &scope, &playbook, &group, &span, place).await?;
        let case = |one: &period::Behind| said::FigureCase {
            row: Some(board::said(&one.row)),
            value: one.value,
            unit: one.unit.to_owned(),
        };
        Ok(said::ListFigureCasesResponse { cases: page.iter().map(case).collect(), next })
    }

    /// Makes the document and puts its digest on record before handing it out.
    async fn issue(
        &self,
        caller: &Caller,
        request: said::IssueReportRequest,
    ) -> Result<Response<said::IssueReportResponse>, Status> {
        let say = |refusal| caller.status(refusal);
        let ask = caller.ask(&request.request_id, &request)?;
        let lang = language(&request.language).map_err(say)?;
        let format = Format::parse(&request.format).map_err(say)?;
        let reckoned = self
            .reckon(caller, &request.playbook, &request.period, Time(request.at), "")
            .await
            .map_err(say)?;
        let document = reckoned.document(lang);
        let csv = document.csv();
        let digest = blake3::hash(&csv).to_hex().to_string();
        let issue = Issue {
            report: reckoned.report_code(&request.period),
            period: reckoned.span.label.clone(),
            from: reckoned.span.from,
            to: reckoned.span.to,
            digest: digest.clone(),
        };
        let accepted = self.handle.submit(Issued::home(), ask, Command::Issue(issue)).await.map_err(say)?;
        let Reply::Issued { digest: on_record, .. } = accepted.reply;
        if on_record != digest {
            return Err(say(changed_since()));
        }
        let response = said::IssueReportResponse {
            digest,
            file_name: document.file_name(format.extension()),
            document: match format {
                Format::Csv => csv,
                Format::Table => document.table().into_bytes(),
            },
            position: Some(accepted.at.into()),
        };
        Ok(rpc::answer(response, accepted.at))
    }
}

impl Reckoned {
    fn document(&self, lang: Lang) -> Document<'_> {
        let report = self.playbook.reports.iter().find(|report| report.period == self.span.period);
        Document {
            playbook: &self.playbook,
            directory: &self.directory,
            span: &self.span,
            lines: &self.lines,
            lang,
            title: report.map_or_else(|| self.playbook.name.clone(), |report| report.name.clone()),
        }
    }

    /// `complaints.weekly`, and whose part of it: `complaints.weekly@B1`.
    fn report_code(&self, period: &str) -> String {
        let nodes = self.scope.nodes.iter().map(String::as_str).collect::<Vec<_>>().join("+");
        let whole = format!("{}.{period}", self.playbook.id);
        if nodes.is_empty() { whole } else { format!("{whole}@{nodes}") }
    }
}

#[derive(Clone, Copy)]
enum Format {
    Csv,
    Table,
}

impl Format {
    fn parse(text: &str) -> Result<Format, Refusal> {
        match text {
            "" | "csv" => Ok(Format::Csv),
            "table" => Ok(Format::Table),
            _ => Err(Refusal::field("format", "格式只有 csv 和 table。", "there are csv and table")),
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Table => "txt",
        }
    }
}

fn language(text: &str) -> Result<Lang, Refusal> {
    match text {
        "" | "zh" | "zh-CN" => Ok(Lang::Zh),
        "en" => Ok(Lang::En),
        _ => Err(Refusal::field("language", "语言只有 zh-CN 和 en。", "there are zh-CN and en")),
    }
}

/// A repeated request must not hand out another document than the one on record.
fn changed_since() -> Refusal {
    Refusal::new(
        RefusalKind::Aborted,
        "changed",
        "该请求已签发过报告，但数据此后有变化。请用新的请求号重新签发。",
        "This request has issued its report, and the data have changed since. Issue again with a new request id.",
    )
}

fn figure(line: Line) -> said::Figure {
    said::Figure {
        figure: line.figure,
        name_zh: line.name.zh,
        name_en: line.name.en,
        by: line.by.to_owned(),
        key: line.key,
        value: line.value,
        unit: line.unit.as_str().to_owned(),
        cases: line.cases,
        target: line.target.map(|target| match target {
            Target::AtLeast(value) | Target::AtMost(value) => value,
        }),
    }
}

#[tonic::async_trait]
impl ReportingService for Desk {
    async fn list_tickets(
        &self,
        request: Request<said::ListTicketsRequest>,
    ) -> Answer<said::ListTicketsResponse> {
        let caller = Caller::of(&request)?;
        let page = self.page(&caller, &request.into_inner()).await;
        page.map(Response::new).map_err(|refusal| caller.status(refusal))
    }

    async fn get_row(&self, request: Request<said::GetRowRequest>) -> Answer<said::GetRowResponse> {
        let caller = Caller::of(&request)?;
        let row = self.row(&caller, &request.into_inner()).await;
        row.map(Response::new).map_err(|refusal| caller.status(refusal))
    }

    async fn get_figures(
        &self,
        request: Request<said::GetFiguresRequest>,
    ) -> Answer<said::GetFiguresResponse> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let at = Time(request.at);
        let reckoned = if request.from_at != 0 || request.to_at != 0 {
            self.reckon_between(&caller, &request).await
        } else {
            self.reckon(&caller, &request.playbook, &request.period, at, &request.branch).await
        };
        let reckoned = reckoned.map_err(|refusal| caller.status(refusal))?;
        Ok(Response::new(said::GetFiguresResponse {
            period: reckoned.span.label,
            from_at: reckoned.span.from.0,
            to_at: reckoned.span.to.0,
            figures: reckoned.lines.into_iter().map(figure).collect(),
        }))
    }

    async fn issue_report(
        &self,
        request: Request<said::IssueReportRequest>,
    ) -> Answer<said::IssueReportResponse> {
        let caller = Caller::of(&request)?;
        self.issue(&caller, request.into_inner()).await
    }

    async fn list_figure_cases(
        &self,
        request: Request<said::ListFigureCasesRequest>,
    ) -> Answer<said::ListFigureCasesResponse> {
        let caller = Caller::of(&request)?;
        let found = self.cases(&caller, &request.into_inner()).await;
        found.map(Response::new).map_err(|refusal| caller.status(refusal))
    }

    async fn get_lag(&self, request: Request<said::GetLagRequest>) -> Answer<said::GetLagResponse> {
        let caller = Caller::of(&request)?;
        let lags = lag::lags(&self.handle).await.map_err(|refusal| caller.status(refusal))?;
        Ok(Response::new(said::GetLagResponse { lags }))
    }
}
