//! From a template to a URI (RFC 6570 section 3).
//!
//! Written here because the library that checks templates panics when it expands a reserved
//! expression (`{+path}`) with text that begins outside ASCII.

use std::fmt::Write;

use crate::catalog::uri_template::UriVariables;
use crate::catalog::uri_template::parts::{Operator, Part, Variable, is_unreserved, triplet};

pub(super) fn expand(parts: &[Part], variables: &UriVariables) -> String {
    let mut uri = String::new();
    for part in parts {
        match part {
            Part::Literal(text) => uri.push_str(text),
            Part::Expression(operator, specs) => {
                let mut mark = operator.first();
                for spec in specs
                    .iter()
                    .filter(|spec| variables.get(&spec.name).is_some())
                {
                    uri.extend(mark);
                    value(&mut uri, *operator, spec, variables);
                    mark = Some(operator.separator());
                }
            }
        }
    }
    uri
}

fn value(uri: &mut String, operator: Operator, spec: &Variable, variables: &UriVariables) {
    let separator = if spec.explode {
        operator.separator()
    } else {
        ','
    };
    let mut mark = None;
    for (index, item) in variables.list(&spec.name).enumerate() {
        uri.extend(mark);
        if operator.is_named() && (index == 0 || spec.explode) {
            uri.push_str(&spec.name);
            // An empty parameter is only its name (section 3.2.7), an empty query field is not.
            if !(item.is_empty() && operator == Operator::Parameter) {
                uri.push('=');
            }
        }
        encode(uri, item, operator.is_reserved());
        mark = Some(separator);
    }
}

/// Appends text, encoding what is not allowed to stand (section 3.2.1).
fn encode(uri: &mut String, text: &str, reserved: bool) {
    for (at, byte) in text.bytes().enumerate() {
        let stands = is_unreserved(byte)
            || reserved && b":/?#[]@!$&'()*+,;=".contains(&byte)
            || reserved && byte == b'%' && triplet(&text[at + 1..]).is_some();
        if stands {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
}
