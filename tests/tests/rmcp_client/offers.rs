//! What is on offer arrives as it was registered: tools, prompts, resources, completions.

use rmcp::model::{GetPromptRequestParams, ReadResourceRequestParams, ResourceContents};
use rmcp::service::ServiceError;
use serde_json::json;

use mcp_session_tests::interop::README;

use crate::rmcp_client::client::object;
use crate::rmcp_client::{Client, every_way};

every_way! {
    the_server_introduces_itself
    tools_are_listed_with_their_schemas
    prompts_are_listed_and_filled_in
    resources_are_listed_and_read
    templates_are_listed_and_read
    values_are_suggested
}

async fn the_server_introduces_itself(client: &mut Client) {
    let server = client.server();
    let version = if client.way.has_handshake() {
        "2025-11-25"
    } else {
        "2026-07-28"
    };
    assert_eq!(server.protocol_version.as_str(), version);
    let info = server.server_info.as_ref().unwrap();
    assert_eq!(
        (info.name.as_str(), info.version.as_str()),
        ("interop", "1.2.3")
    );
    assert_eq!(info.title.as_deref(), Some("Interoperability"));
    assert_eq!(server.instructions.as_deref(), Some("Add numbers."));
    let capabilities = serde_json::to_value(&server.capabilities).unwrap();
    assert_eq!(
        capabilities,
        json!({
            "logging": {},
            "completions": {},
            "prompts": {"listChanged": true},
            "resources": {"subscribe": true, "listChanged": true},
            "tools": {"listChanged": true},
        })
    );
}

async fn tools_are_listed_with_their_schemas(client: &mut Client) {
    let tools = client.rmcp.list_all_tools().await.unwrap();
    let names: Vec<&str> = tools.iter().map(|tool| &*tool.name).collect();
    assert_eq!(names[..4], ["add", "greet", "picture", "fail"]);
    let add = serde_json::to_value(&tools[0]).unwrap();
    assert_eq!(add["description"], "Adds two numbers.");
    assert_eq!(add["annotations"], json!({"readOnlyHint": true}));
    assert_eq!(add["inputSchema"]["required"], json!(["a", "b"]));
    assert_eq!(
        add["inputSchema"]["properties"]["b"]["description"],
        "What to add."
    );
    assert_eq!(add["outputSchema"]["properties"]["sum"]["type"], "integer");
    assert_eq!(tools[1].title.as_deref(), Some("Greet"));
    assert!(tools[1].output_schema.is_none());
}

async fn prompts_are_listed_and_filled_in(client: &mut Client) {
    let prompts = client.rmcp.list_all_prompts().await.unwrap();
    let listed = serde_json::to_value(&prompts).unwrap();
    let expected = json!([{
        "name": "plan",
        "description": "Plans a trip.",
        "arguments": [
            {"name": "city", "description": "Where to go.", "required": true},
            {"name": "days", "description": "How many days to stay."},
        ],
    }]);
    assert_eq!(listed, expected);

    let plan = GetPromptRequestParams::new("plan");
    let filled = plan
        .clone()
        .with_arguments(object(json!({"city": "Oslo", "days": "3"})));
    let result = client.rmcp.get_prompt(filled).await.unwrap();
    let text = result.messages[0].content.as_text().unwrap();
    assert_eq!(text.text, "Plan 3 days in Oslo.");

    let missing = client.rmcp.get_prompt(plan).await;
    assert!(refused(missing, -32602).contains("city"));
    let unknown = client
        .rmcp
        .get_prompt(GetPromptRequestParams::new("nothing"))
        .await;
    refused(unknown, -32602);
}

async fn resources_are_listed_and_read(client: &mut Client) {
    let resources = client.rmcp.list_all_resources().await.unwrap();
    let uris: Vec<&str> = resources
        .iter()
        .map(|resource| resource.uri.as_str())
        .collect();
    assert_eq!(uris, [README, "docs://logo"]);
    assert_eq!(resources[0].mime_type.as_deref(), Some("text/markdown"));
    assert_eq!(resources[0].size, Some(7));

    let readme = read(client, README).await.unwrap();
    let ResourceContents::TextResourceContents {
        text, mime_type, ..
    } = readme
    else {
        panic!("{readme:?}");
    };
    assert_eq!(
        (text.as_str(), mime_type.as_deref()),
        ("# Begin", Some("text/markdown"))
    );

    let logo = read(client, "docs://logo").await.unwrap();
    let ResourceContents::BlobResourceContents { blob, .. } = logo else {
        panic!("{logo:?}");
    };
    assert_eq!(blob, "iVBORw0KGgo=");

    let code = if client.way.has_handshake() {
        -32002
    } else {
        -32602
    };
    refused(read(client, "docs://nothing").await, code);
}

async fn templates_are_listed_and_read(client: &mut Client) {
    let templates = client.rmcp.list_all_resource_templates().await.unwrap();
    assert_eq!(templates.len(), 1);
    assert_eq!(templates[0].uri_template, "notes://{id}");
    let note = read(client, "notes://7").await.unwrap();
    let ResourceContents::TextResourceContents { uri, text, .. } = note else {
        panic!("{note:?}");
    };
    assert_eq!((uri.as_str(), text.as_str()), ("notes://7", "note 7"));
    let code = if client.way.has_handshake() {
        -32002
    } else {
        -32602
    };
    refused(read(client, "notes://seven").await, code);
}

async fn values_are_suggested(client: &mut Client) {
    let cities = client
        .rmcp
        .complete_prompt_simple("plan", "city", "Li")
        .await
        .unwrap();
    assert_eq!(cities, ["Lima", "Lisbon"]);
    let ids = client
        .rmcp
        .complete_resource_simple("notes://{id}", "id", "1")
        .await
        .unwrap();
    assert_eq!(ids, ["1", "12"]);
}

async fn read(client: &Client, uri: &str) -> Result<ResourceContents, ServiceError> {
    let mut result = client
        .rmcp
        .read_resource(ReadResourceRequestParams::new(uri))
        .await?;
    assert_eq!(result.contents.len(), 1);
    Ok(result.contents.remove(0))
}

/// The message of an error with this code.
fn refused<T: std::fmt::Debug>(answer: Result<T, ServiceError>, code: i32) -> String {
    match answer {
        Err(ServiceError::McpError(error)) if error.code.0 == code => error.message.into_owned(),
        other => panic!("{other:?} instead of {code}"),
    }
}
