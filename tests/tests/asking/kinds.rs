//! Everything that can be asked, from everything that may ask, and what becomes of clients that did
//! not say they could answer.

use mcp_session::protocol::{
    CreateMessageParams, ElicitAction, ElicitUrlParams, RpcError, SamplingMessage, ToolDefinition,
};
use mcp_session::{
    AskError, Capability, CompletionRequest, Context, Elicited, Prompt, Resource, ResourceTemplate,
    Tool, ToolError,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Client, Count, Said, Script, Seat, Way, accept, every_way, serve, serve_tool, template,
};

every_way! {
    the_model_is_asked
    the_model_may_be_given_tools
    roots_are_asked_for
    three_kinds_are_asked_at_once
    prompts_may_ask
    resources_may_ask
    resources_of_templates_may_ask
    completers_may_ask_only_where_there_are_requests_for_it
    what_the_client_lacks_is_said
    what_a_tool_needs_is_checked_before_it_runs
    prompts_and_resources_say_what_the_client_lacks
    a_handler_may_look_before_it_asks
}

fn message() -> CreateMessageParams {
    CreateMessageParams::new(vec![SamplingMessage::user("Capital?")], 100)
}

fn told(text: &str) -> Said {
    let content = json!({"type": "text", "text": text});
    Said::Result(json!({"role": "assistant", "content": content, "model": "m"}))
}

async fn the_model_is_asked(way: Way) {
    let tool = Tool::new("ask")
        .description("-")
        .handler(async |ctx: Context| {
            let said = ctx.sample("capital", message()).await?;
            Ok::<_, ToolError>(format!("{} says {}", said.model, said.content.text()))
        });
    let client = Client::connect(way, &serve_tool(tool), Script::new(|_, _| told("Oslo"))).await;
    assert_eq!(client.ask().await, "m says Oslo");
    let (method, params) = client.script.asked().remove(0);
    assert_eq!(method, "sampling/createMessage");
    assert_eq!(params["messages"][0]["content"]["text"], "Capital?");
    assert_eq!(params["maxTokens"], 100);
}

async fn the_model_may_be_given_tools(way: Way) {
    let tool = Tool::new("ask")
        .description("-")
        .handler(async |ctx: Context| {
            let tool = ToolDefinition::new("look", json!({"type": "object"}));
            let said = ctx.sample("capital", message().tools(vec![tool])).await?;
            Ok::<_, ToolError>(said.content.text())
        });
    let server = serve_tool(tool);
    let client = Client::connect(way, &server, Script::new(|_, _| told("Oslo"))).await;
    assert_eq!(client.ask().await, "Oslo");
    assert_eq!(client.script.asked()[0].1["tools"][0]["name"], "look");
    // Sampling alone is not enough.
    let script = Script::silent().declaring(json!({"sampling": {}}));
    let client = Client::connect(way, &server, script).await;
    assert_lacks(
        way,
        client.try_ask().await,
        &json!({"sampling": {"tools": {}}}),
    );
}

async fn roots_are_asked_for(way: Way) {
    let tool = Tool::new("ask")
        .description("-")
        .handler(async |ctx: Context| {
            let roots = ctx.roots().await?;
            Ok::<_, ToolError>(roots[0].uri.clone())
        });
    let roots = |_: &str, _: &Value| Said::Result(json!({"roots": [{"uri": "file:///work"}]}));
    let client = Client::connect(way, &serve_tool(tool), Script::new(roots).with_roots()).await;
    assert_eq!(client.ask().await, "file:///work");
    assert_eq!(client.ask().await, "file:///work");
    // A session knows them; without one every exchange asks.
    let asked = if way.is_stateless() { 2 } else { 1 };
    assert_eq!(client.script.asked().len(), asked);
}

