//! References: they stay in the document, lead somewhere, and never in circles.

use std::collections::HashMap;

use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::schema::Problem;
use crate::schema::check::Dialect;
use crate::schema::graph::Graph;
use crate::schema::walk::{Place, escape};

/// Reports every bad reference and identifier, and adds the good references to the graph as
/// edges between nodes that look at the same value.
pub(super) fn resolve(graph: &mut Graph<'_>, dialect: Dialect, problems: &mut Vec<Problem>) {
    let anchors = match dialect {
        Dialect::Draft202012 => anchors(graph, problems),
        Dialect::Draft7 => HashMap::new(),
    };
    identifiers(graph, problems);
    let keywords: &[&str] = match dialect {
        Dialect::Draft202012 => &["$ref", "$dynamicRef"],
        Dialect::Draft7 => &["$ref"],
    };
    let mut edges = Vec::new();
    for (index, node, object) in graph.objects() {
        for keyword in keywords {
            let Some(Value::String(reference)) = object.get(*keyword) else {
                continue;
            };
            match target(graph, &anchors, reference) {
                Ok(target) => edges.push((index, target)),
                Err(message) => {
                    problems.push(Problem::new(format!("{}/{keyword}", node.pointer), message));
                }
            }
        }
    }
    for (from, to) in edges {
        graph.nodes[from].same.push(to);
    }
}

fn anchors(graph: &Graph<'_>, problems: &mut Vec<Problem>) -> HashMap<String, usize> {
    let mut anchors = HashMap::new();
    for (index, node, object) in graph.objects() {
        for keyword in ["$anchor", "$dynamicAnchor"] {
            let Some(Value::String(name)) = object.get(keyword) else {
                continue;
            };
            let earlier = anchors.insert(name.clone(), index);
            if earlier.is_some_and(|earlier| earlier != index) {
                let path = format!("{}/{keyword}", node.pointer);
                problems.push(Problem::new(
                    path,
                    format!("anchor \"{name}\" is already taken"),
                ));
            }
        }
    }
    anchors
}

/// An identifier below the root changes what the references near it mean.
fn identifiers(graph: &Graph<'_>, problems: &mut Vec<Problem>) {
    for (_, node, object) in graph.objects() {
        for keyword in ["$id", "$schema"] {
            let Some(value) = object.get(keyword) else {
                continue;
            };
            let path = format!("{}/{keyword}", node.pointer);
            if node.parent.is_some() {
                problems.push(Problem::new(path, "is only supported at the root"));
            } else if keyword == "$id"
                && value
                    .as_str()
                    .is_some_and(|id| id.contains("json-schema.org") || id.starts_with('#'))
            {
                problems.push(Problem::new(
                    path,
                    "is not an identifier for a schema of your own",
                ));
            }
        }
    }
}

fn target(
    graph: &Graph<'_>,
    anchors: &HashMap<String, usize>,
    reference: &str,
) -> Result<usize, String> {
    let Some(fragment) = reference.strip_prefix('#') else {
        return Err(format!(
            "reference \"{reference}\" leaves the document; only \"#…\" is supported"
        ));
    };
    let Ok(fragment) = percent_decode_str(fragment).decode_utf8() else {
        return Err(format!("reference \"{reference}\" is not UTF-8"));
    };
    let found = if fragment.is_empty() {
        Some(0)
    } else if fragment.starts_with('/') {
        // Parsed and written again, because `~01` and `~0` + `1` are spelt in more than one way.
        let tokens = fragment.split('/').skip(1);
        let tokens = tokens.map(|token| token.replace("~1", "/").replace("~0", "~"));
        let pointer: String = tokens.map(|token| format!("/{}", escape(&token))).collect();
        graph.at(&pointer)
    } else {
        anchors.get(fragment.as_ref()).copied()
    };
    found.ok_or_else(|| {
        let exists = graph.nodes[0].schema.pointer(&fragment).is_some();
        let what = if exists {
            "does not lead to a schema"
        } else {
            "leads nowhere"
        };
        format!("reference \"{reference}\" {what}")
    })
}

/// Reports schemas that can only be evaluated in circles, or that unfold into too many others,
/// while looking at one and the same value.
pub(super) fn bound_unfolding(graph: &Graph<'_>, most: usize, problems: &mut Vec<Problem>) {
    let mut unfolding = Unfolding::new(graph, |index| graph.nodes[index].same.clone());
    for index in 0..graph.nodes.len() {
        match unfolding.size(index) {
            Err(circle) => {
                let message = "refers back to itself without looking at any part of the value";
                problems.push(Problem::new(&graph.nodes[circle].pointer, message));
                return;
            }
            Ok(size) if size > most => {
                let message = format!("unfolds into more than {most} schemas for one value");
                problems.push(Problem::new(&graph.nodes[index].pointer, message));
                return;
            }
            Ok(_) => {}
        }
    }
}

/// Whether a schema, followed into every part of a value, unfolds into more than `most` schemas,
/// or without end because it is recursive.
pub(super) fn unfolds_beyond(graph: &Graph<'_>, most: usize) -> bool {
    let mut parts = vec![Vec::new(); graph.nodes.len()];
    for (index, node) in graph.nodes.iter().enumerate() {
        if let (Some(parent), Place::Property | Place::Part) = (node.parent, node.place) {
            parts[parent].push(index);
        }
    }
    let mut unfolding = Unfolding::new(graph, |index| {
        graph.nodes[index]
            .same
            .iter()
            .chain(&parts[index])
            .copied()
            .collect()
    });
    unfolding.size(0).map_or(true, |size| size > most)
}

#[derive(Debug, Clone, Copy)]
enum State {
    New,
    Open,
    Done(usize),
}

/// Measures how many schemas a schema leads to, along every path.
struct Unfolding<F> {
    states: Vec<State>,
    edges: F,
}

impl<F: Fn(usize) -> Vec<usize>> Unfolding<F> {
    fn new(graph: &Graph<'_>, edges: F) -> Self {
        Self {
            states: vec![State::New; graph.nodes.len()],
            edges,
        }
    }

    /// The size from a node on, or the node at which a circle closes.
    fn size(&mut self, index: usize) -> Result<usize, usize> {
        match self.states[index] {
            State::Open => return Err(index),
            State::Done(size) => return Ok(size),
            State::New => self.states[index] = State::Open,
        }
        let mut size = 1_usize;
        for next in (self.edges)(index) {
            size = size.saturating_add(self.size(next)?);
        }
        self.states[index] = State::Done(size);
        Ok(size)
    }
}
