//! Proves that a schema is refused for each reason, and for all of them together.

use serde_json::{Value, json};

use crate::schema::{HeaderKind, InputSchema, OutputSchema, Problem, SchemaLimits};

fn problems(schema: Value) -> Vec<String> {
    match InputSchema::check(schema, &SchemaLimits::default()) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(Problem::to_string).collect(),
    }
}

/// The problems of an object schema with one property.
fn with_property(property: impl Into<Value>) -> Vec<String> {
    problems(json!({"type": "object", "properties": {"a": property.into()}}))
}

#[test]
fn an_object_of_nothing_is_still_looked_at() {
    for wrong in [
        json!({"type": ["object"]}),
        json!({"type": "object", "properties": []}),
        json!({"type": "object", "additionalProperties": 7}),
        json!({"properties": {}, "additionalProperties": false}),
    ] {
        assert_ne!(problems(wrong.clone()), Vec::<String>::new(), "{wrong}");
    }
    let small = SchemaLimits {
        max_bytes: 8,
        ..SchemaLimits::default()
    };
    assert!(InputSchema::check(json!({"type": "object"}), &small).is_err());
}

#[test]
fn sound_schemas_pass_unchanged() {
    for schema in [
        json!({"type": "object"}),
        json!({"type": "object", "$schema": "https://json-schema.org/draft/2020-12/schema"}),
        json!({"type": "object", "$schema": "http://json-schema.org/draft-07/schema#",
            "definitions": {"A": {"type": "string"}}, "properties": {"a": {"$ref": "#/definitions/A"}},
            "dependencies": {"a": ["b"]}}),
        json!({"type": "object", "$id": "https://example.com/tool",
            "properties": {"a": {"$ref": "#"}, "b": {"$ref": "#node"}, "c": {"$dynamicRef": "#dyn"}},
            "$defs": {"n": {"$anchor": "node"}, "d": {"$dynamicAnchor": "dyn"}}}),
        json!({"type": "object", "properties": {"a~/b": {}, "c": {"$ref": "#/properties/a~0~1b"}}}),
        json!({"type": "object", "properties": {"a": {"default": {"$ref": "nowhere"}}}}),
        json!({"type": "object", "properties": {"$ref": {"type": "string"}}}),
        json!({"type": "object", "patternProperties": {"^x-": true}}),
        json!({"type": "object", "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$defs": {"place": {"$anchor": "place", "type": "object",
                "properties": {"street": {"type": "string"}}}},
            "properties": {"at": {"$ref": "#/$defs/place"}, "way": {"enum": ["post", "mail"]}},
            "allOf": [{"anyOf": [{"required": ["way"]}, {"required": ["at"]}]}],
            "if": {"properties": {"way": {"const": "post"}}}, "then": {"required": ["at"]}, "else": {},
            "additionalProperties": false}),
        json!({"type": "object", "properties": {"a": {"type": "string", "pattern": "^\\d+$"}}}),
    ] {
        let checked = InputSchema::check(schema.clone(), &SchemaLimits::default());
        assert_eq!(checked.unwrap().into_value(), schema);
    }
}

#[test]
fn the_root_of_an_input_is_an_object() {
    assert_eq!(
        problems(json!({"type": "array"})),
        ["/type: must be \"object\" at the root"]
    );
    assert_eq!(
        problems(json!({})),
        ["/type: must be \"object\" at the root"]
    );
    assert_eq!(problems(json!(true)), ["must be a JSON object"]);
    assert_eq!(problems(json!([])), ["must be a JSON object"]);
}

#[test]
fn an_output_may_be_anything_a_schema_describes() {
    let check = |schema| OutputSchema::check(schema, &SchemaLimits::default());
    assert!(!check(json!({"type": "integer"})).unwrap().is_object());
    assert!(check(json!({"type": "object"})).unwrap().is_object());
    assert!(check(json!(true)).is_err());
    assert!(check(json!({"type": "whole"})).is_err());
}

