//! Errors, sorted by whose they are.
//!
//! [`Error`] is what this crate tells the program that uses it; [`ToolError`] is what a handler
//! tells the model; [`RpcError`](crate::protocol::RpcError) is what the peer is told when it
//! broke the rules.

mod handler;
mod mistake;
mod refused;

use std::fmt;

pub use handler::ToolError;
pub(crate) use handler::ToolErrorKind;
pub use mistake::Mistake;
pub use refused::Refused;

/// The result of what this crate's own functions do.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Any error, as hooks return it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What went wrong in this crate, for the program that uses it.
///
/// Opaque on purpose: ask it with the `is_…` methods, show it with `Display`, and follow
/// [`source`](std::error::Error::source) for what lies beneath. `Debug` is all of that for people:
/// it is what `fn main() -> mcp_session::Result<()>` prints.
///
/// # Examples
///
/// ```
/// use mcp_session::{Template, Tool};
///
/// let twice = || Tool::new("add").description("Adds.").handler(async || "3");
/// let error = Template::builder("calculator", "1.0.0").tool(twice()).tool(twice()).build().unwrap_err();
/// assert!(error.is_registration());
/// assert_eq!(error.mistakes().len(), 1);
/// ```
pub struct Error {
    kind: Box<Kind>,
}

#[derive(Debug, thiserror::Error)]
enum Kind {
    #[error("{} in the registration: {}", count(.0.len()), listed(.0))]
    Registration(Vec<Mistake>),
    #[error("this edit cannot be made: {0}")]
    Edit(String),
    #[error("the factory `{name}` {problem}")]
    Factory {
        name: String,
        problem: &'static str,
        source: Option<BoxError>,
    },
    #[error("{what} cannot be kept: {remedy}")]
    Unkept {
        what: &'static str,
        remedy: &'static str,
    },
    #[error("{0}")]
    Full(String),
    #[error("{0}")]
    Unknown(String),
    #[error("the value of `{name}` {problem}")]
    Value {
        name: String,
        problem: &'static str,
        source: serde_json::Error,
    },
    #[error("what is kept cannot be reached now; try again")]
    Unavailable(#[source] BoxError),
    #[error("the session has ended")]
    Ended,
    #[error("the session was refused")]
    Refused(#[source] BoxError),
    #[error("the configuration cannot work: {0}")]
    Configuration(String),
    #[error("{0}")]
    Io(&'static str, #[source] std::io::Error),
}

impl Error {
    pub(crate) fn registration(mistakes: Vec<Mistake>) -> Self {
        Kind::Registration(mistakes).into()
    }

    pub(crate) fn edit(message: impl Into<String>) -> Self {
        Kind::Edit(message.into()).into()
    }

    pub(crate) fn factory(name: &str, problem: &'static str, source: Option<BoxError>) -> Self {
        let name = name.to_owned();
        Kind::Factory {
            name,
            problem,
            source,
        }
        .into()
    }

    pub(crate) fn unkept(what: &'static str, remedy: &'static str) -> Self {
        Kind::Unkept { what, remedy }.into()
    }

    pub(crate) fn full(message: impl Into<String>) -> Self {
        Kind::Full(message.into()).into()
    }

    pub(crate) fn unknown(message: impl Into<String>) -> Self {
        Kind::Unknown(message.into()).into()
    }

    pub(crate) fn value(name: &str, problem: &'static str, source: serde_json::Error) -> Self {
        let name = name.to_owned();
        Kind::Value {
            name,
            problem,
            source,
        }
        .into()
    }

    pub(crate) fn unavailable(source: impl Into<BoxError>) -> Self {
        Kind::Unavailable(source.into()).into()
    }

    pub(crate) fn ended() -> Self {
        Kind::Ended.into()
    }

    pub(crate) fn refused(source: BoxError) -> Self {
        Kind::Refused(source).into()
    }

    pub(crate) fn configuration(message: impl Into<String>) -> Self {
        Kind::Configuration(message.into()).into()
    }

    pub(crate) fn io(doing: &'static str, source: std::io::Error) -> Self {
        Kind::Io(doing, source).into()
    }

    /// True when entries were registered or edited in wrongly; [`mistakes`](Self::mistakes) lists
    /// all of them.
    pub fn is_registration(&self) -> bool {
        matches!(*self.kind, Kind::Registration(_))
    }

    /// True when an edit of a session or template does not fit what is there, or a factory made
    /// nothing; the source says why it did not.
    pub fn is_edit(&self) -> bool {
        matches!(
            *self.kind,
            Kind::Edit(_) | Kind::Factory { .. } | Kind::Registration(_)
        )
    }

    /// True when there is nothing that could keep what was asked to be kept, such as an edit in a
    /// session that ends with the request. The message names the remedy.
    pub fn is_unkept(&self) -> bool {
        matches!(*self.kind, Kind::Unkept { .. })
    }

    /// True when there is no room for what was to be kept. The message names the limit.
    pub fn is_full(&self) -> bool {
        matches!(*self.kind, Kind::Full(_))
    }

    /// True for a handle that is not known: expired, closed, made up or somebody else's. The
    /// message says how to get a new one.
    pub fn is_unknown(&self) -> bool {
        matches!(*self.kind, Kind::Unknown(_))
    }

    /// True when a value has no JSON form, or what is kept is not of the type it is read as.
    pub fn is_value(&self) -> bool {
        matches!(*self.kind, Kind::Value { .. })
    }

    /// True when the store did not do what it was asked to; the source says why. What was to be
    /// written may have been written.
    pub fn is_unavailable(&self) -> bool {
        matches!(*self.kind, Kind::Unavailable(_))
    }

    /// True when the session has ended.
    pub fn is_ended(&self) -> bool {
        matches!(*self.kind, Kind::Ended)
    }

    /// True when `on_open` refused the session; the source is what it returned.
    pub fn is_refused(&self) -> bool {
        matches!(*self.kind, Kind::Refused(_))
    }

    /// True when the server's configuration can only fail.
    pub fn is_configuration(&self) -> bool {
        matches!(*self.kind, Kind::Configuration(_))
    }

    /// True when the operating system refused something; the source is its error.
    pub fn is_io(&self) -> bool {
        matches!(*self.kind, Kind::Io(..))
    }

    /// Every registration mistake, in the order of registration; empty for other errors.
    pub fn mistakes(&self) -> &[Mistake] {
        match &*self.kind {
            Kind::Registration(mistakes) => mistakes,
            Kind::Edit(_)
            | Kind::Factory { .. }
            | Kind::Unkept { .. }
            | Kind::Full(_)
            | Kind::Unknown(_)
            | Kind::Value { .. }
            | Kind::Unavailable(_)
            | Kind::Ended
            | Kind::Refused(_)
            | Kind::Configuration(_)
            | Kind::Io(..) => &[],
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mistakes() {
            mistakes @ [_, _, ..] => {
                write!(f, "{} in the registration:", count(mistakes.len()))?;
                mistakes
                    .iter()
                    .try_for_each(|mistake| write!(f, "\n  {mistake}"))
            }
            _ => write!(f, "{self}"),
        }?;
        let mut source = std::error::Error::source(self);
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.kind, f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&*self.kind)
    }
}

impl From<Kind> for Error {
    fn from(kind: Kind) -> Self {
        Self {
            kind: Box::new(kind),
        }
    }
}

fn count(mistakes: usize) -> String {
    match mistakes {
        1 => "1 mistake".to_owned(),
        many => format!("{many} mistakes"),
    }
}

fn listed(mistakes: &[Mistake]) -> String {
    mistakes
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_main_prints_is_for_people() {
        let denied = std::io::Error::new(std::io::ErrorKind::AddrInUse, "the port is taken");
        let error = Error::io("cannot listen", denied);
        assert_eq!(error.to_string(), "cannot listen");
        assert_eq!(format!("{error:?}"), "cannot listen: the port is taken");
        let mistakes = ["tool `a`", "tool `b`"].map(|entry| Mistake::new(entry, "no"));
        assert_eq!(
            format!("{:?}", Error::registration(mistakes.to_vec())),
            "2 mistakes in the registration:\n  tool `a`: no\n  tool `b`: no"
        );
        assert_eq!(format!("{:?}", Error::ended()), "the session has ended");
    }
}
