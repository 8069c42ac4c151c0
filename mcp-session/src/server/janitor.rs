//! Looks after the sessions that have places from time to time: parks what rests, ends what is
//! overdue.
//!
//! One task per server, there only while there are such sessions. It holds no server: when that is
//! dropped, or shuts down, the task ends.

use std::sync::{Arc, Weak};

use tokio::runtime::Handle;

use crate::clock;
use crate::server::ServerInner;

/// Starts the janitor, unless it is at work. Call it after a place was reserved.
pub(crate) fn ensure(server: &Arc<ServerInner>) {
    let mut at_work = server.sessions.janitor.lock();
    if *at_work || server.stopping.is_cancelled() {
        return;
    }
    let Ok(runtime) = Handle::try_current() else {
        return;
    };
    *at_work = true;
    let janitor = Janitor {
        server: Arc::downgrade(server),
        resigned: false,
    };
    let stopping = server.stopping.clone();
    let pause = server.limits.look();
    let work = async move {
        let mut janitor = janitor;
        loop {
            tokio::select! {
                biased;
                () = stopping.cancelled() => return,
                () = clock::sleep(pause) => {}
            }
            let Some(server) = janitor.server.upgrade() else {
                return;
            };
            server.sessions.look(&server.hub).await;
            if server.sessions.is_deserted() {
                janitor.resigned = true;
                return;
            }
        }
    };
    server.tasks.spawn_on(work, &runtime);
}

struct Janitor {
    server: Weak<ServerInner>,
    /// It has said so itself, and another may be at work already.
    resigned: bool,
}

impl Drop for Janitor {
    fn drop(&mut self) {
        // Its runtime is gone, perhaps, and the next session is opened in another one.
        if !self.resigned
            && let Some(server) = self.server.upgrade()
        {
            *server.sessions.janitor.lock() = false;
        }
    }
}
