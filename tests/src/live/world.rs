//! A system of its own for each scenario. Engines and the empty schemas are kept for the next one in the same slot; the
//! database, the streams and the services are new each time.

use std::{sync::Mutex, time::Duration};

use anyhow::{Context, bail};
use chassis::Config;
use hotline::{
    client::{Connection, explain, request_id},
    run::{self, Part},
};
use local_engines::{Engines, Options};
use proto::{
    Time,
    directory::v1::{
        ActivateCalendarRequest, ActivatePlaybookRequest, DocumentFile, ImportRecordsRequest,
        MoveTimeRequest, NodeRecord, Person, PersonRecord,
    },
};
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use trial::ground::Ground;

use crate::{desk::insist, system::free_ports};

const START: Duration = Duration::from_secs(120);
/// Of the services of one world.
const THREADS: usize = 2;

/// Engines for one world at a time.
pub struct Slot {
    engines: Engines,
    /// Of all databases of this slot.
    prefix: String,
    schemas: Option<String>,
    worlds: u32,
    dir: tempfile::TempDir,
}

impl Slot {
    pub async fn open() -> anyhow::Result<Slot> {
        let dir = tempfile::tempdir_in(local_engines::scratch("live")?)?;
        let engines = Engines::start(Options::for_tests(dir.path().join("engines"))).await?;
        let own = dir.path().file_name().unwrap_or_default().to_string_lossy();
        let own = own.replace(|c: char| !c.is_ascii_alphanumeric(), "").to_lowercase();
        let prefix = format!("live_{}_{own}", std::process::id());
        Ok(Slot { engines, prefix, schemas: None, worlds: 0, dir })
    }

    /// Services on a database in which nothing was ever said; business time will begin at this moment.
    async fn serve(&mut self, database: &str, founded_at: Time) -> anyhow::Result<Services> {
        let pairs = [
            ("DATABASE_URL", database.to_owned()),
            ("NATS_URL", self.engines.nats_url()),
            ("BASE_PORT", free_ports()?.to_string()),
            ("STATE_DIR", self.dir.path().join("state").display().to_string()),
            ("READ_CONNECTIONS", "2".to_owned()),
            ("FOUNDED_AT", founded_at.to_timestamp().to_string()),
            ("TELEMETRY__LOG_FILTER", "warn".to_owned()),
        ];
        let variables = pairs.into_iter().map(|(key, value)| (format!("HOTLINE_{key}"), value));
        let config = Config::load(None, variables)?;
        // A runtime of their own: what a process leaves to its end, such as the report of its health, ends with them.
        let runtime = Builder::new_multi_thread().worker_threads(THREADS).enable_all().build()?;
        let stop = CancellationToken::new();
        let (started, asked) = (config.clone(), stop.clone());
        let running =
            runtime.spawn(async move { run::start(started, &Part::services(), asked)?.wait().await });
        let services = Services { config, stop, running, runtime: Some(runtime) };
        run::ready(&services.config, &Part::services(), START).await?;
        Ok(services)
    }

    /// The schemas, made once and copied for every world.
    async fn schemas(&mut self) -> anyhow::Result<String> {
        if let Some(known) = &self.schemas {
            return Ok(known.clone());
        }
        let name = format!("{}_schemas", self.prefix);
        let database = self.engines.fresh_database(&name).await?;
        let services = self.serve(&database, Time(1)).await?;
        services.stop().await?;
        // Pools close when nobody looks; a copy needs them closed.
        let left = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
        self.engines.sql("postgres", &left).await?;
        self.wipe().await?;
        self.schemas = Some(name.clone());
        Ok(name)
    }

    async fn wipe(&self) -> anyhow::Result<()> {
        self.engines.wipe_nats_storage().await?;
        self.engines.restart_nats().await?;
        Ok(())
    }

    /// A world in which it is this moment, with this organisation and its rule book.
    pub async fn world(&mut self, ground: &Ground, start: Time) -> anyhow::Result<World> {
        let schemas = self.schemas().await?;
        self.worlds += 1;
        let name = format!("{}_{}", self.prefix, self.worlds);
        let database = self.engines.copied_database(&name, &schemas).await?;
        let services = self.serve(&database, start).await?;
        let connection = Connection::open(services.config.clone()).await?;
        let mut world = World { connection, services, name, now: Mutex::new(start) };
        world.found(ground, start).await?;
        // Now that there is a root, the command line knows where it stands.
        world.connection = Connection::open(world.services.config.clone()).await?;
        Ok(world)
    }

