//! Base backups: one to go back to, or one that follows as a standby until it takes over.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::sync::Mutex;

use crate::account::run_as;
use crate::error::{Error, OnFile, Result};
use crate::home::Home;
use crate::postgres::{ENGINE, Postgres};
use crate::{blocking, occupants, port, refuge};

const FOLLOWS_WITHIN: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(100);

impl Postgres {
    /// A copy of everything as it is now, taken from the running server, to go back to with `put_back`.
    pub async fn save(&self) -> Result<()> {
        self.base_backup(&self.saved(), &[]).await
    }

    /// Puts the saved copy in place of what there is. Kills a running server; `restart` brings up the older one.
    pub async fn put_back(&self) -> Result<()> {
        self.kill().await?;
        fs::remove_dir_all(&self.data).on("remove", &self.data)?;
        fs::rename(self.saved(), &self.data).on("put in place", &self.data)
    }

    /// A second server that follows this one. This one answers no commit from now on that the other has not written.
    pub async fn standby(&self, dir: &Path) -> Result<Postgres> {
        let home = Home::take(ENGINE, dir).await?;
        let data = refuge::usable(home.path(), self.account.as_ref())?.join("data");
        occupants::kill(&data).await?;
        self.base_backup(&data, &["--write-recovery-conf"]).await?;
        let kept = data.with_file_name("password");
        fs::write(&kept, &self.password).on("write", &kept)?;
        refuge::set_mode(&kept, 0o600)?;
        let mut standby = Postgres {
            running: Mutex::new(None),
            data,
            home,
            programs: self.programs.clone(),
            account: self.account.clone(),
            tuning: self.tuning,
            port: port::choose(ENGINE, None)?,
            password: self.password.clone(),
        };
        standby.start_on_some_port(false).await?;
        self.wait_for_it("ALTER SYSTEM SET synchronous_standby_names = '*'").await?;
        Ok(standby)
    }

    /// The standby takes over: whoever it followed should be dead by now.
    pub async fn promote(&self) -> Result<()> {
        let alone = "ALTER SYSTEM RESET synchronous_standby_names;\nSELECT pg_reload_conf()";
        self.sql("postgres", "SELECT pg_promote(true, 60)").await?;
        self.sql("postgres", alone).await.map(drop)
    }

    async fn wait_for_it(&self, order: &str) -> Result<()> {
        self.sql("postgres", &format!("{order};\nSELECT pg_reload_conf()")).await?;
        let ask =
            "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = 'sync'";
        let patience = tokio::time::Instant::now() + FOLLOWS_WITHIN;
        while self.sql("postgres", ask).await?.trim() != "1" {
            if tokio::time::Instant::now() > patience {
                return Err(Error::Sql { message: "the standby does not follow".to_owned() });
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    fn saved(&self) -> PathBuf {
        self.data.with_file_name("data.saved")
    }

    async fn base_backup(&self, to: &Path, more: &[&str]) -> Result<()> {
        if to.exists() {
            fs::remove_dir_all(to).on("clear", to)?;
        }
        fs::create_dir(to).on("create", to)?;
        refuge::set_mode(to, 0o700)?;
        if let Some(account) = &self.account {
            account.own(to)?;
        }
        let program = self.programs.beside("pg_basebackup");
        let mut command = Command::new(&program);
        command
            .args([
                "--host",
                "127.0.0.1",
                "--port",
                &self.port.to_string(),
                "--username",
                crate::postgres::USER,
            ])
            .args(["--no-password", "--checkpoint=fast", "--wal-method=stream", "--no-sync", "--pgdata"])
            .arg(to)
            .args(more)
            .env("PGPASSWORD", &self.password)
            .stdin(Stdio::null())
            .current_dir("/");
        run_as(&mut command, self.account.as_ref());
        let log = to.to_owned();
        blocking(move || {
            let output = command
                .output()
                .map_err(|source| Error::Run { program: program.display().to_string(), source })?;
            if output.status.success() {
                return Ok(());
            }
            let tail = String::from_utf8_lossy(&output.stderr).into_owned();
            Err(Error::Ended { engine: "pg_basebackup", status: output.status, log, tail })
        })
        .await
    }
}
