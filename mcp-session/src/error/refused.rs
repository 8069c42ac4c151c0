//! Why a session is refused, in words for its client.

use std::fmt;

/// What `on_open` returns to refuse a session and tell the client why.
///
/// Any error refuses the session, but only the text of this one reaches the client: what a
/// database or another service says is not for everybody, so every other error goes to the log and
/// the client hears that the session was refused. A context put around it may hide it in its
/// [`source`](std::error::Error::source) chain; it is found there too.
///
/// # Examples
///
/// ```
/// use mcp_session::{BoxError, Refused, Session, Template};
///
/// async fn opens(session: Session) -> Result<(), BoxError> {
///     if session.opening().query("invited").is_none() {
///         return Err(Refused::new("this server is by invitation only").into());
///     }
///     Ok(())
/// }
///
/// let template = Template::builder("club", "1.0.0").on_open(opens).build()?;
/// # let _ = template;
/// # Ok::<(), mcp_session::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    reason: String,
}

impl Refused {
    /// Refuses a session, and tells its client this.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
        }
    }

    /// The reason in an error, where it has one for its client.
    pub(crate) fn find<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a Self> {
        std::iter::successors(Some(error), |error| error.source())
            .find_map(|error| error.downcast_ref())
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Refused {}
