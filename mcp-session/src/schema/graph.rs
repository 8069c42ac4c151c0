//! A schema document as a list of its subschemas, each with its address and its parent.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::schema::walk::{Place, children};
use crate::schema::{Problem, SchemaLimits};

/// One subschema.
#[derive(Debug)]
pub(super) struct Node<'a> {
    /// The JSON pointer of the subschema.
    pub(super) pointer: String,
    pub(super) schema: &'a Value,
    /// The parent, and how this node hangs below it; none for the root.
    pub(super) parent: Option<usize>,
    pub(super) place: Place,
    /// The name below `properties`, or whatever else the parent calls it.
    pub(super) key: Option<String>,
    /// The nodes that look at the same value as this one.
    pub(super) same: Vec<usize>,
}

impl<'a> Node<'a> {
    /// The schema's members; none for a boolean schema.
    pub(super) fn object(&self) -> Option<&'a Map<String, Value>> {
        self.schema.as_object()
    }
}

/// All subschemas of a document, parents before children.
#[derive(Debug)]
pub(super) struct Graph<'a> {
    pub(super) nodes: Vec<Node<'a>>,
    by_pointer: HashMap<String, usize>,
}

impl<'a> Graph<'a> {
    /// Lists the subschemas of `root`, unless there are too many or they nest too deeply.
    pub(super) fn build(root: &'a Value, limits: &SchemaLimits) -> Result<Self, Problem> {
        let root = Node {
            pointer: String::new(),
            schema: root,
            parent: None,
            place: Place::Same,
            key: None,
            same: Vec::new(),
        };
        let mut nodes = vec![root];
        let mut depths = vec![1_usize];
        let mut next = 0;
        while next < nodes.len() {
            let parent = &nodes[next];
            let depth = depths[next];
            if depth > limits.max_depth {
                let message = format!("nests deeper than {} schemas", limits.max_depth);
                return Err(Problem::new(&parent.pointer, message));
            }
            let pointer = parent.pointer.clone();
            for child in parent.object().map(children).unwrap_or_default() {
                if nodes.len() == limits.max_subschemas {
                    let message = format!("holds more than {} subschemas", limits.max_subschemas);
                    return Err(Problem::new("", message));
                }
                let index = nodes.len();
                if child.place == Place::Same {
                    nodes[next].same.push(index);
                }
                nodes.push(Node {
                    pointer: child.pointer(&pointer),
                    schema: child.schema,
                    parent: Some(next),
                    place: child.place,
                    key: child.key,
                    same: Vec::new(),
                });
                depths.push(depth + 1);
            }
            next += 1;
        }
        let by_pointer = nodes
            .iter()
            .enumerate()
            .map(|(index, node)| (node.pointer.clone(), index))
            .collect();
        Ok(Self { nodes, by_pointer })
    }

    /// The subschema at a JSON pointer.
    pub(super) fn at(&self, pointer: &str) -> Option<usize> {
        self.by_pointer.get(pointer).copied()
    }

    /// The nodes that are objects.
    pub(super) fn objects(
        &self,
    ) -> impl Iterator<Item = (usize, &Node<'a>, &'a Map<String, Value>)> {
        let nodes = self.nodes.iter().enumerate();
        nodes.filter_map(|(index, node)| Some((index, node, node.object()?)))
    }
}