    /// Ends a world and throws away what it held.
    pub async fn clear(&self, world: World) -> anyhow::Result<()> {
        world.services.stop().await?;
        let statement = format!("DROP DATABASE \"{}\" WITH (FORCE)", world.name);
        self.engines.sql("postgres", &statement).await?;
        self.wipe().await
    }

    pub async fn close(self) -> anyhow::Result<()> {
        if let Some(schemas) = &self.schemas {
            self.engines.sql("postgres", &format!("DROP DATABASE \"{schemas}\" WITH (FORCE)")).await?;
        }
        Ok(self.engines.stop().await?)
    }
}

struct Services {
    config: Config,
    stop: CancellationToken,
    running: JoinHandle<anyhow::Result<()>>,
    /// Until it ends.
    runtime: Option<Runtime>,
}

impl Services {
    async fn stop(mut self) -> anyhow::Result<()> {
        self.stop.cancel();
        (&mut self.running).await.context("a service panicked")?
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        self.stop.cancel();
        self.runtime.take().into_iter().for_each(Runtime::shutdown_background);
    }
}

/// All services, for one scenario.
pub struct World {
    pub connection: Connection,
    services: Services,
    name: String,
    now: Mutex<Time>,
}

impl World {
    /// Time by hand is the first thing that is ever said, so nothing bears today's stamp.
    async fn found(&self, ground: &Ground, start: Time) -> anyhow::Result<()> {
        self.move_time(start).await?;
        let system = self.connection.system();
        let mut directory = self.connection.directory(&system);
        for source in &ground.calendars {
            let request = ActivateCalendarRequest { request_id: request_id(), source: source.clone() };
            directory.activate_calendar(request).await.map_err(refused)?;
        }
        let node = |node: &proto::directory::v1::Node| NodeRecord {
            place: node.code.clone(),
            node: Some(node.clone()),
            ..NodeRecord::default()
        };
        let request = ImportRecordsRequest {
            request_id: request_id(),
            nodes: ground.nodes.iter().map(node).collect(),
            persons: ground.persons.iter().map(record).collect(),
        };
        let imported = directory.import_records(request).await.map_err(refused)?.into_inner();
        if let Some(bad) = imported.bad.first() {
            bail!("the organisation is not taken as it is: {} {}: {}", bad.place, bad.field, bad.reason_en);
        }
        for files in &ground.playbooks {
            let file =
                |(path, text): &(String, String)| DocumentFile { path: path.clone(), text: text.clone() };
            let request =
                ActivatePlaybookRequest { request_id: request_id(), files: files.iter().map(file).collect() };
            // Every case type is played through before it is in force; unoptimised, a large book takes its time.
            insist(async || directory.clone().activate_playbook(request.clone()).await)
                .await
                .map_err(refused)?;
        }
        Ok(())
    }

    pub fn now(&self) -> Time {
        *self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub async fn move_time(&self, at: Time) -> anyhow::Result<()> {
        let request = MoveTimeRequest {
            request_id: request_id(),
            mode: "manual".to_owned(),
            business_at: at.0,
            factor_milli: 0,
        };
        let system = self.connection.system();
        self.connection.directory(&system).move_time(request).await.map_err(refused)?;
        *self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = at;
        Ok(())
    }
}

/// The imagined people have no names; a code will do.
fn record(person: &Person) -> PersonRecord {
    PersonRecord {
        place: person.code.clone(),
        code: person.code.clone(),
        name: person.code.clone(),
        phone: "13800000000".to_owned(),
        mail: "somebody@example.com".to_owned(),
        roles: person.roles.clone(),
        deputy: person.deputy.clone(),
        absences: person.absences.clone(),
        disabled: person.disabled,
        ..PersonRecord::default()
    }
}

fn refused(status: tonic::Status) -> anyhow::Error {
    anyhow::anyhow!(explain(&status))
}
