//! Proves that every tool schema in the specification's own examples passes, when they are at hand.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::schema::{InputSchema, OutputSchema, SchemaLimits, Validator};

#[test]
fn the_examples_of_the_specification_pass() {
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/spec/schema");
    let mut files = Vec::new();
    json_files(&schemas, &mut files);
    if files.is_empty() {
        println!(
            "SKIPPED: the specification's examples are not at {}",
            schemas.display()
        );
        return;
    }
    let mut seen = 0;
    for file in files.iter().filter(|file| !file.ends_with("schema.json")) {
        let text = std::fs::read_to_string(file).unwrap();
        let Ok(message) = serde_json::from_str::<Value>(&text) else {
            continue;
        };
        for_each_schema(&message, &mut |name, schema| {
            let limits = SchemaLimits::default();
            let result = match name {
                "inputSchema" => InputSchema::check(schema.clone(), &limits).map(drop),
                _ => OutputSchema::check(schema.clone(), &limits).map(drop),
            };
            assert_eq!(result, Ok(()), "{}", file.display());
            Validator::compile(schema).unwrap();
            seen += 1;
        });
    }
    assert!(seen > 5, "only {seen} schemas found");
}

fn json_files(dir: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return;
    };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            json_files(&path, found);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            found.push(path);
        }
    }
}

fn for_each_schema(value: &Value, visit: &mut dyn FnMut(&str, &Value)) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match name.as_str() {
                    "inputSchema" | "outputSchema" => visit(name, value),
                    _ => for_each_schema(value, visit),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| for_each_schema(value, visit)),
        _ => {}
    }
}
