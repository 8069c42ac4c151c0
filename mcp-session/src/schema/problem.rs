//! One thing that is wrong with a schema or with a value.

use std::fmt;

/// One thing that is wrong with a schema, or with a value held against a schema.
///
/// # Examples
///
/// ```
/// use mcp_session::schema::Problem;
///
/// let problem = Problem::new("/a/b", "expected integer, got string \"x\"");
/// assert_eq!(problem.to_string(), "/a/b: expected integer, got string \"x\"");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// Where: a JSON pointer into the schema or the value; empty for the whole of it.
    pub path: String,
    /// What is wrong, and where it helps what would be right. Lower case, no full stop.
    pub message: String,
}

impl Problem {
    /// Makes a problem from a JSON pointer and a message.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            message: message.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}

impl std::error::Error for Problem {}
