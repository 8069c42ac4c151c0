//! A template taken apart.

use std::fmt::Write;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

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

/// A piece of a template.
#[derive(Debug, Clone)]
pub(super) enum Part {
    /// Text that stands for itself, [`normalised`].
    Literal(String),
    /// `{…}`.
    Expression(Operator, Vec<Variable>),
}

/// One variable of an expression.
#[derive(Debug, Clone)]
pub(super) struct Variable {
    pub(super) name: String,
    /// Written with `*`: the items of a list are spread out.
    pub(super) explode: bool,
}

/// What an expression does with its variables (RFC 6570 section 3.2.1 on).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    /// `{a}`
    Simple,
    /// `{+a}`
    Reserved,
    /// `{#a}`
    Fragment,
    /// `{.a}`
    Label,
    /// `{/a}`
    Segment,
    /// `{;a}`
    Parameter,
    /// `{?a}`
    Query,
    /// `{&a}`
    Continuation,
}

impl Operator {
    const MARKED: [(char, Self); 7] = [
        ('+', Self::Reserved),
        ('#', Self::Fragment),
        ('.', Self::Label),
        ('/', Self::Segment),
        (';', Self::Parameter),
        ('?', Self::Query),
        ('&', Self::Continuation),
    ];

    fn of(expression: &str) -> (Self, &str) {
        let marked = Self::MARKED.into_iter();
        let mut found =
            marked.filter_map(|(mark, operator)| Some((operator, expression.strip_prefix(mark)?)));
        found.next().unwrap_or((Self::Simple, expression))
    }

    /// What stands in front of the first value.
    pub(super) fn first(self) -> Option<char> {
        match self {
            Self::Simple | Self::Reserved => None,
            Self::Fragment => Some('#'),
            Self::Label => Some('.'),
            Self::Segment => Some('/'),
            Self::Parameter => Some(';'),
            Self::Query => Some('?'),
            Self::Continuation => Some('&'),
        }
    }

    /// What stands between values.
    pub(super) fn separator(self) -> char {
        match self {
            Self::Simple | Self::Reserved | Self::Fragment => ',',
            Self::Label => '.',
            Self::Segment => '/',
            Self::Parameter => ';',
            Self::Query | Self::Continuation => '&',
        }
    }

    /// Whether values are written with their names.
    pub(super) fn is_named(self) -> bool {
        matches!(self, Self::Parameter | Self::Query | Self::Continuation)
    }

    /// Whether reserved characters stay as they are.
    pub(super) fn is_reserved(self) -> bool {
        matches!(self, Self::Reserved | Self::Fragment)
    }
}

/// Takes a template apart that is known to be well-formed.
pub(super) fn split(template: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some((literal, tail)) = rest.split_once('{') {
        let (expression, tail) = tail.split_once('}').ok_or("expression is not closed")?;
        parts.push(Part::Literal(normalised(literal)));
        let (operator, list) = Operator::of(expression);
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
        parts.push(Part::Expression(operator, variables));
        rest = tail;
    }
    parts.push(Part::Literal(normalised(rest)));
    Ok(parts)
}

/// Writes a URI the one way that matching compares: unreserved characters as they are, everything
/// else that needs it encoded, in upper case (RFC 3986 section 6.2.2).
pub(super) fn normalised(uri: &str) -> String {
    let encoded = utf8_percent_encode(uri, NOT_IN_URIS).to_string();
    let mut text = String::with_capacity(encoded.len());
    let mut rest = encoded.as_str();
    while let Some((before, after)) = rest.split_once('%') {
        text.push_str(before);
        match triplet(after) {
            Some(byte) if is_unreserved(byte) => text.push(char::from(byte)),
            Some(byte) => {
                let _ = write!(text, "%{byte:02X}");
            }
            None => text.push('%'),
        }
        rest = if triplet(after).is_some() {
            &after[2..]
        } else {
            after
        };
    }
    text.push_str(rest);
    text
}

/// The byte that two hexadecimal digits at the start of a text stand for.
pub(super) fn triplet(text: &str) -> Option<u8> {
    let digits = text
        .get(..2)
        .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u8::from_str_radix(digits, 16).ok()
}

/// RFC 3986 section 2.3.
pub(super) fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}
