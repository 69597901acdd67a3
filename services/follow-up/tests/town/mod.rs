//! Follow-up with real engines, and in the place of the services around it such as say what they are
//! told to say.

use proto::{AnyEvent, Id, Service, follow_up::v1::follow_up_service_client::FollowUpServiceClient};
use stage::{Directory, Dispatch, Ground, Intake, Parrot, hatch};
use tonic::{Request, transport::Channel};

#[path = "../../core/tests/support/mod.rs"]
pub mod support;

pub struct Town {
    pub ticket: Id,
    dispatch: Parrot<Dispatch>,
    intake: Parrot<Intake>,
    directory: Parrot<Directory>,
    ground: Ground,
}

impl Town {
    pub async fn new() -> Town {
        let ground = Ground::prepare(Service::FollowUp, &[]).await;
        let town = Town {
            directory: hatch(&ground.setup).await,
            intake: hatch(&ground.setup).await,
            dispatch: hatch(&ground.setup).await,
            ticket: support::House::new("complaint").ticket,
            ground,
        };
        for entry in support::entries("shop", 1, include_str!("../../core/tests/support/playbook.yaml")) {
            town.directory.say(entry).await;
        }
        stage::apart(follow_up::run(town.ground.setup.clone()));
        town
    }

    /// Makes intake or dispatch say something about the ticket.
    pub async fn say(&self, event: AnyEvent) {
        match event {
            AnyEvent::WorkStepDone(_) => self.dispatch.say(event).await,
            _ => self.intake.say(event).await,
        };
    }

    /// Follow-up's own door.
    pub async fn door(&self) -> Option<FollowUpServiceClient<Channel>> {
        FollowUpServiceClient::connect(self.ground.address(Service::FollowUp)).await.ok()
    }

    /// A request by a person who holds this role at this node.
    pub fn by<T>(&self, person: &str, role: &str, node: &str, message: T) -> Request<T> {
        self.ground.request(&stage::person(person, role, node), message)
    }
}
