//! The published schemas and examples, for tests; they are not part of this repository.

use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use crate::protocol::version::ProtocolVersion;

/// The directory that holds the specification, if it is there.
pub(crate) struct Spec(PathBuf);

impl Spec {
    /// Looks for `shared/spec` beside the workspace; says loudly when there is none.
    pub(crate) fn open() -> Option<Self> {
        let found = Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .map(|ancestor| ancestor.join("shared/spec"))
            .find(|path| path.join("schema").is_dir());
        if found.is_none() {
            eprintln!("SKIPPED: the specification (../shared/spec) is not on this machine");
        }
        found.map(Self)
    }

    /// Every example message of 2026-07-28, as (type, file, text).
    pub(crate) fn examples(&self) -> Vec<(String, String, String)> {
        let root = self.0.join("schema/2026-07-28/examples");
        let mut examples = Vec::new();
        for directory in fs::read_dir(root).unwrap().map(Result::unwrap) {
            let kind = directory.file_name().into_string().unwrap();
            for file in fs::read_dir(directory.path()).unwrap().map(Result::unwrap) {
                let name = format!("{kind}/{}", file.file_name().display());
                examples.push((kind.clone(), name, fs::read_to_string(file.path()).unwrap()));
            }
        }
        assert!(examples.len() > 100, "the examples are incomplete");
        examples
    }

    /// The definitions of a revision.
    pub(crate) fn schemas(&self, version: ProtocolVersion) -> Schemas {
        let path = self.0.join(format!("schema/{version}/schema.json"));
        let mut document: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let place = if document.get("$defs").is_some() {
            "$defs"
        } else {
            "definitions"
        };
        for (name, definition) in document[place].as_object_mut().unwrap() {
            if !name.contains("Meta") {
                close(definition);
            }
        }
        Schemas { document, place }
    }
}

/// The definitions of one revision, made strict: what they do not name is not allowed.
pub(crate) struct Schemas {
    document: Value,
    place: &'static str,
}

impl Schemas {
    /// Whether the revision has a definition.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.document[self.place].get(name).is_some()
    }

    /// Whether a definition has a member.
    pub(crate) fn has_member(&self, name: &str, member: &str) -> bool {
        let definition = &self.document[self.place][name];
        definition["properties"].get(member).is_some()
    }

    /// Whether a value is what the definition wants.
    pub(crate) fn accepts(&self, name: &str, value: &Value) -> bool {
        self.validator(name).is_valid(value)
    }

    /// Asserts that a value is what the definition wants.
    #[track_caller]
    pub(crate) fn assert_valid(&self, name: &str, value: &Value) {
        assert!(self.has(name), "no definition named {name}");
        let validator = self.validator(name);
        let errors: Vec<String> = validator
            .iter_errors(value)
            .map(|error| format!("{error} at {}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{name}: {value:#}\n{errors:#?}");
    }

    fn validator(&self, name: &str) -> Validator {
        let mut root = Map::new();
        root.insert("$schema".to_owned(), self.document["$schema"].clone());
        root.insert(self.place.to_owned(), self.document[self.place].clone());
        let pointer = format!("#/{}/{name}", self.place);
        root.insert("allOf".to_owned(), json!([{ "$ref": pointer }]));
        jsonschema::validator_for(&Value::Object(root)).unwrap()
    }
}

/// Forbids additional members, except in schemas within schemas, in metadata and in the parts of
/// an intersection.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.contains_key("properties") && !members.contains_key("additionalProperties") {
                members.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
            for (name, member) in members {
                if !matches!(
                    name.as_str(),
                    "inputSchema" | "outputSchema" | "_meta" | "allOf"
                ) {
                    close(member);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}
