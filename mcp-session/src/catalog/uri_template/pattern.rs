//! A template as a regular expression.
//!
//! The engine runs in linear time whatever the template, and its leftmost-first rule is what makes
//! the answer the same every time.

use std::collections::HashMap;
use std::fmt::Write;

use percent_encoding::percent_decode_str;
use regex::{Regex, RegexBuilder};

use crate::catalog::uri_template::UriVariables;
use crate::catalog::uri_template::parts::{Operator, Part, Variable, normalised};
use crate::catalog::uri_template::variables::Value;

/// The most variables in one template.
const MAX_VARIABLES: usize = 64;

/// The largest compiled pattern, in bytes.
const MAX_COMPILED: usize = 1 << 20;

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
    /// Where commas stand in it.
    IfSeparated,
    /// Always: the variable was written with `*`.
    Always,
    /// Never: the separator belongs to the value.
    Never,
}

impl Pattern {
    pub(super) fn compile(parts: &[Part]) -> Result<Self, String> {
        let mut builder = Builder::default();
        for (index, part) in parts.iter().enumerate() {
            match part {
                Part::Literal(text) => builder.source.push_str(&regex::escape(text)),
                Part::Expression(operator, variables) => {
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
                let other = |earlier: &Value| earlier.text != value.text;
                if found.get(name).is_some_and(other) {
                    return None;
                }
                found.insert(name, value);
            }
        }
        let values = self
            .names
            .iter()
            .filter_map(|name| Some((name.clone(), found.remove(name.as_str())?)));
        Some(UriVariables::from_values(values))
    }
}

#[derive(Default)]
struct Builder {
    source: String,
    groups: Vec<Group>,
    names: Vec<String>,
}

impl Builder {
    fn expression(&mut self, operator: Operator, variables: &[Variable], rest: &[Part]) {
        for variable in variables {
            if !self.names.contains(&variable.name) {
                self.names.push(variable.name.clone());
            }
        }
        let stops = stops(rest);
        match operator {
            Operator::Query => self.pairs('?', variables),
            Operator::Continuation => self.pairs('&', variables),
            Operator::Parameter => self.parameters(variables),
            Operator::Label => self.prefixed('.', variables, &stops),
            Operator::Segment => self.prefixed('/', variables, &stops),
            Operator::Fragment => {
                self.source.push_str("(?:#");
                self.listed(variables, "", Split::Never);
                self.source.push_str(")?");
            }
            Operator::Reserved => self.listed(variables, &stops, Split::Never),
            Operator::Simple => {
                self.listed(variables, &format!("/?#{stops}"), Split::IfSeparated);
            }
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
            Part::Expression(operator, _) => match operator.first() {
                Some(mark @ ('?' | '#' | '&')) => stops.push(mark),
                Some(mark) if same_segment => stops.push(mark),
                _ => {}
            },
        }
    }
    stops
}

impl Group {
    /// The values in a captured text; `None` if they are not what the template describes.
    fn values(&self, text: &str) -> Option<Vec<(&str, Value)>> {
        match self {
            Self::One {
                name,
                separator,
                split,
            } => {
                // `/a/b` starts with its separator, `a,b` does not.
                let list = text.strip_prefix(*separator).unwrap_or(text);
                let value = match split {
                    Split::Always => Value::list(decoded_items(list, *separator)?, *separator),
                    Split::IfSeparated => lone(text)?,
                    Split::Never => Value::one(decoded(text)?),
                };
                Some(vec![(name, value)])
            }
            Self::Pairs {
                variables,
                separator,
            } => {
                let mut found: Vec<(&str, Vec<&str>)> = Vec::new();
                for pair in text.split(*separator).filter(|pair| !pair.is_empty()) {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    let variable = variables.iter().find(|v| normalised(&v.name) == name)?;
                    match found.iter_mut().find(|(name, _)| *name == variable.name) {
                        Some((_, values)) if variable.explode => values.push(value),
                        Some(_) => return None,
                        None => found.push((&variable.name, vec![value])),
                    }
                }
                let explodes = |name| variables.iter().any(|v| v.name == name && v.explode);
                let value = |(name, texts): (_, Vec<&str>)| {
                    let value = match texts.as_slice() {
                        [text] if !explodes(name) => lone(text)?,
                        _ => {
                            let items = texts.into_iter().map(decoded).collect::<Option<_>>()?;
                            Value::list(items, ',')
                        }
                    };
                    Some((name, value))
                };
                found.into_iter().map(value).collect()
            }
        }
    }
}

/// The value of a variable without `*`: a list if commas stand in it that are not encoded.
fn lone(text: &str) -> Option<Value> {
    if text.contains(',') {
        Some(Value::list(decoded_items(text, ',')?, ','))
    } else {
        Some(Value::one(decoded(text)?))
    }
}

fn decoded_items(text: &str, separator: char) -> Option<Vec<String>> {
    text.split(separator).map(decoded).collect()
}

fn decoded(text: &str) -> Option<String> {
    percent_decode_str(text)
        .decode_utf8()
        .ok()
        .map(|text| text.into_owned())
}
