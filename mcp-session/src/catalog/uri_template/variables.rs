//! The values of a template's variables.

use serde::de::DeserializeOwned;

use crate::catalog::uri_template::values;
use crate::schema::ArgumentError;

/// The values of a template's variables, in the order of the template.
///
/// # Examples
///
/// ```
/// use mcp_session::catalog::UriTemplate;
///
/// #[derive(serde::Deserialize)]
/// struct Page {
///     book: String,
///     number: u32,
///     highlight: Option<bool>,
/// }
///
/// let template = UriTemplate::parse("books://{book}/pages/{number}{?highlight}").unwrap();
/// let found = template.matches("books://moby-dick/pages/12").unwrap();
/// let page: Page = found.deserialize().unwrap();
/// assert_eq!((page.book.as_str(), page.number, page.highlight), ("moby-dick", 12, None));
///
/// let (book, number): (String, u32) = found.deserialize().unwrap();
/// assert_eq!((book.as_str(), number), ("moby-dick", 12));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UriVariables {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    name: String,
    value: Value,
}

/// What one variable has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value {
    /// The value as one text; for a list its items, joined.
    pub(super) text: String,
    items: Option<Vec<String>>,
}

impl Value {
    pub(super) fn one(text: String) -> Self {
        Self { text, items: None }
    }

    pub(super) fn list(items: Vec<String>, separator: char) -> Self {
        Self {
            text: items.join(separator.encode_utf8(&mut [0; 4])),
            items: Some(items),
        }
    }
}

impl UriVariables {
    /// No values, where a constant is needed.
    pub(super) const EMPTY: Self = Self {
        entries: Vec::new(),
    };

    pub(super) fn from_values(values: impl Iterator<Item = (String, Value)>) -> Self {
        Self {
            entries: values.map(|(name, value)| Entry { name, value }).collect(),
        }
    }

    /// No values yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a variable to one value.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.put(name.into(), Value::one(value.into()));
    }

    /// Sets a variable to a list of values. An empty list is no value at all.
    pub fn set_list(&mut self, name: impl Into<String>, values: Vec<String>) {
        let name = name.into();
        if values.is_empty() {
            self.entries.retain(|entry| entry.name != name);
        } else {
            self.put(name, Value::list(values, ','));
        }
    }

    fn put(&mut self, name: String, value: Value) {
        match self.entries.iter_mut().find(|entry| entry.name == name) {
            Some(entry) => entry.value = value,
            None => self.entries.push(Entry { name, value }),
        }
    }

    /// The value of a variable, or `None` if it is missing. The items of a list are joined as they
    /// stood in the URI: with slashes for `{/path*}`, dots for `{.labels*}`, else with commas.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.value(name).map(|value| value.text.as_str())
    }

    /// The values of a variable: its items if it is a list, else its one value; empty if it is
    /// missing.
    pub fn list<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let value = self.value(name);
        let items = value
            .and_then(|value| value.items.as_deref())
            .unwrap_or_default();
        let single = value
            .filter(|value| value.items.is_none())
            .map(|value| value.text.as_str());
        items.iter().map(String::as_str).chain(single)
    }

    /// Whether a variable has a list of values.
    pub fn is_list(&self, name: &str) -> bool {
        self.value(name).is_some_and(|value| value.items.is_some())
    }

    /// The names and values, in order; lists joined as by [`get`](Self::get).
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries
            .iter()
            .map(|entry| (entry.name.as_str(), entry.value.text.as_str()))
    }

    /// How many variables have a value.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no variable has a value.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Decodes the values into a type: a struct or map by the names of the variables, a tuple or
    /// list by their order, and a simple type if there is just one.
    ///
    /// Numbers, booleans and enums without data are read from the text.
    ///
    /// # Errors
    ///
    /// [`ArgumentError`] names the variable and what was expected.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T, ArgumentError> {
        values::deserialize(self)
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.entries
            .iter()
            .find(|entry| entry.name == name)
            .map(|entry| &entry.value)
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for UriVariables {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(entries: I) -> Self {
        let mut variables = Self::new();
        for (name, value) in entries {
            variables.set(name, value);
        }
        variables
    }
}
