//! What a live session needs of its server, even when that is gone.

use std::{
    fmt,
    sync::{OnceLock, atomic::AtomicBool},
    time::Duration,
};

use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use crate::clock::{self, Instant};
use crate::server::Limits;
use crate::server::events::Publisher;
use crate::session::Deadlines;

/// Shared by a server and its sessions: a session outlives its server when somebody holds it, and
/// must come to its end all the same.
pub(crate) struct Hub {
    started: Instant,
    pub(crate) deadlines: Deadlines,
    pub(crate) deadlines_of_principals: Deadlines,
    /// Those of sessions that other processes may use as well.
    #[cfg(feature = "http")]
    pub(crate) deadlines_of_stored: Deadlines,
    /// A principal's session came to rest since somebody searched for one.
    pub(crate) rested: AtomicBool,
    /// How long one run of a hook may take.
    pub(crate) patience: Duration,
    pub(crate) events: Publisher,
    /// The hooks that run. Closed from the start, so that it can be waited for at any time.
    pub(crate) hooks: TaskTracker,
    /// Where hooks run when a session ends outside of a runtime.
    runtime: OnceLock<Handle>,
}

impl Hub {
    pub(crate) fn new(limits: &Limits) -> Self {
        let hooks = TaskTracker::new();
        hooks.close();
        Self {
            started: clock::now(),
            deadlines: limits.deadlines(),
            deadlines_of_principals: limits.deadlines_of_principals(),
            #[cfg(feature = "http")]
            deadlines_of_stored: limits.deadlines_of_stored(),
            rested: AtomicBool::new(false),
            patience: limits.hook,
            events: Publisher::default(),
            hooks,
            runtime: OnceLock::new(),
        }
    }

    /// Milliseconds since the server was made.
    pub(crate) fn now_ms(&self) -> u64 {
        let uptime = clock::now().duration_since(self.started);
        u64::try_from(uptime.as_millis()).unwrap_or(u64::MAX)
    }

    /// Remembers the runtime that sessions are opened in.
    pub(crate) fn settle(&self) {
        if self.runtime.get().is_none()
            && let Ok(runtime) = Handle::try_current()
        {
            // Whoever was first is as good.
            self.runtime.set(runtime).ok();
        }
    }

    /// Runs hooks in a task; false where there is no runtime for it.
    pub(crate) fn spawn(&self, hooks: impl Future<Output = ()> + Send + 'static) -> bool {
        let current = Handle::try_current().ok();
        let Some(runtime) = current.as_ref().or_else(|| self.runtime.get()) else {
            return false;
        };
        self.hooks.spawn_on(hooks, runtime);
        true
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").finish_non_exhaustive()
    }
}
