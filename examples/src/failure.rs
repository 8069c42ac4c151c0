//! Why an example gave up.

use std::{error::Error, fmt};

/// An example's result.
pub type Result<T = (), E = Failure> = std::result::Result<T, E>;

/// Why an example gave up: a text for the person at the terminal.
///
/// It converts from every error, with its sources. `main` prints the `Debug` form of what it
/// returns, so that form is the text.
pub struct Failure(String);

impl Failure {
    /// A failure of its own making.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The same, with what it is about before it.
    #[must_use]
    pub fn about(self, what: &str) -> Self {
        Self(format!("{what}: {}", self.0))
    }
}

impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut text = error.to_string();
        let mut next = error.source();
        while let Some(source) = next {
            text = format!("{text}: {source}");
            next = source.source();
        }
        Self(text)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
