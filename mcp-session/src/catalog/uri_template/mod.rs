//! URI templates (RFC 6570): resources whose address has variables in it.
//!
//! The RFC says how a template becomes a URI. A server needs the way back: is this URI one of
//! mine, and which values are in it? [`UriTemplate::matches`] answers that, always the same way
//! and in time linear in the length of the URI.

mod expand;
mod parts;
mod pattern;
mod values;
mod variables;

use std::fmt;
use std::str::FromStr;

use iri_string::template::UriTemplateStr;
use percent_encoding::{AsciiSet, utf8_percent_encode};

use parts::Part;
use pattern::Pattern;

pub use variables::UriVariables;

/// The longest template; the longest one that means anything is far shorter.
const MAX_TEMPLATE: usize = 2_048;

/// A URI template, ready to match and to expand.
///
/// All of RFC 6570 up to level 3, and lists with `*`:
///
/// | expression | matches |
/// | --- | --- |
/// | `{id}` | one or more characters other than `/`, `?`, `#` |
/// | `{+path}` | one or more characters, slashes included |
/// | `{#part}` | nothing, or `#` and a fragment |
/// | `{.ext}` | nothing, or `.` and a label |
/// | `{/seg}`, `{/path*}` | nothing, or `/` and one segment; any number of segments |
/// | `{;p,q}` | nothing, or `;p=…` and `;q=…` in this order |
/// | `{?q,r}`, `{&q,r}` | nothing, or `?q=…&r=…` in any order; no other names |
///
/// Where several readings are possible, a variable ends where the next expression begins (`{name}`
/// in `{name}{.ext}` has no dot), and otherwise takes as much as the rest of the template leaves it,
/// the first one first. A variable that occurs twice must have the same value twice.
/// Prefixes such as `{name:3}` cannot be matched and are refused.
///
/// Values are percent-decoded, so `%2F` in a URI becomes a slash even in `{id}`: never hand a
/// value to the file system except through [`SafeRoot`](crate::catalog::safe_path::SafeRoot).
///
/// # Examples
///
/// ```
/// use mcp_session::catalog::UriTemplate;
///
/// let template = UriTemplate::parse("weather://{city}/forecast{?days}").unwrap();
/// let found = template.matches("weather://S%C3%A3o%20Paulo/forecast?days=3").unwrap();
/// assert_eq!(found.get("city"), Some("São Paulo"));
/// assert_eq!(found.get("days"), Some("3"));
///
/// assert!(template.matches("weather://a/b/forecast").is_none());
/// assert_eq!(template.expand(&found), "weather://S%C3%A3o%20Paulo/forecast?days=3");
/// ```
#[derive(Clone)]
pub struct UriTemplate {
    /// As it was written.
    text: String,
    parts: Vec<Part>,
    pattern: Pattern,
}

impl UriTemplate {
    /// Reads a template.
    ///
    /// # Errors
    ///
    /// [`UriTemplateError`] if it is not a template by RFC 6570, uses a prefix (`{name:3}`), is
    /// longer than 2,048 bytes, or names too many variables.
    pub fn parse(template: &str) -> Result<Self, UriTemplateError> {
        if template.len() > MAX_TEMPLATE {
            let message = format!("is longer than {MAX_TEMPLATE} bytes");
            return Err(UriTemplateError::new(template, message));
        }
        // The library takes literals outside ASCII only in this form.
        let encoded = utf8_percent_encode(template, &AsciiSet::EMPTY).to_string();
        UriTemplateStr::new(&encoded)
            .map_err(|error| UriTemplateError::new(template, error.to_string()))?;
        let fault = |message| UriTemplateError::new(template, message);
        let parts = parts::split(&encoded).map_err(fault)?;
        let pattern = Pattern::compile(&parts).map_err(fault)?;
        Ok(Self {
            text: template.to_owned(),
            parts,
            pattern,
        })
    }

    /// The template as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names of the variables, in order of first occurrence.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.pattern.names().iter().map(String::as_str)
    }

    /// The values of the variables if the URI is one that the template describes.
    ///
    /// Percent-encoding that makes no difference (`%7e` for `~`) is ignored on both sides.
    pub fn matches(&self, uri: &str) -> Option<UriVariables> {
        self.pattern.matches(uri)
    }

    /// Fills in the variables. Those without a value are left out, as the RFC says.
    pub fn expand(&self, variables: &UriVariables) -> String {
        expand::expand(&self.parts, variables)
    }
}

impl fmt::Debug for UriTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UriTemplate").field(&self.text).finish()
    }
}

impl fmt::Display for UriTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for UriTemplate {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for UriTemplate {}

impl FromStr for UriTemplate {
    type Err = UriTemplateError;

    fn from_str(template: &str) -> Result<Self, Self::Err> {
        Self::parse(template)
    }
}

/// A text is not a URI template, or not one that can be matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UriTemplateError {
    template: String,
    message: String,
}

impl UriTemplateError {
    fn new(template: &str, message: impl Into<String>) -> Self {
        let template = template.chars().take(80).collect();
        Self {
            template,
            message: message.into(),
        }
    }
}

impl fmt::Display for UriTemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "URI template \"{}\": {}", self.template, self.message)
    }
}

impl std::error::Error for UriTemplateError {}

#[cfg(test)]
mod tests;
