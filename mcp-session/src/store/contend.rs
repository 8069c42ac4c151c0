//! Trying again, after somebody else was first to change a record.

use std::time::Duration;

use crate::clock;
use crate::error::{Error, Result};

/// How often it is tried.
const ATTEMPTS: u32 = 100;

/// So many times it is tried again at once.
const AT_ONCE: u32 = 3;

/// The longest pause between two attempts.
const LONGEST: Duration = Duration::from_millis(64);

/// The attempts to change one record.
#[derive(Debug, Default)]
pub(crate) struct Contest {
    lost: u32,
}

impl Contest {
    /// Waits until it is worth another attempt: longer each time, and never as long as somebody
    /// else, so that of many one is always first.
    ///
    /// # Errors
    ///
    /// Others were first a hundred times.
    pub(crate) async fn lost(&mut self) -> Result<()> {
        self.lost += 1;
        if self.lost >= ATTEMPTS {
            return Err(Error::unavailable("others change the record all the time"));
        }
        if self.lost <= AT_ONCE {
            tokio::task::yield_now().await;
            return Ok(());
        }
        let mut chance = [0];
        // Without chance all wait alike, which only takes longer.
        getrandom::fill(&mut chance).ok();
        let longest = Duration::from_millis(1 << self.lost.min(16)).min(LONGEST);
        clock::sleep(longest * u32::from(chance[0]) / 256).await;
        Ok(())
    }
}
