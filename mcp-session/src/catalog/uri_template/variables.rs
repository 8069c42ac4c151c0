//! The values of a template's variables.

use serde::de::DeserializeOwned;

use crate::catalog::uri_template::values;
use crate::schema::ArgumentError;

/// The values of a template's variables, in the order of the template.
///
/// # Examples
///
/// ```
/// use mcp_session::catalog::uri_template::UriTemplate;
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
    /// The value; for a list its items, joined with slashes.
    text: String,
    items: Option<Vec<String>>,
}

impl UriVariables {
    /// No values, where a constant is needed.
    pub(super) const EMPTY: Self = Self {
        entries: Vec::new(),
    };

    /// No values yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a variable to one value.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.put(Entry {
            name: name.into(),
            text: value.into(),
            items: None,
        });
    }

    /// Sets a variable to a list of values. An empty list is no value at all.
    pub fn set_list(&mut self, name: impl Into<String>, values: Vec<String>) {
        let name = name.into();
        if values.is_empty() {
            self.entries.retain(|entry| entry.name != name);
        } else {
            self.put(Entry {
                name,
                text: values.join("/"),
                items: Some(values),
            });
        }
    }

    fn put(&mut self, entry: Entry) {
        match self
            .entries
            .iter_mut()
            .find(|earlier| earlier.name == entry.name)
        {
            Some(earlier) => *earlier = entry,
            None => self.entries.push(entry),
        }
    }

    /// The value of a variable, or `None` if it is missing. The items of a list are joined with
    /// slashes, which for `{/path*}` is the path; use [`list`](Self::list) for the items.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.entry(name).map(|entry| entry.text.as_str())
    }

    /// The values of a variable: its items if it is a list, else its one value; empty if it is
    /// missing.
    pub fn list<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let entry = self.entry(name);
        let items = entry
            .and_then(|entry| entry.items.as_deref())
            .unwrap_or_default();
        let single = entry
            .filter(|entry| entry.items.is_none())
            .map(|entry| entry.text.as_str());
        items.iter().map(String::as_str).chain(single)
    }

    /// Whether a variable has a list of values.
    pub fn is_list(&self, name: &str) -> bool {
        self.entry(name).is_some_and(|entry| entry.items.is_some())
    }

    /// The names and values, in order; lists joined as by [`get`](Self::get).
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries
            .iter()
            .map(|entry| (entry.name.as_str(), entry.text.as_str()))
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

    fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
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
