//! Tools whose schemas say more than types can.

use mcp_session::Tool;
use serde_json::{Value, json};

pub(crate) fn tools() -> [Tool; 2] {
    [
        Tool::new("json_schema_2020_12_tool")
            .description("Takes a contact, by a schema that uses much of JSON Schema 2020-12.")
            .input_schema(contact())
            .handler(async |contact: Value| format!("Contact accepted: {contact}")),
        // Over HTTP the argument is repeated in the header `Mcp-Param-Value`, for proxies to route
        // by (2026-07-28, "Streamable HTTP", "Custom Headers from Tool Parameters").
        Tool::new("test_custom_header")
            .description("Echoes a value that is also sent as a header.")
            .input_schema(json!({
                "type": "object",
                "properties": {"value": {"type": "string", "x-mcp-header": "Value"}},
                "required": ["value"],
            }))
            .handler(async |arguments: Value| {
                arguments["value"].as_str().unwrap_or_default().to_owned()
            }),
    ]
}

fn contact() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
            },
        },
        "properties": {
            "name": {"type": "string"},
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": {"type": "string"},
            "email": {"type": "string"},
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {
            "properties": {"contactMethod": {"const": "phone"}},
            "required": ["contactMethod"],
        },
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": false,
    })
}
