//! Services as processes, so that one can be killed without warning and started again.

use std::{
    collections::HashMap,
    path::PathBuf,
    process::{Child, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context;
use local_engines::keeper::{self, OnOurDeath};
use proto::Service;

/// Processes by service and name.
pub struct Replicas {
    variables: Vec<(String, String)>,
    running: Mutex<HashMap<(Service, &'static str), Child>>,
}

impl Replicas {
    pub fn new(variables: Vec<(String, String)>) -> Replicas {
        Replicas { variables, running: Mutex::default() }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<(Service, &'static str), Child>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn variables(&self) -> &[(String, String)] {
        &self.variables
    }

    /// The one replica that a service has, mostly.
    pub fn start(&self, service: Service) -> anyhow::Result<()> {
        self.start_as(service, "first", &[])
    }

    /// A replica with settings of its own.
    pub fn start_as(
        &self,
        service: Service,
        name: &'static str,
        own: &[(String, String)],
    ) -> anyhow::Result<()> {
        let mut command = keeper::tied(&program()?, OnOurDeath::Kill);
        command.args(["run", service.name()]);
        command.envs(self.variables.iter().cloned()).envs(own.iter().cloned());
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = keeper::spawn(command).with_context(|| format!("{service} does not start"))?;
        self.running().insert((service, name), child);
        Ok(())
    }

    /// SIGKILL: it has no time to finish anything.
    pub fn kill(&self, service: Service) {
        self.kill_as(service, "first");
    }

    pub fn kill_as(&self, service: Service, name: &'static str) {
        let mut child = self.running().remove(&(service, name)).expect("it runs as a process");
        child.kill().expect("our own child can be killed");
        child.wait().expect("our own child can be waited for");
    }

    /// Waits until a process has ended that nobody killed.
    pub async fn first_to_end(&self) -> Service {
        loop {
            let found = self.running().iter_mut().find_map(|((service, _), child)| {
                matches!(child.try_wait(), Ok(Some(_))).then_some(*service)
            });
            if let Some(service) = found {
                return service;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub fn kill_all(&self) {
        for (_, mut child) in self.running().drain() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Replicas {
    fn drop(&mut self) {
        self.kill_all();
    }
}

/// The binary that the same build made: beside this program, or beside the folder of a test program.
pub fn program() -> anyhow::Result<PathBuf> {
    let this = std::env::current_exe()?;
    let folders = this.ancestors().skip(1).take(2);
    let program = folders.map(|folder| folder.join("hotline")).find(|program| program.is_file());
    program.with_context(|| {
        format!("no `hotline` near {}: `cargo build --bin hotline` makes it", this.display())
    })
}
