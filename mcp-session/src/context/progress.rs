//! Telling a client how far the work is.

use std::time::Duration;

use crate::clock::{self, Instant};
use crate::context::Call;
use crate::protocol::{Frame, ProgressParams, method, wire};
use crate::session::{About, Kind};

/// How many reports may go out in one second.
const PER_SECOND: u32 = 50;

/// One progress report in the making; [`send`](Self::send) sends it.
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct Progress<'a> {
    call: &'a Call,
    progress: f64,
    total: Option<f64>,
    message: Option<String>,
}

impl<'a> Progress<'a> {
    pub(crate) fn new(call: &'a Call, progress: f64) -> Self {
        Self {
            call,
            progress,
            total: None,
            message: None,
        }
    }

    /// What counts as done.
    pub fn total(mut self, total: f64) -> Self {
        self.total = Some(total);
        self
    }

    /// What is being done, for people. Left out for clients of 2024-11-05, which has no messages.
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// Sends the report, if the client asked for progress and the value has risen.
    pub fn send(self) {
        let parts = &self.call.parts;
        let Some(token) = &parts.meta.progress_token else {
            return;
        };
        if !self.progress.is_finite() {
            return;
        }
        let (progress, total) = (self.progress, self.total);
        self.call.report(progress, total, || {
            let mut params = ProgressParams::new(token.clone(), progress);
            params.total = total.filter(|total| total.is_finite());
            params.message = self.message;
            let params = wire::progress(&params, parts.client.version());
            let frame = Frame::notification_raw(method::PROGRESS, &params);
            (Kind::Keyed(About::Progress(token.clone()).into()), frame)
        });
    }
}

/// What was reported last, and how much in the current second.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    last: Option<f64>,
    second: Option<Instant>,
    sent: u32,
}

impl Steps {
    pub(crate) fn admit(&mut self, progress: f64, total: Option<f64>) -> bool {
        if self.last.is_some_and(|last| progress <= last) {
            return false;
        }
        let now = clock::now();
        if self
            .second
            .is_none_or(|second| now.duration_since(second) >= Duration::from_secs(1))
        {
            self.second = Some(now);
            self.sent = 0;
        }
        let completes = total.is_some_and(|total| progress >= total);
        if self.sent >= PER_SECOND && !completes {
            return false;
        }
        self.last = Some(progress);
        self.sent += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn progress_rises_and_is_thinned_but_always_completes() {
        let mut steps = Steps::default();
        assert!(steps.admit(0.0, None) && steps.admit(1.0, None));
        assert!(!steps.admit(1.0, None) && !steps.admit(0.5, None));
        let admitted = (2..1_000).filter(|step| steps.admit(f64::from(*step), Some(1_000.0)));
        assert_eq!(admitted.count(), 48);
        assert!(steps.admit(1_000.0, Some(1_000.0)));
        clock::sleep(Duration::from_secs(1)).await;
        assert!(steps.admit(1_001.0, None));
    }
}