#[test]
fn what_the_metaschema_forbids_is_located() {
    assert_eq!(
        with_property(json!({"type": "strnig"})),
        [concat!(
            "/properties/a/type: expected one of: one of \"array\", \"boolean\", \"integer\", ",
            "\"null\", \"number\", \"object\", \"string\" | array; got string \"strnig\""
        )]
    );
    assert_eq!(
        with_property(json!({"minLength": -1})),
        ["/properties/a/minLength: expected at least 0, got integer -1"]
    );
    assert_eq!(
        problems(json!({"type": "object", "required": "a"})),
        ["/required: expected array, got string \"a\""]
    );
}

#[test]
fn unknown_dialects_are_named() {
    for dialect in [
        "http://json-schema.org/draft-04/schema#",
        "https://json-schema.org/draft/2019-09/schema",
        "https://example.com/dialect",
    ] {
        let found = problems(json!({"type": "object", "$schema": dialect}));
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("/$schema: dialect"), "{found:?}");
        assert!(found[0].contains("is not supported"), "{found:?}");
    }
}

#[test]
fn references_stay_in_the_document_and_lead_to_a_schema() {
    for (reference, reason) in [
        ("#/$defs/Gone", "leads nowhere"),
        ("#gone", "leads nowhere"),
        ("#/properties", "does not lead to a schema"),
        ("#/properties/a/default", "does not lead to a schema"),
        ("https://example.com/schema", "leaves the document"),
        ("file:///etc/passwd", "leaves the document"),
        ("other.json#/a", "leaves the document"),
        ("", "leaves the document"),
        ("#/%FF", "not UTF-8"),
    ] {
        for keyword in ["$ref", "$dynamicRef"] {
            let found = with_property(json!({keyword: reference, "default": {}}));
            assert!(
                found
                    .iter()
                    .any(|p| p.contains(reason) && p.contains(keyword)),
                "{keyword} {reference}: {found:?}"
            );
        }
    }
}

#[test]
fn identifiers_below_the_root_are_refused() {
    let found = with_property(json!({"$id": "https://example.com/other", "$ref": "#/$defs/x"}));
    assert!(found.contains(&"/properties/a/$id: is only supported at the root".to_owned()));
    let taken = json!({"type": "object", "$id": "https://json-schema.org/draft/2020-12/schema"});
    assert_eq!(problems(taken).len(), 1);
    let twice = json!({"type": "object", "$defs": {"a": {"$anchor": "x"}, "b": {"$anchor": "x"}}});
    assert_eq!(
        problems(twice),
        ["/$defs/b/$anchor: anchor \"x\" is already taken"]
    );
}

#[test]
fn recursion_must_look_at_a_part_of_the_value() {
    let node = json!({"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}});
    assert!(
        problems(json!({"type": "object", "$ref": "#/$defs/Node", "$defs": {"Node": node}}))
            .is_empty()
    );
    for circle in [
        json!({"type": "object", "$ref": "#"}),
        json!({"type": "object", "allOf": [{"$ref": "#/$defs/a"}],
            "$defs": {"a": {"anyOf": [{"not": {"$ref": "#"}}]}}}),
        json!({"type": "object", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}),
    ] {
        let found = problems(circle);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("refers back to itself"), "{found:?}");
    }
}

#[test]
fn sizes_are_bounded() {
    let mut deep = json!({"type": "string"});
    for _ in 0..40 {
        deep = json!({"type": "object", "properties": {"a": deep}});
    }
    assert!(problems(deep)[0].contains("nests deeper than 32 schemas"));

    let mut data = json!(1);
    for _ in 0..120 {
        data = json!([data]);
    }
    assert!(with_property(json!({"default": data}))[0].contains("JSON levels"));

    let many: Vec<Value> = (0..2_000).map(|_| json!({})).collect();
    assert!(with_property(json!({"anyOf": many}))[0].contains("more than 2000 subschemas"));

    let long = "x".repeat(300 * 1024);
    assert!(with_property(json!({"description": long}))[0].contains("longer than 262144 bytes"));
}

#[test]
fn doubling_references_are_refused() {
    let mut defs = serde_json::Map::new();
    defs.insert("d0".into(), json!({"type": "string"}));
    for n in 1..30 {
        let below = format!("#/$defs/d{}", n - 1);
        defs.insert(
            format!("d{n}"),
            json!({"allOf": [{"$ref": below}, {"$ref": below}]}),
        );
    }
    let found = problems(json!({
        "type": "object", "properties": {"a": {"$ref": "#/$defs/d29"}}, "$defs": defs,
    }));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("unfolds into more than"), "{found:?}");
}

