//! Proves that values are judged safely and explained usefully.

use serde_json::{Value, json};

use crate::schema::Validator;

fn problems(schema: impl Into<Value>, instance: impl Into<Value>) -> Vec<String> {
    let validator = Validator::compile(&schema.into()).unwrap();
    match validator.check(&instance.into()) {
        Ok(()) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn problems_name_place_expectation_and_value() {
    let schema = json!({
        "type": "object",
        "properties": {
            "n": {"type": "integer", "minimum": 1, "maximum": 9},
            "s": {"type": "string", "minLength": 2, "maxLength": 4, "pattern": "^a"},
            "e": {"enum": ["x", "y"]},
            "c": {"const": 5},
            "l": {"type": "array", "items": {"type": ["string", "null"]}, "maxItems": 2},
            "when": {"type": "string", "format": "date-time"},
        },
        "required": ["n"],
        "additionalProperties": false,
    });
    for (instance, expected) in [
        (json!({"n": "x"}), "/n: expected integer, got string \"x\""),
        (json!({"n": 0}), "/n: expected at least 1, got integer 0"),
        (json!({"n": 10}), "/n: expected at most 9, got integer 10"),
        (json!({"n": 1.5}), "/n: expected integer, got number 1.5"),
        (json!({}), "missing property \"n\""),
        (json!({"n": 1, "z": 1}), "unexpected property \"z\""),
        (
            json!({"n": 1, "s": "a"}),
            "/s: expected at least 2 characters, got string \"a\"",
        ),
        (
            json!({"n": 1, "s": "bb"}),
            "/s: expected text matching ^a, got string \"bb\"",
        ),
        (
            json!({"n": 1, "e": "z"}),
            "/e: expected one of \"x\", \"y\", got string \"z\"",
        ),
        (json!({"n": 1, "c": []}), "/c: expected 5, got array"),
        (
            json!({"n": 1, "l": ["a", 1]}),
            "/l/1: expected null or string, got integer 1",
        ),
        (
            json!({"n": 1, "when": "soon"}),
            "/when: expected format date-time, got string \"soon\"",
        ),
        (json!([]), "expected object, got array"),
    ] {
        assert_eq!(
            problems(schema.clone(), instance.clone()),
            [expected],
            "{instance}"
        );
    }
}

#[test]
fn the_alternative_that_was_meant_is_explained() {
    let tagged = json!({"oneOf": [
        {"type": "object", "properties": {"kind": {"const": "circle"}, "r": {"type": "number"}},
            "required": ["kind", "r"]},
        {"type": "object", "properties": {"kind": {"const": "line"}, "to": {"type": "integer"}},
            "required": ["kind", "to"]},
    ]});
    assert_eq!(
        problems(tagged.clone(), json!({"kind": "line", "to": "x"})),
        ["/to: expected integer, got string \"x\""]
    );
    assert_eq!(
        problems(tagged, json!({"kind": "dot"})),
        ["expected one of: \"circle\" at /kind | \"line\" at /kind; got object"]
    );
    let union = json!({"anyOf": [{"type": "string"}, {"type": "integer"}]});
    assert_eq!(
        problems(union, json!(true)),
        ["expected one of: string | integer; got boolean true"]
    );
}

#[test]
fn there_are_at_most_eight_problems() {
    let schema = json!({"type": "array", "items": {"type": "integer"}});
    let instance: Vec<Value> = (0..100).map(|n| json!(n.to_string())).collect();
    assert_eq!(problems(schema, instance).len(), 8);
}

#[test]
fn large_values_are_explained_from_their_beginning() {
    let numbers = json!({"type": "array", "items": {"type": "integer"}});
    let wrong: Vec<Value> = (0..100_000).map(|_| json!("")).collect();
    let found = problems(numbers.clone(), wrong);
    assert_eq!(found.len(), 8);
    assert_eq!(found[0], "/0: expected integer, got string \"\"");

    let mut late = vec![json!(1); 100_000];
    late.push(json!("x"));
    assert_eq!(problems(numbers, late), ["does not fit the schema"]);

    let members: serde_json::Map<_, _> = (0..10_000).map(|n| (n.to_string(), json!(n))).collect();
    let texts = json!({"type": "object", "additionalProperties": {"type": "string"}});
    assert_eq!(problems(texts, members.clone()).len(), 8);
    let closed = json!({"type": "object", "additionalProperties": false});
    assert_eq!(problems(closed, members).len(), 1);
}

#[test]
fn schemas_that_were_never_checked_cannot_do_harm() {
    for schema in [
        json!({"$ref": "https://example.com/schema.json"}),
        json!({"$ref": "file:///etc/hostname"}),
        json!({"$ref": "#"}),
        json!({"type": "strnig"}),
        json!({"$schema": "https://example.com/dialect"}),
        json!({"pattern": "(?=x)"}),
        json!(5),
    ] {
        assert!(Validator::compile(&schema).is_err(), "{schema}");
    }
    assert!(
        Validator::compile(&json!(true))
            .unwrap()
            .check(&json!(1))
            .is_ok()
    );
    assert!(
        Validator::compile(&json!(false))
            .unwrap()
            .check(&json!(1))
            .is_err()
    );
}

#[test]
fn patterns_do_not_backtrack() {
    let schema = json!({"type": "string", "pattern": "^(a+)+$"});
    assert_eq!(
        problems(schema, json!(format!("{}!", "a".repeat(50_000)))).len(),
        1
    );
}

#[test]
fn validators_are_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Validator>();
}

#[test]
fn deep_recursion_through_alternatives_stays_cheap() {
    // An expression tree, as schemars writes it: every alternative has the same property names.
    let names = ["add", "sub", "mul", "div", "pow", "min", "max", "and"];
    let alternatives: Vec<Value> = names
        .iter()
        .map(|name| {
            json!({"type": "object",
                "properties": {
                    "left": {"$ref": "#/$defs/E"}, "right": {"$ref": "#/$defs/E"},
                    "op": {"const": name},
                },
                "required": ["op", "left", "right"]})
        })
        .chain([json!({"type": "integer"})])
        .collect();
    let schema = json!({"$ref": "#/$defs/E", "$defs": {"E": {"oneOf": alternatives}}});
    let validator = Validator::compile(&schema).unwrap();
    let mut good = json!(1);
    let mut bad = json!("x");
    for _ in 0..50 {
        good = json!({"op": "max", "left": 1, "right": good});
        bad = json!({"op": "max", "left": 1, "right": bad});
    }
    assert_eq!(validator.check(&good), Ok(()));
    let problems = validator.check(&bad).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].path, "/right".repeat(50));
    assert_eq!(
        problems[0].message,
        "expected one of: object | integer; got string \"x\""
    );

    // No member tells the alternatives apart: nothing blows up, though little can be said.
    let mut vague = json!("x");
    for _ in 0..20 {
        vague = json!({"left": 1, "right": vague});
    }
    assert_eq!(validator.check(&vague).unwrap_err()[0].path, "");
}
