//! A template as a regular expression.
//!
//! The engine runs in linear time whatever the template, and its leftmost-first rule is what makes
//! the answer the same every time.

use std::collections::HashMap;
use std::fmt::Write;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use regex::{Regex, RegexBuilder};

use crate::catalog::uri_template::UriVariables;

/// The most variables in one template.
const MAX_VARIABLES: usize = 64;

/// The largest compiled pattern, in bytes.
const MAX_COMPILED: usize = 1 << 20;

/// What no URI may contain as it is (RFC 3986 section 2), `%` apart.
const NOT_IN_URIS: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A template made ready for matching.
#[derive(Clone)]
pub(super) struct Pattern {
    regex: Regex,
    /// One per capturing group of the expression, in order.
    groups: Vec<Group>,
    names: Vec<String>,
}

/// How a captured text becomes values.
#[derive(Clone)]
enum Group {
    /// The value of one variable; `separator` splits it into a list.
    One {
        name: String,
        separator: char,
        split: Split,
    },
    /// `name=value` pairs of these variables, in any order.
    Pairs {
        variables: Vec<Variable>,
        separator: char,
    },
}

/// When a captured text is a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Split {
    /// Where the separator occurs in it.
    IfSeparated,
    /// Always: the variable was written with `*`.
    Always,
    /// Never: the separator belongs to the value.
    Never,
}

#[derive(Debug, Clone)]
struct Variable {
    name: String,
    explode: bool,
}

enum Part {
    Literal(String),
    Expression {
        operator: Option<char>,
        variables: Vec<Variable>,
    },
}

impl Pattern {
    /// Compiles a template that is known to be well-formed.
    pub(super) fn compile(template: &str) -> Result<Self, String> {
        let parts = split(template)?;
        let mut builder = Builder::default();
        for (index, part) in parts.iter().enumerate() {
            match part {
                Part::Literal(text) => builder.source.push_str(&regex::escape(text)),
                Part::Expression {
                    operator,
                    variables,
                } => {
                    builder.expression(*operator, variables, &parts[index + 1..]);
                }
            }
        }
        if builder.names.len() > MAX_VARIABLES {
            return Err(format!("names more than {MAX_VARIABLES} variables"));
        }
        let regex = RegexBuilder::new(&format!("^(?:{})$", builder.source))
            .size_limit(MAX_COMPILED)
            .build()
            .map_err(|_| "is too large to match".to_owned())?;
        Ok(Self {
            regex,
            groups: builder.groups,
            names: builder.names,
        })
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    pub(super) fn matches(&self, uri: &str) -> Option<UriVariables> {
        let uri = normalised(uri);
        let captures = self.regex.captures(&uri)?;
        let mut found = HashMap::new();
        for (index, group) in self.groups.iter().enumerate() {
            let Some(text) = captures.get(index + 1) else {
                continue;
            };
            for (name, value) in group.values(text.as_str())? {
                // A variable that occurs twice has one value.
                if found.get(name).is_some_and(|earlier| *earlier != value) {
                    return None;
                }
                found.insert(name, value);
            }
        }
        let mut variables = UriVariables::new();
        for name in &self.names {
            match found.remove(name.as_str()) {
                Some(Found::One(value)) => variables.set(name, value),
                Some(Found::List(values)) => variables.set_list(name, values),
                None => {}
            }
        }
        Some(variables)
    }
}

/// Splits a template into literals, normalised, and expressions.
fn split(template: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some((literal, tail)) = rest.split_once('{') {
        let (expression, tail) = tail.split_once('}').ok_or("expression is not closed")?;
        parts.push(Part::Literal(normalised(literal)));
        let operator = expression.chars().next().filter(|c| "+#./;?&".contains(*c));
        let list = expression
            .strip_prefix(|c| Some(c) == operator)
            .unwrap_or(expression);
        let mut variables = Vec::new();
        for item in list.split(',') {
            if item.contains(':') {
                return Err(format!("prefix \"{{{item}}}\" cannot be matched"));
            }
            let name = item.strip_suffix('*').unwrap_or(item);
            variables.push(Variable {
                name: name.to_owned(),
                explode: name != item,
            });
        }
        parts.push(Part::Expression {
            operator,
            variables,
        });
        rest = tail;
    }
    parts.push(Part::Literal(normalised(rest)));
    Ok(parts)
}

#[derive(Default)]
struct Builder {
    source: String,
    groups: Vec<Group>,
    names: Vec<String>,
}

impl Builder {
    fn expression(&mut self, operator: Option<char>, variables: &[Variable], rest: &[Part]) {
        for variable in variables {
            if !self.names.contains(&variable.name) {
                self.names.push(variable.name.clone());
            }
        }
        let stops = stops(rest);
        match operator {
            Some(first @ ('?' | '&')) => self.pairs(first, variables),
            Some(';') => self.parameters(variables),
            Some(first @ ('.' | '/')) => self.prefixed(first, variables, &stops),
            Some('#') => {
                self.source.push_str("(?:#");
                self.listed(variables, "", Split::Never);
                self.source.push_str(")?");
            }
            Some('+') => self.listed(variables, &stops, Split::Never),
            _ => self.listed(variables, &format!("/?#{stops}"), Split::IfSeparated),
        }
    }

    /// `a,b`: the first variable is required, the others may be missing from the end.
    fn listed(&mut self, variables: &[Variable], stops: &str, split: Split) {
        let comma = if variables.len() > 1 { "," } else { "" };
        let class = any_but(&format!("{stops}{comma}"));
        for (index, variable) in variables.iter().enumerate() {
            let open = if index > 0 { "(?:," } else { "" };
            let _ = write!(self.source, "{open}({class}+)");
            let split = if variable.explode {
                Split::Always
            } else {
                split
            };
            self.one(variable, ',', split);
        }
        self.source.push_str(&")?".repeat(variables.len() - 1));
    }

