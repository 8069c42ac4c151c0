//! Proves that generated schemas are the portable subset.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::schema::{Generator, InputSchema, JsonSchema, SchemaLimits, Validator, of, output_of};

#[derive(JsonSchema, Serialize)]
struct Point {
    x: i64,
    y: f64,
}

#[derive(JsonSchema, Serialize)]
struct Tree {
    /// The value.
    value: u64,
    left: Option<Box<Self>>,
    children: Vec<Self>,
}

#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is looked at")]
enum Color {
    Red,
    Green,
}

#[derive(JsonSchema, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is looked at")]
enum Shape {
    /// Round.
    Circle {
        center: Point,
    },
    Line {
        from: Point,
        to: Option<Point>,
    },
}

#[test]
fn structs_are_inlined_without_noise() {
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Args {
        /// Where.
        at: Point,
        color: Option<Color>,
        #[serde(default)]
        count: Option<u32>,
        tags: BTreeMap<String, Vec<Point>>,
    }
    let point = json!({
        "type": "object",
        "properties": {"x": {"type": "integer"}, "y": {"type": "number"}},
        "required": ["x", "y"],
    });
    let mut at = point.clone();
    at["description"] = json!("Where.");
    assert_eq!(
        of::<Args>(),
        json!({
            "type": "object",
            "properties": {
                "at": at,
                "color": {"type": "string", "enum": ["red", "green"]},
                "count": {"type": "integer", "minimum": 0},
                "tags": {
                    "type": "object",
                    "additionalProperties": {"type": "array", "items": point},
                },
            },
            "required": ["at", "tags"],
        })
    );
}

#[test]
fn a_recursive_type_is_opened_once_and_refers_to_defs() {
    let body = json!({
        "type": "object",
        "properties": {
            "value": {"description": "The value.", "type": "integer", "minimum": 0},
            "left": {"type": "object", "$ref": "#/$defs/Tree"},
            "children": {"type": "array", "items": {"type": "object", "$ref": "#/$defs/Tree"}},
        },
        "required": ["value", "children"],
    });
    let mut expected = body.clone();
    expected["$defs"] = json!({"Tree": body});
    assert_eq!(of::<Tree>(), expected);
}

#[test]
fn a_recursive_parameter_shares_one_definition() {
    let mut generator = Generator::new();
    let mut properties = Map::new();
    properties.insert("a".into(), generator.subschema::<Tree>());
    properties.insert("b".into(), generator.subschema::<Vec<Tree>>());
    properties.insert("any".into(), generator.subschema::<Value>());
    let schema = generator.finish_object(properties, Vec::new());
    assert_eq!(
        schema["properties"]["a"],
        json!({"type": "object", "$ref": "#/$defs/Tree"})
    );
    assert_eq!(schema["properties"]["any"], json!({}));
    let members: Vec<&String> = schema.as_object().unwrap().keys().collect();
    assert_eq!(members, ["type", "properties", "$defs"]);
    assert_eq!(schema["$defs"].as_object().unwrap().len(), 1);
}

#[test]
fn tagged_enums_have_an_object_type() {
    let schema = of::<Shape>();
    assert_eq!(schema["type"], "object");
    assert_eq!(
        schema["oneOf"][0]["properties"]["kind"],
        json!({"type": "string", "const": "circle"})
    );
    assert!(!schema.to_string().contains("null"), "{schema}");
    assert!(!schema.to_string().contains("$ref"), "{schema}");
}

#[test]
fn outputs_stay_true_to_what_is_written() {
    let schema = output_of::<Tree>();
    let value = serde_json::to_value(Tree {
        value: 1,
        left: None,
        children: Vec::new(),
    })
    .unwrap();
    let validator = Validator::compile(&schema).unwrap();
    assert_eq!(validator.check(&value), Ok(()));
}

#[test]
fn shared_parts_do_not_grow_without_bound() {
    macro_rules! doubling {
        ($($name:ident: $of:ty),*) => {
            $(#[derive(JsonSchema)] #[expect(dead_code, reason = "only its schema is looked at")] struct $name { a: $of, b: $of })*
        };
    }
    doubling!(
        A0: u8, A1: A0, A2: A1, A3: A2, A4: A3, A5: A4, A6: A5, A7: A6, A8: A7, A9: A8, B0: A9,
        B1: B0, B2: B1, B3: B2, B4: B3, B5: B4, B6: B5, B7: B6, B8: B7, B9: B8
    );
    let schema = of::<B9>();
    assert!(schema.to_string().len() < 100_000);
    assert!(schema["$defs"].is_object());
    InputSchema::check(schema, &SchemaLimits::default()).unwrap();
}

#[test]
fn every_shape_of_type_gives_a_schema_that_passes() {
    #[derive(JsonSchema)]
    #[serde(untagged)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    enum Untagged {
        Text(String),
        Whole(i64),
        None,
    }
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    enum Speed {
        /// Quick.
        Fast,
        /// Not quick.
        Slow,
    }
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    enum Mutual {
        Leaf,
        Node(Box<Holder>),
    }
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Holder {
        inner: Option<Mutual>,
    }
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Wide {
        pair: (i32, String),
        any: Value,
        maybe_any: Option<Value>,
        union: Option<Untagged>,
        /// How fast.
        speed: Option<Speed>,
        nested: Option<Vec<Option<i32>>>,
        mutual: Mutual,
        unit: (),
        address: std::net::IpAddr,
        #[serde(flatten)]
        shape: Shape,
        #[serde(flatten)]
        rest: BTreeMap<String, Value>,
    }
    let schema = of::<Wide>();
    let properties = &schema["properties"];
    assert_eq!(properties["any"], json!({}));
    assert_eq!(
        properties["union"],
        json!({"anyOf": [{"type": "string"}, {"type": "integer"}]})
    );
    assert_eq!(
        properties["nested"],
        json!({"type": "array", "items": {"type": "integer"}})
    );
    assert_eq!(
        properties["speed"],
        json!({"type": "string", "description": "How fast.", "oneOf": [
            {"type": "string", "const": "Fast", "description": "Quick."},
            {"type": "string", "const": "Slow", "description": "Not quick."},
        ]})
    );
    assert_eq!(properties["unit"], json!({"type": "null"}));
    let defs: Vec<&String> = schema["$defs"].as_object().unwrap().keys().collect();
    assert_eq!(defs, ["Holder", "Mutual"]);
    assert_eq!(schema.to_string(), of::<Wide>().to_string());
    InputSchema::check(schema, &SchemaLimits::default()).unwrap();
    InputSchema::check(output_of::<Wide>(), &SchemaLimits::default()).unwrap();
}
