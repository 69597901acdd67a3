//! Pages of running cases, each with what every owner would have otherwise under the target version.

use std::collections::HashMap;

use chassis::core::Actor;
use proto::{
    common::v1::{MoveChange, MovePreview, MoveTarget, MovingCase, TicketRef},
    dispatch::v1 as dispatch,
    follow_up::v1 as follow_up,
    intake::v1::{PreviewMoveRequest, PreviewedMove, intake_service_client::IntakeServiceClient},
    sla_watchdog::v1 as watchdog,
};
use tonic::Status;

use crate::client::{Connection, Link};

/// Cases looked at in one question.
const PAGE: u32 = 200;

/// A case as all of its owners see the move.
#[derive(Clone, Debug, Default)]
pub struct Looked {
    pub reference: TicketRef,
    /// Why it cannot be moved: code and sentences of each owner that says so.
    pub blocked: Vec<(String, String, String)>,
    pub changes: Vec<MoveChange>,
}

impl Looked {
    pub fn is_blocked(&self) -> bool {
        !self.blocked.is_empty()
    }

    fn add(&mut self, preview: MovePreview) {
        if !preview.gate.is_empty() {
            self.blocked.push((preview.gate, preview.reason_zh, preview.reason_en));
        }
        self.changes.extend(preview.changes);
    }
}

/// Asks page by page.
pub struct Previews {
    connection: Connection,
    actor: Actor,
    target: MoveTarget,
    from: u32,
    /// Where the next page begins; `None`: there is none.
    after: Option<String>,
}

impl Previews {
    /// # Errors
    /// The directory does not know the person.
    pub async fn new(
        connection: &Connection,
        target: MoveTarget,
        from: u32,
        person: Option<&str>,
    ) -> anyhow::Result<Previews> {
        let actor = connection.orderer(person).await?;
        Ok(Previews { connection: connection.clone(), actor, target, from, after: Some(String::new()) })
    }

    pub fn intake(&self) -> IntakeServiceClient<Link> {
        self.connection.intake(&self.actor)
    }

    /// The next page; `None` after the last one.
    ///
    /// # Errors
    /// A service does not answer, or refuses.
    pub async fn next(&mut self) -> Result<Option<Vec<Looked>>, Status> {
        if self.after.is_none() {
            return Ok(None);
        }
        let (cases, next) = self.page().await?;
        let looked = self.ask_owners(cases).await?;
        self.after = Some(next).filter(|next| !next.is_empty());
        Ok(Some(looked))
    }

    /// What intake says of the next page, and where the one after it begins.
    pub(super) async fn page(&mut self) -> Result<(Vec<PreviewedMove>, String), Status> {
        let request = PreviewMoveRequest {
            target: Some(self.target.clone()),
            from: self.from,
            after: self.after.clone().unwrap_or_default(),
            limit: PAGE,
        };
        let page = self.intake().preview_move(request).await?.into_inner();
        Ok((page.cases, page.next))
    }

    async fn ask_owners(&self, cases: Vec<PreviewedMove>) -> Result<Vec<Looked>, Status> {
        let mut looked = Vec::with_capacity(cases.len());
        let mut moving: Vec<MovingCase> = Vec::new();
        for case in cases {
            let mut one = Looked { reference: case.r#ref.unwrap_or_default(), ..Looked::default() };
            one.add(case.preview.unwrap_or_default());
            if !one.is_blocked() {
                moving.extend(case.moving);
            }
            looked.push(one);
        }
        if moving.is_empty() {
            return Ok(looked);
        }
        let mut said: HashMap<String, Vec<MovePreview>> = HashMap::new();
        for preview in self.owners(moving).await? {
            said.entry(preview.ticket_id.clone()).or_default().push(preview);
        }
        for one in &mut looked {
            for preview in said.remove(&one.reference.ticket_id).unwrap_or_default() {
                one.add(preview);
            }
        }
        Ok(looked)
    }

    async fn owners(&self, cases: Vec<MovingCase>) -> Result<Vec<MovePreview>, Status> {
        let target = Some(self.target.clone());
        let (mut dispatch, mut watchdog, mut follow_up) = (
            self.connection.dispatch(&self.actor),
            self.connection.watchdog(&self.actor),
            self.connection.follow_up(&self.actor),
        );
        let (work, clocks, calls) = tokio::try_join!(
            dispatch
                .preview_move(dispatch::PreviewMoveRequest { target: target.clone(), cases: cases.clone() }),
            watchdog
                .preview_move(watchdog::PreviewMoveRequest { target: target.clone(), cases: cases.clone() }),
            follow_up
                .preview_move(follow_up::PreviewMoveRequest { target: target.clone(), cases: cases.clone() }),
        )?;
        Ok([work.into_inner().cases, clocks.into_inner().cases, calls.into_inner().cases].concat())
    }
}