async fn three_kinds_are_asked_at_once(way: Way) {
    let runs = Count::default();
    let counted = runs.clone();
    let tool = Tool::new("ask")
        .description("-")
        .handler(move |ctx: Context| {
            counted.more();
            async move {
                let (seat, said, roots) = tokio::join!(
                    ctx.elicit::<Seat>("seat", "Which seat?"),
                    ctx.sample("capital", message()),
                    ctx.roots(),
                );
                let Elicited::Accept(seat) = seat? else {
                    return Err(ToolError::new("no seat"));
                };
                let (said, roots) = (said?.content.text(), roots?.len());
                Ok(format!("{} {said} {roots}", seat.seat))
            }
        });
    let script = Script::new(|method, _| match method {
        "elicitation/create" => accept(json!({"seat": "1A"})),
        "sampling/createMessage" => told("Oslo"),
        "roots/list" => Said::Result(json!({"roots": []})),
        other => panic!("{other}"),
    });
    let script = script.with_roots();
    let client = Client::connect(way, &serve_tool(tool), script).await;
    assert_eq!(client.ask().await, "1A Oslo 0");
    assert_eq!(runs.get(), if way.is_stateless() { 2 } else { 1 });
}

/// What a user says who is asked for a seat.
fn seated() -> Script {
    Script::forms(|_| accept(json!({"seat": "1A"})))
}

async fn seat(ctx: &Context) -> Result<String, ToolError> {
    match ctx.elicit::<Seat>("seat", "Which seat?").await? {
        Elicited::Accept(seat) => Ok(seat.seat),
        _ => Err(ToolError::new("no seat")),
    }
}

async fn prompts_may_ask(way: Way) {
    let prompt = Prompt::new("plan")
        .description("-")
        .argument("city", "Where to.")
        .handler(async |ctx: Context| Ok::<_, ToolError>(format!("Sit in {}.", seat(&ctx).await?)));
    let client = Client::connect(way, &serve(template().prompt(prompt)), seated()).await;
    let params = json!({"name": "plan", "arguments": {"city": "Oslo"}});
    let got = client.exchange("prompts/get", params).await.unwrap();
    assert_eq!(got["messages"][0]["content"]["text"], "Sit in 1A.");
}

async fn resources_may_ask(way: Way) {
    let resource =
        Resource::new("seat://own", "own").handler(async |ctx: Context| seat(&ctx).await);
    let client = Client::connect(way, &serve(template().resource(resource)), seated()).await;
    let params = json!({"uri": "seat://own"});
    let read = client.exchange("resources/read", params).await.unwrap();
    assert_eq!(read["contents"][0]["text"], "1A");
}

#[derive(Deserialize)]
struct Flight {
    number: String,
}

async fn resources_of_templates_may_ask(way: Way) {
    let resource = ResourceTemplate::new("flight://{number}", "flight").handler(
        async |flight: Flight, ctx: Context| {
            Ok::<_, ToolError>(format!("{} {}", flight.number, seat(&ctx).await?))
        },
    );
    let client = Client::connect(way, &serve(template().resource(resource)), seated()).await;
    let params = json!({"uri": "flight://SK1"});
    let read = client.exchange("resources/read", params).await.unwrap();
    assert_eq!(read["contents"][0]["text"], "SK1 1A");
}

/// In the stateless era a question needs a result to travel in, and only tools, prompts and
/// resources have such.
async fn completers_may_ask_only_where_there_are_requests_for_it(way: Way) {
    let prompt = Prompt::new("plan")
        .description("-")
        .argument("city", "Where to.")
        .complete("city", async |_: CompletionRequest, ctx: Context| {
            vec![match ctx.elicit::<Seat>("seat", "Which seat?").await {
                Ok(Elicited::Accept(seat)) => seat.seat,
                Err(AskError::Unavailable(why)) => why.to_owned(),
                other => panic!("{other:?}"),
            }]
        })
        .handler(async || "Go.");
    let client = Client::connect(way, &serve(template().prompt(prompt)), seated()).await;
    let params = json!({
        "ref": {"type": "ref/prompt", "name": "plan"},
        "argument": {"name": "city", "value": ""},
    });
    let completed = client
        .exchange("completion/complete", params)
        .await
        .unwrap();
    let value = completed["completion"]["values"][0].as_str().unwrap();
    if way.is_stateless() {
        assert!(
            value.contains("only tools, prompts and resources"),
            "{value}"
        );
        assert_eq!(client.script.asked(), []);
    } else {
        assert_eq!(value, "1A");
    }
}

