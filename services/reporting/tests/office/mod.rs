//! Reporting on real engines. The services around it say what they are told to say.

use proto::{
    AnyEvent, Service, envelope::Position, reporting::v1::reporting_service_client::ReportingServiceClient,
};
use stage::{Directory, FollowUp, Ground, Intake, Parrot, SlaWatchdog, hatch, serves, wait_for};
use tonic::{Request, transport::Channel};

#[path = "../../core/tests/week/mod.rs"]
pub mod week;

pub struct Office {
    pub client: ReportingServiceClient<Channel>,
    pub pool: sqlx::PgPool,
    directory: Parrot<Directory>,
    intake: Parrot<Intake>,
    watchdog: Parrot<SlaWatchdog>,
    follow_up: Parrot<FollowUp>,
    ground: Ground,
}

impl Office {
    pub async fn open() -> Office {
        let ground = Ground::prepare(Service::Reporting, &[]).await;
        let (directory, intake) = (hatch(&ground.setup).await, hatch(&ground.setup).await);
        let (watchdog, follow_up) = (hatch(&ground.setup).await, hatch(&ground.setup).await);
        stage::apart(reporting::run(ground.setup.clone()));
        let address = ground.address(Service::Reporting);
        wait_for("reporting", async || serves(&address).await).await;
        let client = ReportingServiceClient::connect(address).await.unwrap();
        let pool = ground.pool(Service::Reporting);
        Office { client, pool, directory, intake, watchdog, follow_up, ground }
    }

    /// Makes the owner of this event say it; answers where it stands in his journal.
    pub async fn say(&self, event: AnyEvent) -> Position {
        match event {
            AnyEvent::DirectoryChanged(_) | AnyEvent::PlaybookActivated(_) => self.directory.say(event).await,
            AnyEvent::ClockStarted(_) | AnyEvent::ClockBreached(_) | AnyEvent::ClockMet(_) => {
                self.watchdog.say(event).await
            }
            AnyEvent::SurveyAnswered(_) => self.follow_up.say(event).await,
            _ => self.intake.say(event).await,
        }
    }

    /// A request of a person with a role at a node.
    pub fn from<T>(&self, person: &str, node: &str, message: T) -> Request<T> {
        let person = stage::person(person, "cr-manager", node);
        stage::in_english(self.ground.request(&person, message))
    }
}
