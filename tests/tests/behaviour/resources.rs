//! Resources, resource templates, and completing their variables.

use mcp_session::protocol::ProtocolVersion;
use mcp_session::{Json, Resource, ResourceTemplate, ToolError};
use serde::Deserialize;
use serde_json::json;

use super::{both, every_version, is_stateless, serve, template};

#[derive(Deserialize)]
struct Station {
    id: u32,
}

fn stations() -> ResourceTemplate {
    ResourceTemplate::new("weather://stations/{id}", "station")
        .mime_type("application/json")
        .complete("id", ["1", "2"])
        .handler(async |station: Station| Json(json!({"station": station.id})))
}

#[tokio::test(start_paused = true)]
async fn contents_come_as_text_or_blob_with_uri_and_type() {
    let motd = Resource::new("file:///etc/motd", "motd")
        .mime_type("text/plain")
        .text("Hello.");
    let logo = Resource::new("file:///logo.png", "logo")
        .mime_type("image/png")
        .blob([1, 2, 3]);
    let live = Resource::new("clock://now", "now").handler(async || "noon");
    let server = serve(template().resource(motd).resource(logo).resource(live));
    both(&server, async |client| {
        let names: Vec<_> = client
            .list_resources()
            .await
            .into_iter()
            .map(|one| one.name)
            .collect();
        assert_eq!(names, ["motd", "logo", "now"]);
        let read = async |uri: &str| {
            let result = client
                .request("resources/read", json!({"uri": uri}))
                .await
                .unwrap();
            result["contents"][0].clone()
        };
        let motd = json!({"uri": "file:///etc/motd", "mimeType": "text/plain", "text": "Hello."});
        assert_eq!(read("file:///etc/motd").await, motd);
        assert_eq!(read("file:///logo.png").await["blob"], "AQID");
        assert_eq!(read("clock://now").await["text"], "noon");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_template_serves_what_matches_it_and_a_resource_comes_first() {
    let first = Resource::new("weather://stations/1", "first").text("by hand");
    let server = serve(template().resource(stations()).resource(first));
    both(&server, async |client| {
        let templates = client.list_resource_templates().await;
        assert_eq!(templates[0].uri_template, "weather://stations/{id}");
        let read = async |uri: &str| {
            let result = client.request("resources/read", json!({"uri": uri})).await;
            result.map(|result| result["contents"][0]["text"].clone())
        };
        assert_eq!(
            read("weather://stations/7").await.unwrap(),
            r#"{"station":7}"#
        );
        assert_eq!(read("weather://stations/1").await.unwrap(), "by hand");
        // A variable that does not fit its type names nothing either.
        for unknown in [
            "weather://stations/7/more",
            "weather://stations",
            "other:x",
            "weather://stations/x",
        ] {
            let error = read(unknown).await.unwrap_err();
            assert_eq!(error.data.unwrap()["uri"], unknown);
        }
        let completion = client
            .complete_resource("weather://stations/{id}", "id", "")
            .await;
        assert_eq!(completion.values, ["1", "2"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_resource_has_the_code_of_the_revision() {
    let refuses = Resource::new("x:refuses", "refuses")
        .handler(async || Err::<String, _>(ToolError::not_found()));
    let server = serve(template().resource(refuses));
    every_version(&server, async |client, version| {
        let expected = if version == ProtocolVersion::V2026_07_28 {
            -32602
        } else {
            -32002
        };
        for uri in ["x:unknown", "x:refuses"] {
            let error = client.try_read_resource(uri).await.unwrap_err();
            assert_eq!(
                (error.code, &*error.message),
                (expected, "resource not found")
            );
            assert_eq!(error.data.unwrap()["uri"], uri);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn stateless_results_say_how_long_they_may_be_kept() {
    let fixed = Resource::new("x:fixed", "fixed").text("always");
    let live = Resource::new("x:live", "live").handler(async || "now");
    let server = serve(template().resource(fixed).resource(live));
    both(&server, async |client| {
        let scope = async |method: &str, params| {
            let result = client.request(method, params).await.unwrap();
            assert_eq!(result.get("ttlMs").is_some(), is_stateless(&client));
            result.get("cacheScope").cloned()
        };
        let (public, private) = if is_stateless(&client) {
            (Some(json!("public")), Some(json!("private")))
        } else {
            (None, None)
        };
        assert_eq!(scope("resources/list", json!({})).await, public);
        assert_eq!(scope("resources/templates/list", json!({})).await, public);
        assert_eq!(
            scope("resources/read", json!({"uri": "x:fixed"})).await,
            public
        );
        assert_eq!(
            scope("resources/read", json!({"uri": "x:live"})).await,
            private
        );
    })
    .await;
}
