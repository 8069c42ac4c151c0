//! Functions under the macros, called as a client calls them.

use std::{
    collections::BTreeMap,
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use mcp_session_macros::{prompt, resource, tool, tools};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Barrier;

use crate::catalog::fake::{checked, context};
use crate::catalog::uri_template::UriTemplate;
use crate::catalog::{
    Entry, IntoEntries, IntoPrompt, IntoResource, IntoTool, PromptReply, Resource, ResourceEntry,
    ResourceReply, ResourceRequest, ResourceTemplate, Tool, ToolReply,
};
use crate::context::{Context, Dep, FromContext};
use crate::error::{ToolError, ToolErrorKind};
use crate::protocol::Raw;
use crate::schema::JsonSchema;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Speed {
    Fast,
    Slow,
}

#[derive(Deserialize, JsonSchema)]
struct Nested {
    speed: Speed,
    #[schemars(range(max = 9))]
    level: Option<u8>,
}

/// Adds.
#[tool]
async fn add(a: i64, #[default = 7] b: i64, answer: Dep<u64>, ctx: Context) -> String {
    format!("{}/{answer:?}/{}", a + b, ctx.method())
}

#[tool]
async fn search(search: String, nested: Nested, r#type: Option<u8>) -> String {
    format!(
        "{search} {} {:?} {:?}",
        matches!(nested.speed, Speed::Fast),
        nested.level,
        r#type
    )
}

async fn call(tool: &Tool, arguments: &'static str) -> Result<String, String> {
    let arguments = Raw::parse(Bytes::from_static(arguments.as_bytes())).unwrap();
    match checked(tool).run(Some(arguments), context()).await {
        Ok(ToolReply::Complete(result)) => {
            Ok(result.content[0].as_text().unwrap_or_default().to_owned())
        }
        Ok(ToolReply::InputRequired(_)) => Err("input required".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[tokio::test]
async fn arguments_go_from_text_into_parameters() {
    let add = add.into_tool();
    for (arguments, expected) in [
        (
            r#"{"b": 2, "unknown": [1, {}], "a": 40}"#,
            Ok("42/Dep(42)/tools/call"),
        ),
        (r#"{"a": 1}"#, Ok("8/Dep(42)/tools/call")),
        (r#"{"a": 1, "b": null}"#, Ok("8/Dep(42)/tools/call")),
        (
            r#"{"a": 1, "answer": 3, "ctx": {}}"#,
            Ok("8/Dep(42)/tools/call"),
        ),
        (r#"{"b": 2}"#, Err("`a`: missing, expected an integer")),
        (
            r#"{"a": "x"}"#,
            Err("`a`: invalid type: string \"x\", expected an integer"),
        ),
        (r#"{"a": 1, "a": 2}"#, Err("`a` is given twice")),
    ] {
        let expected = expected.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(call(&add, arguments).await, expected, "{arguments}");
    }
    assert_eq!(add.needs().dependencies().len(), 1);
    assert!(checked(&add).run(None, context()).await.is_err());
}

#[tokio::test]
async fn mistakes_deep_inside_are_located() {
    let search = search.into_tool();
    let good = r#"{"search": "q", "nested": {"speed": "slow"}, "type": 3}"#;
    assert_eq!(
        call(&search, good).await,
        Ok("q false None Some(3)".to_owned())
    );
    let wrong = r#"{"search": "q", "nested": {"speed": "warp"}}"#;
    assert!(call(&search, wrong).await.unwrap_err().contains("speed"));
    let too_much = r#"{"search": "q", "nested": {"speed": "fast", "level": 10}}"#;
    assert!(call(&search, too_much).await.unwrap_err().contains("level"));
    let nothing = call(&search, "{}").await.unwrap_err();
    assert!(
        nothing.contains("search") && nothing.contains("nested"),
        "{nothing}"
    );
}

#[tokio::test]
async fn extractors_are_resolved_together() {
    static BOTH: LazyLock<Barrier> = LazyLock::new(|| Barrier::new(2));
    struct First;
    struct Second;
    impl FromContext for First {
        async fn from_context(_ctx: &Context) -> Result<Self, ToolError> {
            BOTH.wait().await;
            Ok(Self)
        }
    }
    impl FromContext for Second {
        async fn from_context(_ctx: &Context) -> Result<Self, ToolError> {
            BOTH.wait().await;
            Ok(Self)
        }
    }
    #[tool]
    async fn both(_first: First, n: u8, _second: Second) -> u8 {
        n
    }
    // Waits forever if one is resolved after the other.
    assert_eq!(
        call(&both.into_tool(), r#"{"n": 1}"#).await,
        Ok("1".to_owned())
    );
    let closure = Tool::new("both").handler(|_: First, _: Second| async { "both" });
    assert_eq!(call(&closure, "{}").await, Ok("both".to_owned()));
}

#[tokio::test]
async fn a_prompt_reads_its_arguments_from_text() {
    /// Plans.
    #[prompt]
    async fn plan(
        /// Where to.
        #[complete(["Oslo", "Lima"])]
        city: String,
        #[default = 2] days: u8,
        note: Option<String>,
        ctx: Context,
    ) -> String {
        format!("{city} {days} {note:?} {}", ctx.method())
    }
    let prompt = plan.into_prompt();
    assert_eq!(
        serde_json::to_value(prompt.definition()).unwrap(),
        json!({
            "name": "plan",
            "description": "Plans.",
            "arguments": [
                {"name": "city", "description": "Where to.", "required": true},
                {"name": "days"},
                {"name": "note"},
            ],
        })
    );
    let run = async |arguments: &[(&str, &str)]| {
        let pairs = arguments
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        let arguments: BTreeMap<_, _> = pairs.collect();
        match prompt.common().handler.run(arguments, context()).await {
            Ok(PromptReply::Complete(result)) => Ok(result.messages[0]
                .content
                .as_text()
                .unwrap_or_default()
                .to_owned()),
            Ok(PromptReply::InputRequired(_)) => Err((0, String::new())),
            Err(error) => match error.into_kind() {
                ToolErrorKind::Rpc(error) => Err((error.code, error.message.into_owned())),
                _ => Err((1, String::new())),
            },
        }
    };
    assert_eq!(
        run(&[("city", "Oslo")]).await,
        Ok("Oslo 2 None tools/call".to_owned())
    );
    let all = [("city", "Oslo"), ("days", "3"), ("note", "x")];
    assert_eq!(
        run(&all).await,
        Ok("Oslo 3 Some(\"x\") tools/call".to_owned())
    );
    let left_empty = [("city", "Oslo"), ("days", ""), ("note", "")];
    assert_eq!(
        run(&left_empty).await,
        Ok("Oslo 2 None tools/call".to_owned())
    );
    assert_eq!(run(&[]).await, Err((-32602, "`city`: missing".to_owned())));
    let (code, message) = run(&[("city", "Oslo"), ("days", "x")]).await.unwrap_err();
    assert_eq!(code, -32602);
    assert_eq!(
        message,
        "`days`: invalid type: string \"x\", expected an integer from 0 to 255"
    );
    assert!(prompt.completers().find("city").is_some());
}

fn family(entry: ResourceEntry) -> ResourceTemplate {
    match entry {
        ResourceEntry::Template(template) => template,
        ResourceEntry::Resource(resource) => panic!("{resource:?}"),
    }
}

fn single(entry: ResourceEntry) -> Resource {
    match entry {
        ResourceEntry::Resource(resource) => resource,
        ResourceEntry::Template(template) => panic!("{template:?}"),
    }
}

async fn read(family: &ResourceTemplate, uri: &str) -> Result<Value, bool> {
    let template = UriTemplate::parse(family.uri_template()).unwrap();
    let request = ResourceRequest::new(uri, template.matches(uri).unwrap());
    match family.common().handler.run(request, context()).await {
        Ok(ResourceReply::Complete(result)) => Ok(serde_json::to_value(result).unwrap()),
        Ok(ResourceReply::InputRequired(_)) => Err(false),
        Err(error) => Err(matches!(error.into_kind(), ToolErrorKind::NotFound)),
    }
}

#[tokio::test]
async fn a_resource_reads_the_variables_of_its_uri() {
    /// Days.
    #[resource(
        "w://{city}/{day}{/rest*}{?unit}",
        name = "days",
        mime_type = "text/x",
        title = "D"
    )]
    async fn days(
        day: u8,
        request: ResourceRequest,
        city: String,
        rest: Option<Vec<String>>,
        #[default = "C"] unit: String,
        ctx: Context,
    ) -> Option<String> {
        let text = format!(
            "{city} {day} {rest:?} {unit} {} {}",
            request.uri(),
            ctx.method()
        );
        (day < 8).then_some(text)
    }
    let days = family(days.into_resource());
    assert_eq!(
        serde_json::to_value(days.definition()).unwrap(),
        json!({
            "uriTemplate": "w://{city}/{day}{/rest*}{?unit}",
            "name": "days",
            "title": "D",
            "description": "Days.",
            "mimeType": "text/x",
        })
    );
    let reply = read(&days, "w://oslo/3/a/b?unit=K").await.unwrap();
    assert_eq!(
        reply["contents"][0],
        json!({
            "uri": "w://oslo/3/a/b?unit=K",
            "mimeType": "text/x",
            "text": "oslo 3 Some([\"a\", \"b\"]) K w://oslo/3/a/b?unit=K tools/call",
        })
    );
    let reply = read(&days, "w://oslo/3").await.unwrap();
    assert_eq!(
        reply["contents"][0]["text"],
        "oslo 3 None C w://oslo/3 tools/call"
    );
    assert_eq!(read(&days, "w://oslo/x").await, Err(true));
    assert_eq!(read(&days, "w://oslo/9").await, Err(true));
}

#[tokio::test]
async fn a_uri_without_variables_is_one_resource() {
    #[resource("clock://now")]
    async fn now() -> &'static str {
        "half past nine"
    }
    let now = single(now.into_resource());
    assert_eq!(
        (now.uri(), now.definition().name.as_str()),
        ("clock://now", "now")
    );
    assert!(!now.common().is_static);
}

#[tokio::test]
async fn methods_share_one_value() {
    struct Counter {
        calls: AtomicUsize,
    }
    #[tools]
    impl Counter {
        /// Counts.
        #[tool(name = "count_it", idempotent)]
        async fn count(&self, #[default = 1] by: usize, _ctx: Context) -> usize {
            self.calls.fetch_add(by, Ordering::SeqCst) + by
        }

        #[tool]
        async fn twice(n: u8) -> u8 {
            n * 2
        }

        #[prompt]
        async fn ask(&self) -> String {
            self.seen().to_string()
        }

        #[resource("counter://value")]
        async fn value(&self) -> String {
            self.seen().to_string()
        }

        fn seen(&self) -> usize {
            self.calls.load(Ordering::SeqCst)
        }
    }
    let entries = Counter {
        calls: AtomicUsize::new(0),
    }
    .into_entries();
    let [
        Entry::Tool(count),
        Entry::Tool(twice),
        Entry::Prompt(_),
        Entry::Resource(_),
    ] = &entries[..]
    else {
        panic!("{entries:?}")
    };
    assert_eq!(count.name(), "count_it");
    assert_eq!(call(count, r#"{"by": 2}"#).await, Ok("2".to_owned()));
    assert_eq!(call(count, "{}").await, Ok("3".to_owned()));
    assert_eq!(call(twice, r#"{"n": 4}"#).await, Ok("8".to_owned()));
    assert_eq!(
        Counter {
            calls: AtomicUsize::new(1)
        }
        .count(1, context())
        .await,
        2
    );
}
