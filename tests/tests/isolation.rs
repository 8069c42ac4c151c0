//! Proves that what one session changes no other session sees: random edits on many sessions at
//! once, each compared with a simple model of what it should list, in order.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use std::sync::Arc;

use mcp_session::testing::Client;
use mcp_session::{Limits, Server, Session, Template, Tool, Variant};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

/// How many tools the template has.
const OFFERED: usize = 5;
/// How many names there are, those of the template included.
const NAMES: usize = 9;
const SESSIONS: usize = 8;

/// One change of one session.
#[derive(Debug, Clone)]
enum Change {
    Add { name: usize, variant: u8 },
    Hide { name: usize },
    Show { name: usize },
}

/// Changes that take effect together, unless the batch is meant to fail at its end.
#[derive(Debug, Clone)]
struct Batch {
    changes: Vec<Change>,
    fails: bool,
}

/// What a session should list: names with what their tools say, in order.
#[derive(Debug, Clone, PartialEq)]
struct Model {
    /// The template's places: `None` where hidden.
    offered: Vec<Option<String>>,
    /// The session's own, in the order of their addition.
    own: Vec<(usize, String)>,
}

fn name(number: usize) -> String {
    format!("tool{number}")
}

fn original(number: usize) -> String {
    format!("{number} of the template")
}

fn tool(number: usize, says: &str) -> Tool {
    let said = says.to_owned();
    Tool::new(name(number)).description(says).handler(move || {
        let said = said.clone();
        async move { said }
    })
}

impl Model {
    fn new() -> Self {
        Self {
            offered: (0..OFFERED).map(|number| Some(original(number))).collect(),
            own: vec![],
        }
    }

    /// Makes a change; false when it must be refused.
    fn change(&mut self, change: &Change, session: usize) -> bool {
        match *change {
            Change::Add { name, variant } => {
                let says = format!("{name}.{variant} of session {session}");
                if let Some(place) = self.offered.get_mut(name) {
                    *place = Some(says);
                } else if let Some((_, own)) = self.own.iter_mut().find(|(own, _)| *own == name) {
                    *own = says;
                } else {
                    self.own.push((name, says));
                }
                true
            }
            Change::Hide { name } => {
                let before = self.own.len();
                self.own.retain(|(own, _)| *own != name);
                let hidden = self.offered.get_mut(name).and_then(Option::take);
                hidden.is_some() || self.own.len() < before
            }
            Change::Show { name } => match self.offered.get_mut(name) {
                Some(place) => {
                    *place = Some(original(name));
                    true
                }
                None => false,
            },
        }
    }

    fn listed(&self) -> Vec<(String, String)> {
        let offered = self.offered.iter().enumerate();
        let offered = offered.filter_map(|(number, says)| Some((name(number), says.clone()?)));
        offered
            .chain(
                self.own
                    .iter()
                    .map(|(own, says)| (name(*own), says.clone())),
            )
            .collect()
    }

    fn says(&self, number: usize) -> Option<String> {
        let listed = self.listed();
        listed
            .into_iter()
            .find(|(listed, _)| *listed == name(number))
            .map(|(_, says)| says)
    }
}

/// Makes the same changes of a model and of a session, and sees that both take or refuse them.
fn edit(session: &Session, model: &mut Model, batch: &Batch, number: usize) {
    let mut next = model.clone();
    let accepted = batch
        .changes
        .iter()
        .all(|change| next.change(change, number));
    let edited = session.edit(|edit| {
        for change in &batch.changes {
            match *change {
                Change::Add { name, variant } => {
                    let says = format!("{name}.{variant} of session {number}");
                    edit.add_tool(tool(name, &says))?;
                }
                Change::Hide { name: hidden } => edit.hide_tool(&name(hidden))?,
                Change::Show { name: shown } => edit.show_tool(&name(shown))?,
            }
        }
        if batch.fails {
            edit.hide_tool("never there")
        } else {
            Ok(())
        }
    });
    assert_eq!(
        edited.is_ok(),
        accepted && !batch.fails,
        "{batch:?} on {model:?}"
    );
    if edited.is_ok() {
        *model = next;
    }
}

async fn check(client: &Client, model: &Model) {
    let tools = client.list_tools().await;
    let listed: Vec<_> = tools
        .into_iter()
        .map(|tool| (tool.name, tool.description.unwrap_or_default()))
        .collect();
    assert_eq!(listed, model.listed());
    for number in 0..NAMES {
        let called = client.try_call_tool(&name(number), json!({})).await;
        let said = called.ok().map(|outcome| outcome.text());
        assert_eq!(said, model.says(number), "list and call agree on {number}");
    }
}

fn serve(page: usize) -> Server {
    let tools = (0..OFFERED).map(|number| tool(number, &original(number)));
    let template = tools.fold(Template::builder("isolation", "1"), |all, tool| {
        all.tool(tool)
    });
    let limits = Limits::default().page_entries(page);
    Server::builder(template.build().unwrap())
        .limits(limits)
        .build()
        .unwrap()
}

