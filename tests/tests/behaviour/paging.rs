//! Pages and cursors.

use mcp_session::testing::Client;
use mcp_session::{Limits, Server, Tool, Variant};
use serde_json::{Value, json};

use super::{both, named, parts, serve_within, template};

const STALE: &str =
    "the cursor is none of this list, or the list has changed since: list again from the start";

fn numbered(limits: Limits, count: usize) -> Server {
    let tools = (0..count).map(|number| named(&format!("tool{number}")));
    serve_within(
        limits,
        tools.fold(template(), |template, tool| template.tool(tool)),
    )
}

async fn page(client: &Client, cursor: Option<&Value>) -> (Vec<String>, Option<Value>) {
    let params = cursor.map_or_else(|| json!({}), |cursor| json!({"cursor": cursor}));
    let page = client.request("tools/list", params).await.unwrap();
    let tools = page["tools"].as_array().unwrap().iter();
    let names = tools
        .map(|tool| tool["name"].as_str().unwrap().to_owned())
        .collect();
    (names, page.get("nextCursor").cloned())
}

#[tokio::test(start_paused = true)]
async fn pages_follow_one_another_without_gap_or_repetition() {
    let server = numbered(Limits::default().page_entries(2), 5);
    both(&server, async |client| {
        let (first, cursor) = page(&client, None).await;
        assert_eq!(first, ["tool0", "tool1"]);
        let (second, cursor) = page(&client, cursor.as_ref()).await;
        assert_eq!(second, ["tool2", "tool3"]);
        let (third, cursor) = page(&client, cursor.as_ref()).await;
        assert_eq!((third, cursor), (vec!["tool4".to_owned()], None));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_list_that_fills_its_pages_exactly_has_no_empty_one() {
    for (count, pages) in [(0, 1), (1, 1), (3, 1), (4, 2), (6, 2), (7, 3)] {
        let template = template().declare(mcp_session::Family::Tools);
        let tools = (0..count).map(|number| named(&format!("tool{number}")));
        let template = tools.fold(template, |template, tool| template.tool(tool));
        let server = serve_within(Limits::default().page_entries(3), template);
        both(&server, async |client| {
            assert_eq!(
                client.list_bytes("tools/list").await.len(),
                pages,
                "{count}"
            );
            assert_eq!(client.list_tools().await.len(), count);
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_is_bounded_in_bytes_and_holds_at_least_one_entry() {
    let heavy = Tool::new("heavy")
        .description("x".repeat(2_000))
        .handler(async || "-");
    let tools = (0..20).map(|number| named(&format!("tool{number}")));
    let template = tools.fold(template().tool(heavy), |template, tool| template.tool(tool));
    let server = serve_within(Limits::default().page_bytes(500), template);
    both(&server, async |client| {
        let pages = client.list_bytes("tools/list").await;
        assert!(
            pages[0].contains("heavy") && !pages[0].contains("tool0"),
            "{}",
            pages[0]
        );
        assert!(pages.len() > 3 && pages[1..].iter().all(|page| page.len() < 750));
        assert_eq!(client.list_tools().await.len(), 21);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_cursor_of_another_list_or_of_nothing_is_an_error() {
    let server = numbered(Limits::default().page_entries(2), 5);
    both(&server, async |client| {
        let (_, cursor) = page(&client, None).await;
        let cursor = cursor.unwrap();
        let params = json!({"cursor": cursor});
        assert_eq!(
            client
                .request("prompts/list", params)
                .await
                .unwrap_err()
                .code,
            -32601
        );
        let flipped = cursor
            .as_str()
            .unwrap()
            .replace(|digit: char| digit.is_ascii_digit(), "A");
        for bad in ["", "nonsense", "AAAA", &format!("{flipped}A"), "\u{e9}"] {
            let error = client
                .request("tools/list", json!({"cursor": bad}))
                .await
                .unwrap_err();
            assert_eq!(parts(&error), (-32602, STALE), "{bad}");
        }
        for bad in [json!(7), json!({}), json!([])] {
            let error = client
                .request("tools/list", json!({"cursor": bad}))
                .await
                .unwrap_err();
            assert_eq!(error.code, -32602);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_cursor_outlives_a_publication_in_the_session_that_keeps_its_list_only() {
    let server = numbered(Limits::default().page_entries(2), 5);
    let handshake = Client::handshake(&server).await;
    let stateless = Client::stateless(&server);
    let (_, kept) = page(&handshake, None).await;
    let (_, stale) = page(&stateless, None).await;
    server
        .publish(Variant::DEFAULT, |edit| edit.hide_tool("tool0"))
        .await
        .unwrap();
    assert_eq!(page(&handshake, kept.as_ref()).await.0, ["tool2", "tool3"]);
    let error = stateless
        .request("tools/list", json!({"cursor": stale}))
        .await
        .unwrap_err();
    assert_eq!(parts(&error), (-32602, STALE));
    assert_eq!(page(&stateless, None).await.0, ["tool1", "tool2"]);
}

#[tokio::test(start_paused = true)]
async fn edits_behind_a_cursor_neither_repeat_nor_skip_others() {
    let server = numbered(Limits::default().page_entries(2), 6);
    let client = Client::handshake(&server).await;
    let (first, cursor) = page(&client, None).await;
    assert_eq!(first, ["tool0", "tool1"]);
    let edited = client.session().edit(|edit| {
        edit.hide_tool("tool0")?;
        edit.hide_tool("tool3")?;
        edit.add_tool(named("own"))
    });
    edited.unwrap();
    let (second, cursor) = page(&client, cursor.as_ref()).await;
    assert_eq!(second, ["tool2", "tool4"]);
    let (third, cursor) = page(&client, cursor.as_ref()).await;
    assert_eq!(
        (third, cursor),
        (vec!["tool5".to_owned(), "own".to_owned()], None)
    );
}

#[tokio::test(start_paused = true)]
async fn the_same_registrations_give_the_same_bytes_on_every_replica() {
    let limits = || Limits::default().page_entries(2);
    let (one, other) = (numbered(limits(), 5), numbered(limits(), 5));
    let (one, other) = (Client::stateless(&one), Client::stateless(&other));
    let pages = one.list_bytes("tools/list").await;
    assert_eq!(pages, other.list_bytes("tools/list").await);
    // A cursor of one is good on the other.
    let (_, cursor) = page(&one, None).await;
    assert_eq!(page(&other, cursor.as_ref()).await.0, ["tool2", "tool3"]);
}
