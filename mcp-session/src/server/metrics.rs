//! What is told to the `metrics` facade, where the feature of that name is on.
//!
//! | name | kind | labels |
//! | --- | --- | --- |
//! | `mcp.server.operation.duration` | histogram, seconds | `mcp.method.name`; `error.type` of what failed: a JSON-RPC code, or `cancelled` |
//! | `mcp.server.session.duration` | histogram, seconds | `reason` |
//! | `mcp.server.sessions` | gauge | |
//! | `mcp.server.streams` | gauge: open event streams | |
//!
//! Without the feature nothing here does anything, and nothing is left of it in a program.

#[cfg(feature = "metrics")]
mod facade {
    use std::time::Duration;

    use metrics::{SharedString, gauge, histogram};

    use crate::clock::{self, Instant};
    use crate::session::EndReason;

    /// A request, from its beginning to its end.
    pub(crate) struct Measured {
        method: SharedString,
        began: Instant,
    }

    impl Measured {
        pub(crate) const IS_ON: bool = true;

        pub(crate) fn begin(method: &str) -> Self {
            Self {
                method: method.to_owned().into(),
                began: clock::now(),
            }
        }

        /// It is over; `error` says how it failed.
        pub(crate) fn end(&self, error: Option<&str>) {
            let took = clock::now().duration_since(self.began).as_secs_f64();
            let method = self.method.clone();
            const NAME: &str = "mcp.server.operation.duration";
            match error {
                None => histogram!(NAME, "mcp.method.name" => method).record(took),
                Some(error) => {
                    let error = error.to_owned();
                    histogram!(NAME, "mcp.method.name" => method, "error.type" => error)
                        .record(took);
                }
            }
        }
    }

    pub(crate) fn session_opened() {
        gauge!("mcp.server.sessions").increment(1.0);
    }

    pub(crate) fn session_closed() {
        gauge!("mcp.server.sessions").decrement(1.0);
    }

    pub(crate) fn session_ended(reason: EndReason, age: Duration) {
        let reason = reason.to_string();
        histogram!("mcp.server.session.duration", "reason" => reason).record(age.as_secs_f64());
    }

    #[cfg(feature = "http")]
    pub(crate) fn stream_opened() {
        gauge!("mcp.server.streams").increment(1.0);
    }

    #[cfg(feature = "http")]
    pub(crate) fn stream_closed() {
        gauge!("mcp.server.streams").decrement(1.0);
    }
}

#[cfg(not(feature = "metrics"))]
mod facade {
    use std::time::Duration;

    use crate::session::EndReason;

    pub(crate) struct Measured;

    #[expect(clippy::unused_self, reason = "the shape of the other one")]
    impl Measured {
        pub(crate) const IS_ON: bool = false;

        pub(crate) fn begin(_method: &str) -> Self {
            Self
        }

        pub(crate) fn end(&self, _error: Option<&str>) {}
    }

    pub(crate) fn session_opened() {}

    pub(crate) fn session_closed() {}

    pub(crate) fn session_ended(_reason: EndReason, _age: Duration) {}

    #[cfg(feature = "http")]
    pub(crate) fn stream_opened() {}

    #[cfg(feature = "http")]
    pub(crate) fn stream_closed() {}
}

pub(crate) use facade::{Measured, session_closed, session_ended, session_opened};
#[cfg(feature = "http")]
pub(crate) use facade::{stream_closed, stream_opened};