#[test]
fn patterns_must_match_in_linear_time() {
    for pattern in ["(", "(?=a)b", "(a)\\1", "(a{1000}){1000}"] {
        let found = with_property(json!({"type": "string", "pattern": pattern}));
        assert_eq!(found.len(), 1, "{pattern}: {found:?}");
        assert!(found[0].starts_with("/properties/a/pattern: "), "{found:?}");
    }
}

#[test]
fn headers_are_collected_with_their_place_and_kind() {
    let schema = json!({"type": "object", "properties": {
        "region": {"type": "string", "x-mcp-header": "Region"},
        "options": {"type": "object", "properties": {
            "limit": {"type": "integer", "x-mcp-header": "Limit"},
            "x-mcp-header": {"type": "string"},
        }},
        "dry": {"type": "boolean", "x-mcp-header": "Dry-Run", "default": {"x-mcp-header": 5}},
    }});
    let schema = InputSchema::check(schema, &SchemaLimits::default()).unwrap();
    let mut found: Vec<_> = schema
        .header_params()
        .iter()
        .map(|param| (param.name.as_str(), param.path.join("."), param.kind))
        .collect();
    found.sort_by_key(|(name, ..)| *name);
    assert_eq!(
        found,
        [
            ("Dry-Run", "dry".to_owned(), HeaderKind::Boolean),
            ("Limit", "options.limit".to_owned(), HeaderKind::Integer),
            ("Region", "region".to_owned(), HeaderKind::Text),
        ]
    );
}

#[test]
fn headers_break_no_rule() {
    for name in [
        json!(""),
        json!("a b"),
        json!("a\r\nb"),
        json!("ä"),
        json!("a:b"),
        json!(1),
    ] {
        let found = with_property(json!({"type": "string", "x-mcp-header": name}));
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        assert!(
            found[0].starts_with("/properties/a/x-mcp-header: must"),
            "{found:?}"
        );
    }
    for kind in [
        json!("number"),
        json!("object"),
        json!("array"),
        json!(["string", "null"]),
    ] {
        let found = with_property(json!({"type": kind, "x-mcp-header": "A"}));
        assert_eq!(found.len(), 1, "{kind}: {found:?}");
        assert!(found[0].contains("beside `type` string"), "{found:?}");
    }
    let marked = json!({"type": "string", "x-mcp-header": "A"});
    for place in [
        json!({"type": "array", "items": marked}),
        json!({"anyOf": [marked]}),
        json!({"oneOf": [{"properties": {"b": marked}}]}),
        json!({"not": marked}),
        json!({"if": marked}),
        json!({"additionalProperties": marked}),
        json!({"patternProperties": {"x": marked}}),
        json!({"$defs": {"properties": marked}}),
    ] {
        let found = with_property(place.clone());
        assert_eq!(found.len(), 1, "{place}: {found:?}");
        assert!(found[0].contains("`properties` alone"), "{found:?}");
    }
    let root = problems(json!({"type": "object", "x-mcp-header": "A"}));
    assert_eq!(root.len(), 2, "{root:?}");
    let twice = problems(json!({"type": "object", "properties": {
        "a": {"type": "string", "x-mcp-header": "Region"},
        "b": {"type": "string", "x-mcp-header": "REGION"},
    }}));
    assert_eq!(twice.len(), 1, "{twice:?}");
    assert!(
        twice[0].contains("already used by /properties/"),
        "{twice:?}"
    );
}

#[test]
fn everything_wrong_is_reported_together() {
    let found = problems(json!({
        "type": "array",
        "required": 1,
        "properties": {
            "a": {"$ref": "#/$defs/gone"},
            "b": {"type": "number", "x-mcp-header": ""},
            "c": {"$ref": "https://example.com"},
        },
    }));
    assert_eq!(found.len(), 6, "{found:#?}");
}
