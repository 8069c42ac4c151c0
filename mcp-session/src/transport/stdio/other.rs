//! Standard input and output where descriptors cannot be moved about.

use tokio::io::{Stdin, Stdout};

use crate::error::Result;

/// The two streams.
pub(super) struct Streams;

impl Streams {
    pub(super) fn take() -> Result<Self> {
        Ok(Self)
    }

    #[expect(clippy::unused_self, reason = "it is used on Unix")]
    pub(super) fn open(&self) -> Result<(Stdin, Stdout)> {
        Ok((tokio::io::stdin(), tokio::io::stdout()))
    }
}
