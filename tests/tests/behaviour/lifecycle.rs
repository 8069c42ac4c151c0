//! Getting to know each other: revisions, ids, batches, what every result carries.

use mcp_session::protocol::ProtocolVersion;
use mcp_session::testing::Client;
use mcp_session::{BoxError, Refused, Server, Session, Tool};
use serde_json::{Value, json};

use super::{both, named, parts, serve, template};

fn anything() -> Server {
    serve(
        template()
            .instructions("Be nice.")
            .title("Fixture")
            .tool(named("tool")),
    )
}

#[tokio::test(start_paused = true)]
async fn the_revision_is_the_one_asked_for_or_the_newest_with_a_handshake() {
    let server = anything();
    for (asked, expected) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
        ("2999-01-01", "2025-11-25"),
        ("", "2025-11-25"),
    ] {
        let client = Client::builder(&server)
            .initialize_as(asked)
            .connect()
            .await;
        assert_eq!(client.initialized()["protocolVersion"], expected, "{asked}");
        assert_eq!(client.list_tools().await.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn initialize_tells_who_the_server_is_and_what_it_can_do() {
    let server = anything();
    let client = Client::handshake(&server).await;
    let expected = json!({
        "protocolVersion": "2025-11-25",
        "capabilities": {"tools": {"listChanged": true}, "logging": {}},
        "serverInfo": {"name": "fixture", "title": "Fixture", "version": "1.2.3"},
        "instructions": "Be nice.",
    });
    assert_eq!(client.initialized(), &expected);
}

#[tokio::test(start_paused = true)]
async fn discover_tells_the_same_and_every_revision_newest_first() {
    let server = anything();
    let client = Client::stateless(&server);
    let result = client.request("server/discover", json!({})).await.unwrap();
    let versions = [
        "2026-07-28",
        "2025-11-25",
        "2025-06-18",
        "2025-03-26",
        "2024-11-05",
    ];
    assert_eq!(result["supportedVersions"], json!(versions));
    let expected = json!({"tools": {"listChanged": true}, "logging": {}});
    assert_eq!(result["capabilities"], expected);
    assert_eq!(result["instructions"], "Be nice.");
    assert_eq!(
        (&result["ttlMs"], &result["cacheScope"]),
        (&json!(60_000), &json!("public"))
    );
}

#[tokio::test(start_paused = true)]
async fn every_stateless_result_has_a_type_and_says_who_answers() {
    let template = || {
        template().tool(named("tool")).prompt(
            mcp_session::Prompt::new("p")
                .argument("x", "-")
                .complete("x", ["1"])
                .handler(async || "-"),
        )
    };
    let template = || template().resource(mcp_session::Resource::new("x:r", "r").text("-"));
    let reference = json!({"type": "ref/prompt", "name": "p"});
    let requests = [
        ("server/discover", json!({})),
        ("tools/list", json!({})),
        ("tools/call", json!({"name": "tool"})),
        ("prompts/list", json!({})),
        ("prompts/get", json!({"name": "p"})),
        ("resources/list", json!({})),
        ("resources/templates/list", json!({})),
        ("resources/read", json!({"uri": "x:r"})),
        (
            "completion/complete",
            json!({"ref": reference, "argument": {"name": "x", "value": ""}}),
        ),
    ];
    let anonymous = Server::builder(template().build().unwrap())
        .anonymous()
        .build()
        .unwrap();
    for (server, named) in [(serve(template()), true), (anonymous, false)] {
        let (stateless, handshake) = (Client::stateless(&server), Client::handshake(&server).await);
        for (method, params) in &requests {
            let result = stateless.request(method, params.clone()).await.unwrap();
            assert_eq!(result["resultType"], "complete", "{method}");
            let info = &result["_meta"]["io.modelcontextprotocol/serverInfo"];
            let expected = json!({"name": "fixture", "version": "1.2.3"});
            assert_eq!(
                info,
                if named { &expected } else { &Value::Null },
                "{method}"
            );
            if *method != "server/discover" {
                let result = handshake.request(method, params.clone()).await.unwrap();
                let added = result.get("resultType").or_else(|| result.get("_meta"));
                assert_eq!(added, None, "{method}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn ids_come_back_with_their_type() {
    let server = anything();
    let client = Client::handshake(&server).await;
    for id in [
        "1",
        "\"1\"",
        "-7",
        "0",
        "\"\"",
        "\"a\\u0000b\"",
        "9007199254740993",
        "\"\u{1f980}\"",
    ] {
        let ping = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
        let expected = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#);
        assert_eq!(client.raw_request(&ping).await, [expected]);
    }
}

#[tokio::test(start_paused = true)]
async fn before_initialize_only_ping_has_an_answer() {
    let server = anything();
    let client = Client::builder(&server).attach();
    assert_eq!(client.request("ping", json!({})).await.unwrap(), json!({}));
    for method in ["tools/list", "tools/call", "logging/setLevel"] {
        assert_eq!(
            client.request(method, json!({})).await.unwrap_err().code,
            -32600,
            "{method}"
        );
    }
    assert_eq!(
        client.request("no/such", json!({})).await.unwrap_err().code,
        -32601
    );
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_initialized_once() {
    let server = anything();
    let client = Client::handshake(&server).await;
    let params = json!({
        "protocolVersion": "2025-06-18", "capabilities": {},
        "clientInfo": {"name": "again", "version": "1"},
    });
    let error = client.request("initialize", params).await.unwrap_err();
    assert_eq!(
        parts(&error),
        (-32600, "this stream is initialized already")
    );
    assert_eq!(
        client.session().client().unwrap().version(),
        ProtocolVersion::V2025_11_25
    );
}

#[tokio::test(start_paused = true)]
async fn a_malformed_initialize_can_be_made_good() {
    let server = anything();
    let client = Client::builder(&server).attach();
    let error = client
        .request("initialize", json!({"protocolVersion": 7}))
        .await
        .unwrap_err();
    assert_eq!(error.code, -32602);
    let params = json!({
        "protocolVersion": "2025-06-18", "capabilities": {},
        "clientInfo": {"name": "again", "version": "1"},
    });
    let result = client.request("initialize", params).await.unwrap();
    assert_eq!(result["protocolVersion"], "2025-06-18");
}

#[tokio::test(start_paused = true)]
async fn batches_exist_in_one_revision() {
    let server = anything();
    let batch = r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"notifications/x"},{"jsonrpc":"2.0","id":"2","method":"tools/call","params":{"name":"tool"}},{"jsonrpc":"2.0","id":3,"method":"no/such"},7]"#;
    for version in ProtocolVersion::ALL {
        let client = Client::builder(&server).version(version).connect().await;
        let lines = client.raw_request(batch).await;
        assert_eq!(lines.len(), 1, "{version}: {lines:?}");
        let answers: Value = serde_json::from_str(&lines[0]).unwrap();
        if version != ProtocolVersion::V2025_03_26 {
            assert_eq!(answers["error"]["code"], -32600, "{version}");
            continue;
        }
        let answers = answers.as_array().unwrap();
        let find = |id: Value| answers.iter().find(|answer| answer["id"] == id).unwrap();
        assert_eq!(answers.len(), 4);
        assert_eq!(find(json!(1))["result"], json!({}));
        assert_eq!(find(json!("2"))["result"]["content"][0]["text"], "tool");
        assert_eq!(find(json!(3))["error"]["code"], -32601);
        assert_eq!(find(Value::Null)["error"]["code"], -32600);
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_notifications_has_no_answer_and_one_with_initialize_is_refused() {
    let server = anything();
    let client = Client::builder(&server)
        .version(ProtocolVersion::V2025_03_26)
        .connect()
        .await;
    let quiet = r#"[{"jsonrpc":"2.0","method":"notifications/x"}]"#;
    assert_eq!(client.raw_request(quiet).await, [""; 0]);
    let initialize = r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"initialize","params":{}}]"#;
    let lines = client.raw_request(initialize).await;
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains("-32600"), "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn the_eras_never_share_a_session_on_one_stream() {
    let which = Tool::new("which")
        .description("-")
        .handler(async |session: Session| session.id().as_str().to_owned());
    let server = serve(template().tool(which).tool(named("a")));
    let client = Client::handshake(&server).await;
    client.session().edit(|edit| edit.hide_tool("a")).unwrap();
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let page = client
        .request("tools/list", json!({"_meta": meta}))
        .await
        .unwrap();
    assert_eq!(page["tools"].as_array().unwrap().len(), 2);
    let params = json!({"name": "which", "_meta": meta});
    let result = client.request("tools/call", params).await.unwrap();
    assert_ne!(result["content"][0]["text"], client.session().id().as_str());
    assert_eq!(client.list_tools().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn on_open_may_refuse_a_session() {
    let hook = async |_: Session| Err::<(), BoxError>(Refused::new("the house is full").into());
    let server = serve(template().tool(named("tool")).on_open(hook));
    let refused = Client::builder(&server).try_connect().await.unwrap_err();
    assert_eq!(
        parts(&refused),
        (-32603, "the session was refused: the house is full")
    );
    let stateless = Client::stateless(&server);
    let error = stateless
        .request("tools/list", json!({}))
        .await
        .unwrap_err();
    assert_eq!(
        parts(&error),
        (-32603, "the session was refused: the house is full")
    );
}

#[tokio::test(start_paused = true)]
async fn why_on_open_failed_is_for_the_log_unless_it_was_said_for_the_client() {
    let hook = async |_: Session| {
        std::fs::read_to_string("/no/such/file/of/secrets")?;
        Ok(())
    };
    let server = serve(template().tool(named("tool")).on_open(hook));
    let refused = Client::builder(&server).try_connect().await.unwrap_err();
    assert_eq!(parts(&refused), (-32603, "the session was refused"));
    let stateless = Client::stateless(&server);
    let error = stateless.request("tools/list", json!({})).await;
    let error = error.unwrap_err();
    assert_eq!(parts(&error), (-32603, "the session was refused"));
}

#[tokio::test(start_paused = true)]
async fn a_stateless_request_is_no_part_of_a_batch() {
    let server = anything();
    let client = Client::builder(&server)
        .version(ProtocolVersion::V2025_03_26)
        .connect()
        .await;
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let batch = json!([
        {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": meta}},
        {"jsonrpc": "2.0", "id": 2, "method": "ping"},
        {"jsonrpc": "2.0", "method": "notifications/x", "params": {"_meta": meta}},
    ]);
    let lines = client.raw_request(&batch.to_string()).await;
    let answers: Vec<Value> = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(answers.len(), 2);
    assert_eq!(answers[0]["error"]["code"], -32600);
    assert_eq!(answers[1]["result"], json!({}));
}

#[tokio::test(start_paused = true)]
async fn on_open_that_panics_refuses_the_session_and_tells_nothing() {
    let hook = async |_: Session| panic!("this panic is part of the test");
    let server = serve(template().tool(named("tool")).on_open(hook));
    let refused = Client::builder(&server).try_connect().await.unwrap_err();
    assert_eq!(parts(&refused), (-32603, "the session could not be opened"));
}

#[tokio::test(start_paused = true)]
async fn a_method_of_a_family_that_is_not_offered_is_unknown() {
    let server = anything();
    both(&server, async |client| {
        for method in [
            "prompts/list",
            "prompts/get",
            "resources/list",
            "resources/read",
            "resources/templates/list",
            "completion/complete",
            "no/such",
            "",
        ] {
            let error = client.request(method, json!({})).await.unwrap_err();
            let expected = format!("method not found: {method}");
            assert_eq!(parts(&error), (-32601, &*expected));
        }
    })
    .await;
}
