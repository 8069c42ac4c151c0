//! Resources and their families.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::catalog::fake::context;
use crate::catalog::handler::ResourceHandler;
use crate::catalog::uri_template::UriTemplate;
use crate::catalog::{Json, Resource, ResourceReply, ResourceRequest, ResourceTemplate};
use crate::context::Context;
use crate::error::{ToolError, ToolErrorKind};
use crate::protocol::{CacheHint, CacheScope};

async fn read(handler: &dyn ResourceHandler, request: ResourceRequest) -> Result<Value, ToolError> {
    match handler.run(request, context()).await? {
        ResourceReply::Complete(result) => Ok(serde_json::to_value(result).unwrap()),
        ResourceReply::InputRequired(_) => Err(ToolError::new("input required")),
    }
}

fn request(template: &str, uri: &str) -> ResourceRequest {
    let variables = UriTemplate::parse(template).unwrap().matches(uri).unwrap();
    ResourceRequest::new(uri, variables)
}

#[tokio::test]
async fn fixed_contents_know_their_size() {
    let resource = Resource::new("a://b", "b")
        .mime_type("text/plain")
        .text("hé");
    assert!(resource.common().is_static);
    assert_eq!(resource.definition().size, Some(3));
    let contents = json!([{"uri": "a://b", "mimeType": "text/plain", "text": "hé"}]);
    let reply = read(&*resource.common().handler, request("a://b", "a://b"))
        .await
        .unwrap();
    assert_eq!(reply, json!({"contents": contents}));

    let blob = Resource::new("a://c", "c")
        .cache(CacheHint::new(5, CacheScope::Public))
        .blob([1, 2]);
    let reply = read(&*blob.common().handler, request("a://c", "a://c"))
        .await
        .unwrap();
    let contents = json!([{"uri": "a://c", "blob": "AQI="}]);
    assert_eq!(
        reply,
        json!({"contents": contents, "ttlMs": 5, "cacheScope": "public"})
    );
}

#[tokio::test]
async fn a_function_reads_what_was_asked_for() {
    let resource = Resource::new("a://b", "b")
        .cache(CacheHint::new(5, CacheScope::Private))
        .handler(
            |request: ResourceRequest, _ctx: Context| async move { Json(request.uri().len()) },
        );
    assert!(!resource.common().is_static);
    let reply = read(&*resource.common().handler, request("a://b", "a://b"))
        .await
        .unwrap();
    assert_eq!(
        reply["contents"],
        json!([{"uri": "a://b", "mimeType": "application/json", "text": "5"}])
    );
    assert_eq!(reply["ttlMs"], 5);
}

#[tokio::test]
async fn variables_become_a_struct_and_misfits_are_unknown() {
    #[derive(Deserialize)]
    struct Day {
        city: String,
        day: u8,
    }
    let family = ResourceTemplate::new("w://{city}/{day}", "weather")
        .handler(|day: Day| async move { (day.day < 8).then_some(day.city) });
    let reply = read(
        &*family.common().handler,
        request("w://{city}/{day}", "w://oslo/3"),
    )
    .await;
    assert_eq!(
        reply.unwrap()["contents"],
        json!([{"uri": "w://oslo/3", "text": "oslo"}])
    );
    for unknown in ["w://oslo/x", "w://oslo/9"] {
        let reply = read(
            &*family.common().handler,
            request("w://{city}/{day}", unknown),
        )
        .await;
        let kind = reply.unwrap_err().into_kind();
        assert!(matches!(kind, ToolErrorKind::NotFound), "{unknown}");
    }
}
