//! How the case stands, as the services show it to who may see everything.

use organisation::Snapshot;
use playbook::Playbook;
use proto::{
    Time,
    dispatch::v1::GetWorkRequest,
    follow_up::v1::GetFollowUpsRequest,
    intake::v1::GetTicketRequest,
    reporting::v1::{Figure, GetFiguresRequest},
    sla_watchdog::v1::GetClocksRequest,
};
use reporting_core::Unit;
use trial::{
    scenario::{CallSeen, CaseSeen, ClockSeen, FigureSeen, Seen},
    town::Town,
};

use super::{World, refused::done};

/// Everything that an expectation may ask.
pub struct Eyes<'t> {
    town: &'t Town,
    case: Option<CaseSeen>,
    clocks: Vec<ClockSeen>,
    calls: Vec<CallSeen>,
    figures: Vec<FigureSeen>,
}

impl<'t> Eyes<'t> {
    /// Looks once; what is asked afterwards is what was seen. `town` lends the ground: who there is, and the rule book.
    ///
    /// # Errors
    /// A service that does not answer.
    pub async fn look(world: &World, town: &'t Town, ticket: Option<&str>) -> anyhow::Result<Eyes<'t>> {
        let figures = figures(world, town).await?;
        let mut eyes = Eyes { town, case: None, clocks: Vec::new(), calls: Vec::new(), figures };
        if let Some(ticket) = ticket {
            eyes.case = case(world, ticket).await?;
            eyes.clocks = clocks(world, ticket).await?;
            eyes.calls = calls(world, ticket).await?;
        }
        Ok(eyes)
    }
}

impl Seen for Eyes<'_> {
    fn playbook(&self) -> &Playbook {
        self.town.playbook()
    }

    fn directory(&self) -> &Snapshot {
        self.town.directory()
    }

    fn branch(&self) -> &str {
        self.town.branch()
    }

    fn case(&self) -> Option<CaseSeen> {
        self.case.clone()
    }

    fn clocks(&self) -> Vec<ClockSeen> {
        self.clocks.clone()
    }

    fn calls(&self) -> Vec<CallSeen> {
        self.calls.clone()
    }

    fn figures(&self) -> Option<Vec<FigureSeen>> {
        Some(self.figures.clone())
    }
}

async fn case(world: &World, ticket: &str) -> anyhow::Result<Option<CaseSeen>> {
    let (connection, system) = (&world.connection, world.connection.system());
    let ask = GetTicketRequest { ticket_id: ticket.to_owned(), ..GetTicketRequest::default() };
    let Ok(shown) = done(connection.intake(&system).get_ticket(ask).await)? else { return Ok(None) };
    let Some(ticket) = shown.ticket else { return Ok(None) };
    let reference = ticket.r#ref.unwrap_or_default();
    let ask = GetWorkRequest { ticket_id: reference.ticket_id, reveal_reason: String::new() };
    let work = done(connection.dispatch(&system).get_work(ask).await)?.ok().and_then(|shown| shown.work);
    let steps = work.map(|work| work.steps).unwrap_or_default();
    let open = steps.into_iter().filter(|step| matches!(step.state.as_str(), "ready" | "in_approval"));
    let mut ready: Vec<String> = open.map(|step| step.id).collect();
    ready.sort();
    Ok(Some(CaseSeen {
        closed: ticket.state == "closed",
        severity: ticket.severity,
        category: ticket.category,
        reasons: ticket.reasons,
        cycle: reference.cycle,
        ready,
    }))
}

async fn clocks(world: &World, ticket: &str) -> anyhow::Result<Vec<ClockSeen>> {
    let system = world.connection.system();
    let ask = GetClocksRequest { ticket_id: ticket.to_owned() };
    let shown = done(world.connection.watchdog(&system).get_clocks(ask).await)?;
    let seen = |clock: proto::sla_watchdog::v1::Clock| ClockSeen {
        clock: clock.clock,
        instance: clock.instance,
        state: clock.state,
        due: Time(clock.due_at).set(),
    };
    Ok(shown.map(|shown| shown.clocks).unwrap_or_default().into_iter().map(seen).collect())
}

async fn calls(world: &World, ticket: &str) -> anyhow::Result<Vec<CallSeen>> {
    let system = world.connection.system();
    let ask = GetFollowUpsRequest { ticket_id: ticket.to_owned(), reveal_reason: String::new() };
    let shown = done(world.connection.follow_up(&system).get_follow_ups(ask).await)?;
    let seen = |call: proto::follow_up::v1::FollowUp| CallSeen {
        rule: call.rule,
        state: call.state,
        planned: Time(call.try_at),
        due: Time(call.due_at),
    };
    Ok(shown.map(|shown| shown.follow_ups).unwrap_or_default().into_iter().map(seen).collect())
}

/// Over all time, of the branch's cases: there are no others of the scenario's.
async fn figures(world: &World, town: &Town) -> anyhow::Result<Vec<FigureSeen>> {
    let system = world.connection.system();
    let ask = GetFiguresRequest {
        playbook: town.playbook().id.clone(),
        from_at: 1,
        to_at: world.now().0 + Time::SECOND,
        branch: town.branch().to_owned(),
        ..GetFiguresRequest::default()
    };
    let shown = done(world.connection.reporting(&system).get_figures(ask).await)?;
    let shown = shown.map_err(|refusal| anyhow::anyhow!("the figures are refused: {refusal}"))?;
    shown.figures.into_iter().map(figure).collect()
}

fn figure(figure: Figure) -> anyhow::Result<FigureSeen> {
    let unit = Unit::parse(&figure.unit)
        .ok_or_else(|| anyhow::anyhow!("figure {}: there is no unit `{}`", figure.figure, figure.unit))?;
    Ok(FigureSeen {
        figure: figure.figure,
        by: figure.by,
        key: figure.key,
        unit,
        shown: unit.shown(figure.value, figure.cases),
    })
}