    /// `.a.b` or `/a/b`: each may be missing, from the end.
    fn prefixed(&mut self, first: char, variables: &[Variable], stops: &str) {
        let mark = regex::escape(&first.to_string());
        let item = any_but(&format!("/?#{stops}{first}"));
        // A lone label may contain dots, as in `.tar.gz`.
        let alone = if variables.len() == 1 {
            ""
        } else {
            &*first.to_string()
        };
        let class = any_but(&format!("/?#{stops}{alone}"));
        for variable in variables {
            if variable.explode {
                let _ = write!(self.source, "(?:((?:{mark}{item}*)+)");
                self.one(variable, first, Split::Always);
            } else {
                let _ = write!(self.source, "(?:{mark}({class}*)");
                self.one(variable, ',', Split::IfSeparated);
            }
        }
        self.source.push_str(&")?".repeat(variables.len()));
    }

    /// `;a=1;b=2`, in the order of the template.
    fn parameters(&mut self, variables: &[Variable]) {
        let value = any_but(";/?#");
        for variable in variables {
            let name = regex::escape(&normalised(&variable.name));
            let times = if variable.explode { '*' } else { '?' };
            let _ = write!(self.source, "((?:;{name}(?:={value}*)?){times})");
            let variables = vec![variable.clone()];
            self.groups.push(Group::Pairs {
                variables,
                separator: ';',
            });
        }
    }

    /// `?a=1&b=2` or `&a=1&b=2`, in any order.
    fn pairs(&mut self, first: char, variables: &[Variable]) {
        let names: Vec<String> = variables
            .iter()
            .map(|v| regex::escape(&normalised(&v.name)))
            .collect();
        let pair = format!("(?:{})(?:={}*)?", names.join("|"), any_but("&#"));
        let _ = write!(self.source, "(?:\\{first}({pair}(?:&{pair})*))?");
        self.groups.push(Group::Pairs {
            variables: variables.to_vec(),
            separator: '&',
        });
    }

    fn one(&mut self, variable: &Variable, separator: char, split: Split) {
        self.groups.push(Group::One {
            name: variable.name.clone(),
            separator,
            split,
        });
    }
}

/// The class of all characters of a URI but those excluded.
fn any_but(excluded: &str) -> String {
    if excluded.is_empty() {
        "[!-~]".to_owned()
    } else {
        format!("[!-~&&[^{excluded}]]")
    }
}

/// The characters at which a value ends because what follows in the template begins with them.
///
/// Without this, the path in `{+path}{?query}` would take the query with it, and the name in
/// `{name}{.ext}` the extension.
fn stops(rest: &[Part]) -> String {
    let mut stops = String::new();
    let mut same_segment = true;
    for part in rest {
        match part {
            Part::Literal(text) => {
                stops.extend(text.chars().filter(|c| matches!(c, '?' | '#')));
                same_segment &= !text.contains('/');
            }
            Part::Expression {
                operator: Some(mark @ ('?' | '#' | '&')),
                ..
            } => stops.push(*mark),
            Part::Expression {
                operator: Some(mark @ ('.' | '/' | ';')),
                ..
            } if same_segment => {
                stops.push(*mark);
            }
            Part::Expression { .. } => {}
        }
    }
    stops
}

#[derive(Debug, PartialEq)]
enum Found {
    One(String),
    List(Vec<String>),
}

impl Group {
    /// The values in a captured text; `None` if they are not what the template describes.
    fn values(&self, text: &str) -> Option<Vec<(&str, Found)>> {
        match self {
            Self::One {
                name,
                separator,
                split,
            } => {
                let list = match split {
                    Split::Always => true,
                    Split::IfSeparated => text.contains(*separator),
                    Split::Never => false,
                };
                let found = if list {
                    // `/a/b` starts with its separator, `a,b` does not.
                    let text = text.strip_prefix(*separator).unwrap_or(text);
                    Found::List(text.split(*separator).map(decoded).collect::<Option<_>>()?)
                } else {
                    Found::One(decoded(text)?)
                };
                Some(vec![(name, found)])
            }
            Self::Pairs {
                variables,
                separator,
            } => {
                let mut found: Vec<(&str, Found)> = Vec::new();
                for pair in text.split(*separator).filter(|pair| !pair.is_empty()) {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    let variable = variables.iter().find(|v| normalised(&v.name) == name)?;
                    let value = decoded(value)?;
                    match found.iter_mut().find(|(name, _)| *name == variable.name) {
                        Some((_, Found::List(values))) => values.push(value),
                        Some((_, Found::One(_))) => return None,
                        None if variable.explode => {
                            found.push((&variable.name, Found::List(vec![value])));
                        }
                        None => found.push((&variable.name, Found::One(value))),
                    }
                }
                Some(found)
            }
        }
    }
}

fn decoded(text: &str) -> Option<String> {
    percent_decode_str(text)
        .decode_utf8()
        .ok()
        .map(|text| text.into_owned())
}

/// Writes a URI the one way that matching compares: unreserved characters as they are, everything
/// else that needs it encoded, in upper case (RFC 3986 section 6.2.2).
fn normalised(uri: &str) -> String {
    let encoded = utf8_percent_encode(uri, NOT_IN_URIS).to_string();
    let mut text = String::with_capacity(encoded.len());
    let mut rest = encoded.as_str();
    while let Some((before, after)) = rest.split_once('%') {
        text.push_str(before);
        let byte = after
            .get(..2)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                text.push(char::from(byte));
                rest = &after[2..];
            }
            Some(byte) => {
                let _ = write!(text, "%{byte:02X}");
                rest = &after[2..];
            }
            None => {
                text.push('%');
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text
}
