//! Tool parameters that clients repeat in HTTP headers (`x-mcp-header`).
//!
//! 2026-07-28, basic/transports/streamable-http, "Custom Headers from Tool Parameters".

use std::collections::HashMap;

use serde_json::Value;

use crate::schema::Problem;
use crate::schema::graph::{Graph, Node};
use crate::schema::walk::Place;

/// The keyword that marks such a parameter.
const KEYWORD: &str = "x-mcp-header";

/// A parameter that clients repeat in the header `Mcp-Param-{name}`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeaderParam {
    /// The name as annotated, for example `Region`; compare it ignoring ASCII case.
    pub name: String,
    /// The property names that lead from the arguments to the value.
    pub path: Vec<String>,
    /// What kind of value it is.
    pub kind: HeaderKind,
}

/// What kind of value a repeated parameter has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the specification allows exactly these types"
)]
pub enum HeaderKind {
    /// `type: string`.
    Text,
    /// `type: integer`, within ±(2⁵³ − 1).
    Integer,
    /// `type: boolean`, written `true` or `false`.
    Boolean,
}

/// Collects the annotated parameters in document order and reports the annotations that break a
/// rule.
pub(super) fn collect(graph: &Graph<'_>, problems: &mut Vec<Problem>) -> Vec<HeaderParam> {
    let mut found = Vec::new();
    let mut taken = HashMap::new();
    for (index, node, object) in graph.objects() {
        let Some(value) = object.get(KEYWORD) else {
            continue;
        };
        let mut report = |message: String| {
            problems.push(Problem::new(format!("{}/{KEYWORD}", node.pointer), message));
        };
        let name = match value.as_str() {
            Some(name) if is_token(name) => Some(name),
            Some("") => {
                report("must not be empty".to_owned());
                None
            }
            Some(_) => {
                report("must be an HTTP token: letters, digits and !#$%&'*+-.^_`|~".to_owned());
                None
            }
            None => {
                report("must be a string".to_owned());
                None
            }
        };
        if let Some(name) = name
            && let Some(other) = taken.insert(name.to_ascii_lowercase(), &node.pointer)
        {
            report(format!("header \"{name}\" is already used by {other}"));
        }
        let path = property_path(graph, index);
        if path.is_none() {
            report("is only allowed where `properties` alone lead to from the root".to_owned());
        }
        let kind = kind(node);
        if kind.is_none() {
            report("is only allowed beside `type` string, integer or boolean".to_owned());
        }
        if let (Some(name), Some(path), Some(kind)) = (name, path, kind) {
            found.push(HeaderParam {
                name: name.to_owned(),
                path,
                kind,
            });
        }
    }
    found
}

fn property_path(graph: &Graph<'_>, index: usize) -> Option<Vec<String>> {
    let mut path = Vec::new();
    let mut node = &graph.nodes[index];
    while let Some(parent) = node.parent {
        if node.place != Place::Property {
            return None;
        }
        path.push(node.key.clone()?);
        node = &graph.nodes[parent];
    }
    path.reverse();
    (!path.is_empty()).then_some(path)
}

fn kind(node: &Node<'_>) -> Option<HeaderKind> {
    match node.schema.get("type").and_then(Value::as_str)? {
        "string" => Some(HeaderKind::Text),
        "integer" => Some(HeaderKind::Integer),
        "boolean" => Some(HeaderKind::Boolean),
        _ => None,
    }
}

/// `1*tchar` (RFC 9110 section 5.6.2).
fn is_token(name: &str) -> bool {
    let tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(tchar)
}
