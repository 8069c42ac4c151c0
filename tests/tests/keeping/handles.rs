//! Handles: whose they are, how long they last, how many there may be, and what clients read.

use std::{sync::Arc, time::Duration};

use mcp_session::handle::{HandleName, HandleRules};
use mcp_session::protocol::ProtocolVersion;
use mcp_session::store::Quota;
use mcp_session::testing::Client;
use mcp_session::{
    Context, Handle, Json, JsonSchema, Server, Template, Tool, ToolError, prompt, resource, tool,
};
use mcp_session_tests::keeping::{self, Basket};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::keeping::{client, each_era};

const HOUR: Duration = Duration::from_secs(3_600);

fn serve(rules: HandleRules<Basket>) -> Server {
    Server::new(keeping::builder(rules).build().unwrap())
}

async fn made(client: &Client) -> String {
    client.call_tool("new_basket", json!({})).await.text()
}

async fn shown(client: &Client, basket: &str) -> Value {
    let show = json!({"basket": basket});
    client.call_tool("show", show).await.value().clone()
}

#[tokio::test(start_paused = true)]
async fn what_is_unknown_expired_closed_made_up_or_somebody_elses_answers_alike() {
    each_era(async |version| {
        let server = serve(HandleRules::new().ttl(HOUR));
        let ann = client(&server, version, "ann").await;
        let bob = client(&server, version, "bob").await;
        let anonymous = Client::builder(&server).version(version).connect().await;
        let (expired, closed) = (made(&ann).await, made(&ann).await);
        let nobodys = made(&anonymous).await;
        ann.call_tool("close_basket", json!({"handle": closed}))
            .await;
        tokio::time::advance(HOUR).await;
        let foreign = made(&ann).await;

        let unknown = format!("bsk_{}", "a".repeat(32));
        let expected = shown(&bob, &unknown).await;
        assert_eq!(expected["isError"], true);
        let text = expected["content"][0]["text"].as_str().unwrap();
        assert_eq!(
            text,
            "this basket is not known, or no longer; to get a new one, call `new_basket`"
        );
        let long = "x".repeat(10_000);
        for name in [
            &foreign, &expired, &closed, &nobodys, &long, "", "bsk_", "other_1",
        ] {
            assert_eq!(shown(&bob, name).await.to_string(), expected.to_string());
        }
        for name in [&expired, &closed] {
            assert_eq!(shown(&ann, name).await.to_string(), expected.to_string());
        }
        assert_eq!(
            shown(&anonymous, &foreign).await.to_string(),
            expected.to_string()
        );
        assert_eq!(shown(&ann, &foreign).await.get("isError"), None);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn among_anonymous_callers_the_name_is_the_key() {
    let server = serve(HandleRules::new());
    let basket = made(&Client::stateless(&server)).await;
    let other = Client::handshake(&server).await;
    let add = json!({"basket": basket, "sku": "tea"});
    let added = other.call_tool("add_item", add).await;
    assert_eq!(added.structured::<Value>(), json!({"items": ["tea"]}));
    let refused = other.call_tool("list_baskets", json!({})).await.error();
    assert!(refused.contains("authenticate"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn every_use_makes_it_last_longer() {
    let server = serve(HandleRules::new().ttl(HOUR));
    let ann = client(&server, ProtocolVersion::LATEST, "ann").await;
    let basket = made(&ann).await;
    for _ in 0..3 {
        tokio::time::advance(HOUR - Duration::from_secs(1)).await;
        assert_eq!(shown(&ann, &basket).await.get("isError"), None);
    }
    tokio::time::advance(HOUR).await;
    assert_eq!(shown(&ann, &basket).await["isError"], true);
}

#[tokio::test(start_paused = true)]
async fn a_caller_has_so_many_and_no_more() {
    let rules = HandleRules::new()
        .ttl(HOUR)
        .quota(Quota::records(2).bytes(400))
        .anonymous(Quota::records(1));
    let server = serve(rules);
    let (ann, bob) = (
        client(&server, ProtocolVersion::LATEST, "ann").await,
        client(&server, ProtocolVersion::LATEST_HANDSHAKE, "bob").await,
    );
    let first = made(&ann).await;
    made(&ann).await;
    let refused = ann.call_tool("new_basket", json!({})).await.error();
    assert!(
        refused.contains("2 handles of this kind (basket)"),
        "{refused}"
    );
    made(&bob).await;
    ann.call_tool("close_basket", json!({"handle": first}))
        .await;
    let second = made(&ann).await;
    ann.call_tool("new_basket", json!({})).await.error();
    // What has expired does not count.
    tokio::time::advance(HOUR).await;
    let third = made(&ann).await;
    assert_eq!(shown(&ann, &second).await["isError"], true);
    let large = json!({"basket": third, "sku": "x".repeat(500)});
    let refused = ann.call_tool("add_item", large).await.error();
    assert!(refused.contains("400 bytes"), "{refused}");
    assert_eq!(
        shown(&ann, &third).await["structuredContent"],
        json!({"items": []})
    );

    let anonymous = Client::stateless(&server);
    made(&anonymous).await;
    Client::handshake(&server)
        .await
        .call_tool("new_basket", json!({}))
        .await
        .error();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_updates_lose_nothing() {
    let server = serve(HandleRules::new());
    let ann = client(&server, ProtocolVersion::LATEST, "ann").await;
    let basket = made(&ann).await;
    let adding: Vec<_> = (0..8)
        .map(|at| {
            let (server, basket) = (server.clone(), basket.clone());
            tokio::spawn(async move {
                let version = ProtocolVersion::ALL[at % ProtocolVersion::ALL.len()];
                let ann = client(&server, version, "ann").await;
                for sku in 0..20 {
                    let add = json!({"basket": basket, "sku": format!("{at}/{sku}")});
                    let added = ann.call_tool("add_item", add).await;
                    assert!(!added.is_error, "{}", added.text());
                }
            })
        })
        .collect();
    for task in adding {
        task.await.unwrap();
    }
    let kept = shown(&ann, &basket).await;
    let items = kept["structuredContent"]["items"].as_array().unwrap();
    let mut names: Vec<_> = items.iter().map(|item| item.as_str().unwrap()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 160);
}

#[tokio::test(start_paused = true)]
async fn its_schema_says_where_to_get_one() {
    let server = serve(HandleRules::new());
    let tools = Client::stateless(&server).list_tools().await;
    let tool = |name: &str| tools.iter().find(|tool| tool.name == name).unwrap();
    let hint = "The handle of a basket, such as `bsk_…`. To get one, call `new_basket`.";
    let schema = &tool("add_item").input_schema;
    let described = json!({
        "type": "string",
        "description": format!("The basket to put it into. {hint}"),
    });
    assert_eq!(schema["properties"]["basket"], described);
    assert_eq!(schema["required"], json!(["basket", "sku"]));
    let schema = &tool("show").input_schema;
    assert_eq!(schema["properties"]["basket"]["description"], hint);
    let output = tool("new_basket").output_schema.as_ref().unwrap();
    assert_eq!(output["properties"]["basket"]["type"], "string");
    assert_eq!(output["required"], json!(["basket"]));
}

/// Puts the first basket into the second.
#[tool]
async fn merge(
    from: Option<Handle<Basket>>,
    into: Vec<Handle<Basket>>,
) -> Result<String, ToolError> {
    let Some(from) = from else {
        return Ok(format!("nothing into {}", into.len()));
    };
    let items = from.get().await?.items;
    for basket in &into {
        basket.update(|b| b.items.extend(items.clone())).await?;
    }
    from.close().await?;
    Ok(format!("{} into {}", items.len(), into.len()))
}

/// Asks what to cook.
#[prompt]
async fn cook(basket: Handle<Basket>) -> Result<String, ToolError> {
    Ok(format!(
        "Cook with {}.",
        basket.get().await?.items.join(" and ")
    ))
}

/// A basket as a resource.
#[resource("baskets://{basket}")]
async fn contents(basket: Handle<Basket>) -> Result<Json<Basket>, ToolError> {
    Ok(Json(basket.get().await?))
}

#[derive(Deserialize, JsonSchema)]
struct Peek {
    basket: HandleName<Basket>,
}

#[tokio::test(start_paused = true)]
async fn it_works_wherever_a_parameter_does() {
    let peek = Tool::new("peek")
        .description("-")
        .handler(async |args: Peek, ctx: Context| {
            let basket = ctx.handles().open(&args.basket).await?;
            Ok::<_, ToolError>(Json(basket.get().await?))
        });
    let builder = keeping::builder(HandleRules::new());
    let builder = builder
        .tool(merge)
        .tool(peek)
        .prompt(cook)
        .resource(contents);
    let server = Server::new(builder.build().unwrap());
    each_era(async |version| {
        let ann = client(&server, version, "ann").await;
        let baskets = [made(&ann).await, made(&ann).await, made(&ann).await];
        ann.call_tool("add_item", json!({"basket": baskets[0], "sku": "leek"}))
            .await;
        let into = json!({"from": baskets[0], "into": baskets[1..]});
        assert_eq!(ann.call_tool("merge", into).await.text(), "1 into 2");
        let none = json!({"from": null, "into": baskets[1..]});
        assert_eq!(ann.call_tool("merge", none).await.text(), "nothing into 2");
        // The first is closed now, and one that is unknown is an error wherever it stands.
        let unknown = ann
            .call_tool("merge", json!({"from": baskets[0], "into": []}))
            .await;
        assert!(unknown.error().contains("not known"));
        let unknown = ann.call_tool("merge", json!({"into": [baskets[0]]})).await;
        assert!(unknown.error().contains("not known"));

        let peeked = ann.call_tool("peek", json!({"basket": baskets[1]})).await;
        assert_eq!(peeked.structured::<Value>(), json!({"items": ["leek"]}));
        let prompted = ann.get_prompt("cook", json!({"basket": baskets[1]})).await;
        let prompted = serde_json::to_value(&prompted.messages).unwrap();
        assert_eq!(prompted[0]["content"]["text"], "Cook with leek.");
        let refused = ann.try_get_prompt("cook", json!({"basket": "bsk_1"})).await;
        assert!(refused.unwrap_err().message.contains("not known"));
        let read = ann
            .read_resource(&format!("baskets://{}", baskets[1]))
            .await;
        let read = serde_json::to_value(&read.contents).unwrap();
        assert_eq!(read[0]["text"], r#"{"items":["leek"]}"#);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_listing_goes_on_where_it_ended() {
    let rules = HandleRules::new().ttl(HOUR).quota(Quota::records(250));
    let server = serve(rules);
    let ann = client(&server, ProtocolVersion::LATEST, "ann").await;
    let mut expected = Vec::new();
    for _ in 0..150 {
        expected.push(made(&ann).await);
    }
    expected.sort_unstable();
    let listed = async |after: Option<&Value>| {
        let args = after.map_or_else(|| json!({}), |after| json!({"after": after}));
        ann.call_tool("list_baskets", args)
            .await
            .structured::<Value>()
    };
    let first = listed(None).await;
    assert_eq!(
        (
            first["more"].clone(),
            first["handles"][0]["expires_in_seconds"].clone()
        ),
        (json!(true), json!(3600))
    );
    let second = listed(Some(&first["handles"][99]["handle"])).await;
    assert_eq!(second["more"], false);
    let pages = [first, second];
    let handles = pages
        .iter()
        .flat_map(|page| page["handles"].as_array().unwrap());
    let names: Vec<_> = handles.map(|one| one["handle"].as_str().unwrap()).collect();
    assert_eq!(names, expected);
}

#[test]
fn rules_given_twice_are_a_mistake() {
    let twice = Template::builder("shop", "1.0.0")
        .handles(HandleRules::<Basket>::new())
        .handles(HandleRules::<Basket>::new());
    assert!(twice.build().unwrap_err().to_string().contains("twice"));
}

#[tokio::test]
async fn a_handle_for_a_unit_test_needs_no_server() {
    let basket = Handle::new(Basket::default());
    let same = basket.clone();
    same.update(|b| b.items.push("tea".to_owned()))
        .await
        .unwrap();
    assert_eq!(basket.get().await.unwrap().items, ["tea"]);
    let refused: Result<(), ToolError> = basket
        .try_update(|b| {
            b.items.clear();
            Err(ToolError::new("not today"))
        })
        .await;
    assert_eq!(refused.unwrap_err().to_string(), "not today");
    assert_eq!(basket.get().await.unwrap().items, ["tea"]);
    let name = basket.name().as_str().to_owned();
    assert!(name.starts_with("bsk_") && name.len() == 36);
    assert_eq!(format!("{basket:?}"), "Handle(bsk_…)");
    assert_eq!(basket.to_string(), name);
    basket.close().await.unwrap();
    assert!(same.get().await.unwrap_err().is_unknown());
    assert!(
        same.update(|b| b.items.clear())
            .await
            .unwrap_err()
            .is_unknown()
    );
    drop(Arc::new(same));
}