/// The client is told what to declare: by an error in the stateless era, by a failure that the model
/// reads in the other.
fn assert_lacks(way: Way, outcome: Result<Value, RpcError>, required: &Value) {
    match outcome {
        Ok(result) => {
            assert!(!way.is_stateless(), "{result}");
            assert_eq!(result["isError"], true, "{result}");
            let text = super::text(&result);
            assert!(
                text.starts_with("this needs a client that supports"),
                "{text}"
            );
        }
        Err(error) => {
            assert!(way.is_stateless(), "{error}");
            assert_eq!(error.code, -32021);
            assert_eq!(error.data.unwrap()["requiredCapabilities"], *required);
        }
    }
}

async fn what_the_client_lacks_is_said(way: Way) {
    let asks: [(Tool, Value); 4] = [
        (
            Tool::new("ask")
                .description("-")
                .handler(async |ctx: Context| seat(&ctx).await),
            json!({"elicitation": {}}),
        ),
        (
            Tool::new("ask")
                .description("-")
                .handler(async |ctx: Context| {
                    let url = ElicitUrlParams::new("Sign in", "https://example.com/");
                    ctx.elicit_url("sign-in", url).await?;
                    Ok::<_, ToolError>(())
                }),
            json!({"elicitation": {"url": {}}}),
        ),
        (
            Tool::new("ask")
                .description("-")
                .handler(async |ctx: Context| {
                    ctx.sample("capital", message()).await?;
                    Ok::<_, ToolError>(())
                }),
            json!({"sampling": {}}),
        ),
        (
            Tool::new("ask")
                .description("-")
                .handler(async |ctx: Context| {
                    ctx.roots().await?;
                    Ok::<_, ToolError>(())
                }),
            json!({"roots": {}}),
        ),
    ];
    for (tool, required) in asks {
        let script = Script::silent().declaring(json!({}));
        let client = Client::connect(way, &serve_tool(tool), script).await;
        assert_lacks(way, client.try_ask().await, &required);
        if way.is_stateless() {
            assert!(matches!(client.status(), None | Some(400)));
        }
    }
}

async fn what_a_tool_needs_is_checked_before_it_runs(way: Way) {
    let tool = Tool::new("ask")
        .description("-")
        .needs(Capability::UrlElicitation)
        .handler(async || -> () { panic!("it must not run") });
    // Forms are not URLs.
    let script = Script::silent().declaring(json!({"elicitation": {"form": {}}}));
    let client = Client::connect(way, &serve_tool(tool), script).await;
    assert_lacks(
        way,
        client.try_ask().await,
        &json!({"elicitation": {"url": {}}}),
    );
}

async fn prompts_and_resources_say_what_the_client_lacks(way: Way) {
    let prompt = Prompt::new("plan")
        .description("-")
        .handler(async |ctx: Context| seat(&ctx).await);
    let resource =
        Resource::new("seat://own", "own").handler(async |ctx: Context| seat(&ctx).await);
    let server = serve(template().prompt(prompt).resource(resource));
    let script = Script::silent().declaring(json!({}));
    let client = Client::connect(way, &server, script).await;
    let requests = [
        ("prompts/get", json!({"name": "plan"})),
        ("resources/read", json!({"uri": "seat://own"})),
    ];
    for (method, params) in requests {
        let error = client.exchange(method, params).await.unwrap_err();
        if way.is_stateless() {
            assert_eq!(error.code, -32021, "{method}");
            let data = error.data.unwrap();
            assert_eq!(data["requiredCapabilities"], json!({"elicitation": {}}));
        } else {
            assert!(error.message.contains("elicitation"), "{method}: {error}");
        }
    }
}

async fn a_handler_may_look_before_it_asks(way: Way) {
    let tool = Tool::new("ask")
        .description("-")
        .handler(async |ctx: Context| {
            if ctx.client().can(Capability::UrlElicitation) {
                let url = ElicitUrlParams::new("Sign in", "https://example.com/");
                let agreed = ctx.elicit_url("sign-in", url).await?.action == ElicitAction::Accept;
                return Ok::<_, ToolError>(format!("agreed: {agreed}"));
            }
            seat(&ctx).await
        });
    let server = serve_tool(tool);
    let forms = seated().declaring(json!({"elicitation": {}}));
    assert_eq!(Client::connect(way, &server, forms).await.ask().await, "1A");
}