async fn run(page: usize, plans: Vec<Vec<Batch>>) {
    let server = serve(page);
    let untouched = Client::handshake(&server).await;
    let stateless = Client::stateless(&server);
    let before = untouched.list_bytes("tools/list").await;
    let stateless_before = stateless.list_bytes("tools/list").await;

    // Every session is edited by a task of its own, while its client lists and calls.
    let editing = plans.into_iter().enumerate().map(|(number, plan)| {
        let server = server.clone();
        tokio::spawn(async move {
            let client = Client::handshake(&server).await;
            let session = client.session();
            let mut model = Model::new();
            for batch in &plan {
                edit(&session, &mut model, batch, number);
                check(&client, &model).await;
            }
            let bytes = client.list_bytes("tools/list").await;
            (client, model, bytes)
        })
    });
    let edited: Vec<_> = futures_util::future::join_all(editing).await;

    // What was seen while others were at work is what is seen now.
    for edited in edited {
        let (client, model, bytes) = edited.unwrap();
        check(&client, &model).await;
        assert_eq!(client.list_bytes("tools/list").await, bytes);
    }
    assert_eq!(untouched.list_bytes("tools/list").await, before);
    assert_eq!(untouched.notifications().await, []);
    assert_eq!(stateless.list_bytes("tools/list").await, stateless_before);
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => (0..NAMES, 0..3_u8).prop_map(|(name, variant)| Change::Add { name, variant }),
        2 => (0..NAMES).prop_map(|name| Change::Hide { name }),
        1 => (0..NAMES).prop_map(|name| Change::Show { name }),
    ]
}

fn batch() -> impl Strategy<Value = Batch> {
    (vec(change(), 0..5), prop::bool::weighted(0.1))
        .prop_map(|(changes, fails)| Batch { changes, fails })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_session_sees_its_own_view_and_no_other(
        page in 1..8_usize,
        plans in vec(vec(batch(), 0..8), SESSIONS),
    ) {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(run(page, plans));
    }
}

#[tokio::test]
async fn a_publication_leaves_edited_sessions_and_their_bytes_alone() {
    let server = serve(2);
    let mut kept = Vec::new();
    for number in 0..SESSIONS {
        let client = Client::handshake(&server).await;
        let own = tool(NAMES - 1, &format!("session {number}"));
        client.session().edit(|edit| edit.add_tool(own)).unwrap();
        let bytes = client.list_bytes("tools/list").await;
        kept.push((client, bytes));
    }
    for round in 0..4 {
        let next = tool(round, &format!("revision {round}"));
        server
            .publish(Variant::DEFAULT, |edit| edit.add_tool(next))
            .await
            .unwrap();
    }
    for (client, bytes) in &kept {
        assert_eq!(&client.list_bytes("tools/list").await, bytes);
    }
    assert_eq!(
        Client::stateless(&server)
            .call_tool("tool0", json!({}))
            .await
            .text(),
        "revision 0"
    );
}

#[tokio::test]
async fn equal_ids_in_flight_on_many_streams_never_cross() {
    let (server, streams) = (echoing(), 20);
    let gate = Arc::new(tokio::sync::Barrier::new(streams));
    let clients = (0..streams).map(|stream| {
        let (server, gate) = (server.clone(), Arc::clone(&gate));
        tokio::spawn(async move {
            let client = Client::handshake(&server).await;
            gate.wait().await;
            let mut calls = Vec::new();
            for call in 0..100 {
                let arguments = json!({"text": format!("{stream}/{call}")});
                let meta = json!({"progressToken": call});
                let params = json!({"name": "echo", "arguments": arguments, "_meta": meta});
                calls.push(client.start("tools/call", params).await);
            }
            for (call, pending) in calls.into_iter().enumerate() {
                let result = pending.result().await.unwrap();
                assert_eq!(result["content"][0]["text"], format!("{stream}/{call}"));
            }
            for said in client.notifications().await {
                let message = said.params["message"].as_str().unwrap().to_owned();
                assert_eq!(
                    message,
                    format!("{stream}/{}", said.params["progressToken"])
                );
            }
        })
    });
    for client in futures_util::future::join_all(clients).await {
        client.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_of_one_session_from_many_tasks_are_all_kept() {
    let server = serve(100);
    let client = Client::handshake(&server).await;
    let editing = (0..8).map(|task| {
        let session = client.session();
        tokio::spawn(async move {
            for number in 0..50 {
                let own = tool(100 + task * 50 + number, "own");
                session.edit(|edit| edit.add_tool(own)).unwrap();
                tokio::task::yield_now().await;
            }
        })
    });
    for edited in futures_util::future::join_all(editing).await {
        edited.unwrap();
    }
    assert_eq!(client.list_tools().await.len(), OFFERED + 400);
    let told = client.notifications().await;
    assert!((1..=400).contains(&told.len()), "{}", told.len());
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Text {
    text: String,
}

fn echoing() -> Server {
    let echo = Tool::new("echo").description("-").handler(
        async |said: Text, ctx: mcp_session::Context| {
            ctx.progress(1.0).message(said.text.as_str()).send();
            tokio::task::yield_now().await;
            said.text
        },
    );
    Server::new(Template::builder("echo", "1").tool(echo).build().unwrap())
}
