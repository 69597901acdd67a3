//! The directory on real engines, and somebody who calls it.

use chassis_core::{Actor, Grant};
use proto::{Service, directory::v1::directory_service_client::DirectoryServiceClient};
use stage::{Ground, serves, wait_for};
use tonic::{Request, transport::Channel};

pub struct Office {
    pub client: DirectoryServiceClient<Channel>,
    pub pool: sqlx::PgPool,
    pub ground: Ground,
}

impl Office {
    pub async fn open() -> Office {
        let ground = Ground::prepare(Service::Directory, &[]).await;
        stage::apart(directory::run(ground.setup.clone()));
        let address = ground.address(Service::Directory);
        wait_for("the directory", async || serves(&address).await).await;
        let client = DirectoryServiceClient::connect(address).await.unwrap();
        let pool = ground.pool(Service::Directory);
        Office { client, pool, ground }
    }

    /// A request of this actor.
    pub fn from<T>(&self, actor: &Actor, message: T) -> Request<T> {
        stage::in_english(self.ground.request(actor, message))
    }

    pub fn with<T>(&self, token: &str, message: T) -> Request<T> {
        stage::in_english(stage::with_token(token, message))
    }
}

pub fn tool() -> Actor {
    Actor::System { code: "cli".into(), grants: vec![Grant { role: "system".into(), node: "*".into() }] }
}
