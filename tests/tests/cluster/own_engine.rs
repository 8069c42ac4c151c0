//! An engine of a test's own, which it may crash.

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use crate::replicas::Folder;
use crate::setting::skipped;

/// How long an engine may take until it is there.
const STARTING: Duration = Duration::from_secs(60);

/// Runs `scripts/services`, which ends what it started when its input ends: also when this process
/// is gone.
#[derive(Debug)]
pub(crate) struct OwnEngine {
    pub(crate) url: String,
    running: Child,
    folder: Folder,
    variable: &'static str,
}

impl OwnEngine {
    /// One like that which this variable names. Without it the caller skips its test.
    pub(crate) async fn like(variable: &'static str) -> Option<Self> {
        if std::env::var_os(variable).is_none_or(|url| url.is_empty()) {
            skipped(&format!("{variable} is not set; see scripts/services"));
            return None;
        }
        let folder = Folder::new();
        let mut running = services(&folder, variable)
            .args(["run", "sh", "-c", &format!("echo \"${variable}\"; cat")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(running.stdout.take().unwrap());
        let mut engine = Self {
            url: String::new(),
            running,
            folder,
            variable,
        };
        // Said by the command, so the engine is there.
        let url = tokio::task::spawn_blocking(|| said.lines().next());
        let url = tokio::time::timeout(STARTING, url).await.unwrap();
        engine.url = url.unwrap().expect("the engine starts").unwrap();
        Some(engine)
    }

    /// Ends it as a crash would, and starts it again where it was.
    pub(crate) async fn restart(&self) {
        let mut restart = services(&self.folder, self.variable);
        let restart = tokio::task::spawn_blocking(move || restart.arg("restart").status());
        assert!(restart.await.unwrap().unwrap().success());
    }
}

impl Drop for OwnEngine {
    fn drop(&mut self) {
        self.running.stdin = None;
        self.running.wait().ok();
    }
}

/// The script, for one engine that is kept in this folder.
fn services(folder: &Folder, variable: &str) -> Command {
    let script = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/services"));
    let mut command = Command::new(script);
    command.env("CARGO_TARGET_DIR", &folder.0);
    for engine in ["DATABASE_URL", "REDIS_URL"] {
        if engine == variable {
            command.env_remove(engine);
        } else {
            // It has one, so that the script starts none.
            command.env(engine, "unused");
        }
    }
    command
}
