//! Standard input and output on Unix.

mod input;
mod output;
mod parent;

use std::{
    fs::File,
    io::{self, Write},
    os::fd::OwnedFd,
    sync::Arc,
};

use crate::error::{Error, Result};

use input::Input;
use output::Output;
use parent::Parent;

/// Private duplicates of descriptors 0 and 1, which lead elsewhere meanwhile; put back on drop.
pub(super) struct Streams {
    input: Arc<OwnedFd>,
    output: Arc<OwnedFd>,
    parent: Option<Parent>,
}

impl Streams {
    pub(super) fn take() -> Result<Self> {
        Self::try_take()
            .map_err(|error| Error::io("standard input and output cannot be taken", error))
    }

    fn try_take() -> io::Result<Self> {
        // From 3 on: a duplicate must not become one of the three itself. Closed on exec, so that
        // no child process holds the client's pipes open.
        let streams = Self {
            input: Arc::new(rustix::io::fcntl_dupfd_cloexec(io::stdin(), 3)?),
            output: Arc::new(rustix::io::fcntl_dupfd_cloexec(io::stdout(), 3)?),
            parent: Parent::watch(),
        };
        rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
        rustix::stdio::dup2_stdout(io::stderr())?;
        Ok(streams)
    }

    /// The parent's end is not the end of input.
    pub(super) fn outlive_parent(&mut self) {
        self.parent = None;
    }

    /// The two ends, for one run.
    pub(super) fn open(&mut self) -> Result<(Input, Output)> {
        let input = Input::start(Arc::clone(&self.input), self.parent.take());
        let output = Output::new(Arc::clone(&self.output));
        let both = input.and_then(|input| Ok((input, output?)));
        both.map_err(|error| Error::io("standard input and output cannot be opened", error))
    }
}

impl Drop for Streams {
    fn drop(&mut self) {
        // What was printed meanwhile and is still buffered goes where the rest of it went.
        if let Err(error) = io::stdout().flush() {
            tracing::warn!(%error, "standard output cannot be flushed");
        }
        let output = rustix::stdio::dup2_stdout(&*self.output);
        let input = rustix::stdio::dup2_stdin(&*self.input);
        if let Err(error) = output.and(input) {
            tracing::warn!(%error, "standard input and output cannot be put back");
        }
    }
}
