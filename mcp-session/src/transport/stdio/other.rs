//! Standard input and output where descriptors cannot be moved about.

use tokio::io::{Stdin, Stdout};

use crate::error::Result;

/// The two streams.
pub(super) struct Streams;

impl Streams {
    pub(super) fn take() -> Result<Self> {
        Ok(Self)
    }

    #[expect(
        clippy::unused_self,
        clippy::needless_pass_by_ref_mut,
        reason = "there is a parent to watch on Unix"
    )]
    pub(super) fn outlive_parent(&mut self) {}

    #[expect(
        clippy::unused_self,
        clippy::needless_pass_by_ref_mut,
        reason = "it is used on Unix"
    )]
    pub(super) fn open(&mut self) -> Result<(Stdin, Stdout)> {
        Ok((tokio::io::stdin(), tokio::io::stdout()))
    }
}
