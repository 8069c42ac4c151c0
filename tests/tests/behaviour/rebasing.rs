//! Moving open handshake sessions to a newer revision: what they keep, and who is told.

use std::collections::BTreeMap;

use mcp_session::catalog::Rebase;
use mcp_session::protocol::ProtocolVersion;
use mcp_session::testing::Client;
use mcp_session::{Edit, Principal, Server, Tool, Variant};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use super::{named, serve, template};

async fn titles(client: &Client) -> Vec<(String, Option<String>)> {
    let tools = client.list_tools().await;
    tools
        .into_iter()
        .map(|tool| (tool.name, tool.title))
        .collect()
}

fn titled(name: &str, title: &str) -> Tool {
    named(name).title(title)
}

fn expected(tools: &[(&str, Option<&str>)]) -> Vec<(String, Option<String>)> {
    let owned = |(name, title): &(&str, Option<&str>)| {
        let title = title.map(str::to_owned);
        ((*name).to_owned(), title)
    };
    tools.iter().map(owned).collect()
}

async fn publish(server: &Server, edit: impl FnOnce(&mut Edit<'_>) -> mcp_session::Result<()>) {
    server.publish(Variant::DEFAULT, edit).await.unwrap();
}

async fn rebase(server: &Server, policy: Rebase) -> usize {
    server.rebase(Variant::DEFAULT, policy).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn who_sees_a_difference_is_told_once_and_others_hear_nothing() {
    let server = serve(template().tool(named("old")).tool(named("kept")));
    let (plain, hiding) = (
        Client::handshake(&server).await,
        Client::handshake(&server).await,
    );
    let hide = hiding.session().edit(|edit| edit.hide_tool("old"));
    hide.unwrap();
    hiding.notifications().await;
    publish(&server, |edit| edit.add_tool(titled("old", "New"))).await;
    publish(&server, |edit| edit.add_tool(titled("old", "Newer"))).await;
    assert_eq!(
        titles(&plain).await,
        expected(&[("old", None), ("kept", None)])
    );
    assert_eq!(rebase(&server, Rebase::KeepOwn).await, 2);
    let told = plain.notifications().await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].method, "notifications/tools/list_changed");
    assert_eq!(hiding.notifications().await, []);
    assert_eq!(
        titles(&plain).await,
        expected(&[("old", Some("Newer")), ("kept", None)])
    );
    assert_eq!(titles(&hiding).await, expected(&[("kept", None)]));
    assert_eq!(rebase(&server, Rebase::KeepOwn).await, 0, "they are there");
    assert_eq!(plain.notifications().await, []);
    let unknown = server.rebase("unknown", Rebase::KeepOwn).await;
    assert!(unknown.unwrap_err().is_configuration());
}

#[tokio::test(start_paused = true)]
async fn the_policy_decides_where_both_changed_the_same() {
    for policy in [Rebase::KeepOwn, Rebase::TakeTemplate] {
        let offered = ["same", "changed", "gone", "hidden"];
        let server = serve(
            offered
                .iter()
                .fold(template(), |all, name| all.tool(named(name))),
        );
        let client = Client::handshake(&server).await;
        let edited = client.session().edit(|edit| {
            for name in ["same", "changed", "gone", "new", "own"] {
                edit.add_tool(titled(name, "Own"))?;
            }
            edit.hide_tool("hidden")
        });
        edited.unwrap();
        publish(&server, |edit| {
            edit.hide_tool("gone")?;
            for name in ["changed", "hidden", "new"] {
                edit.add_tool(titled(name, "Template's"))?;
            }
            Ok(())
        })
        .await;
        rebase(&server, policy).await;
        let seen = titles(&client).await;
        let (own, templates) = (Some("Own"), Some("Template's"));
        let all = match policy {
            Rebase::TakeTemplate => vec![
                ("same", own),
                ("changed", templates),
                ("new", templates),
                ("own", own),
            ],
            _ => vec![
                ("same", own),
                ("changed", own),
                ("new", own),
                ("gone", own),
                ("own", own),
            ],
        };
        assert_eq!(seen, expected(&all), "{policy:?}");
        for (name, _) in seen {
            assert_eq!(client.call_tool(&name, json!({})).await.text(), name);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_hidden_stays_hidden_even_if_it_goes_and_comes_back() {
    for policy in [Rebase::KeepOwn, Rebase::TakeTemplate] {
        let server = serve(template().tool(named("a")).tool(named("b")));
        let client = Client::handshake(&server).await;
        client.session().edit(|edit| edit.hide_tool("a")).unwrap();
        client.notifications().await;
        publish(&server, |edit| edit.hide_tool("a")).await;
        rebase(&server, policy).await;
        publish(&server, |edit| edit.add_tool(named("a"))).await;
        rebase(&server, policy).await;
        assert_eq!(titles(&client).await, expected(&[("b", None)]));
        assert_eq!(client.notifications().await, []);
        let error = client.try_call_tool("a", json!({})).await.unwrap_err();
        assert_eq!(error.code, -32602);
        client.session().edit(|edit| edit.show_tool("a")).unwrap();
        assert_eq!(titles(&client).await.len(), 2);
    }
}

/// How many names there are.
const NAMES: usize = 6;

/// A step of a history of one server, one handshake session and one principal.
#[derive(Debug, Clone)]
enum Step {
    Publish(Change),
    Edit(Change),
    EditDurably(Change),
    Rebase,
}

#[derive(Debug, Clone)]
enum Change {
    Add { name: usize, says: u8 },
    Hide { name: usize },
    Show { name: usize },
}

/// What is offered, by name.
type Offered = BTreeMap<usize, u8>;

/// What was changed, by name: another entry, or none.
type Changed = BTreeMap<usize, Option<u8>>;

fn view(offered: &Offered, changed: &Changed) -> Offered {
    let mut seen = offered.clone();
    for (name, to) in changed {
        match to {
            Some(says) => seen.insert(*name, *says),
            None => seen.remove(name),
        };
    }
    seen
}

/// Changes what was changed; what must be refused changes nothing.
fn change(offered: &Offered, changed: &mut Changed, change: &Change) {
    match *change {
        Change::Add { name, says } => {
            changed.insert(name, Some(says));
        }
        Change::Hide { name } if view(offered, changed).contains_key(&name) => {
            if offered.contains_key(&name) {
                changed.insert(name, None);
            } else {
                changed.remove(&name);
            }
        }
        Change::Show { name } if offered.contains_key(&name) => {
            changed.remove(&name);
        }
        Change::Hide { .. } | Change::Show { .. } => {}
    }
}

fn make(edit: &mut Edit<'_>, change: &Change) -> mcp_session::Result<()> {
    match *change {
        Change::Add { name, says } => {
            edit.add_tool(titled(&format!("tool{name}"), &format!("{says}")))
        }
        Change::Hide { name } => edit.hide_tool(&format!("tool{name}")),
        Change::Show { name } => edit.show_tool(&format!("tool{name}")),
    }
}

async fn seen(client: &Client) -> Offered {
    let tools = titles(client).await;
    let number = |(name, title): (String, Option<String>)| {
        let says = title.unwrap().parse().unwrap();
        (name.trim_start_matches("tool").parse().unwrap(), says)
    };
    tools.into_iter().map(number).collect()
}

async fn run(steps: Vec<Step>) {
    let server = serve(
        template()
            .tool(titled("tool0", "0"))
            .tool(titled("tool1", "0")),
    );
    let mut newest = Offered::from([(0, 0), (1, 0)]);
    let (mut base, mut own, mut durable) = (newest.clone(), Changed::new(), Changed::new());
    let handshake = Client::handshake(&server).await;
    let principal = Principal::new("https://issuer.example", "ann");
    let stateless = Client::builder(&server)
        .version(ProtocolVersion::LATEST)
        .principal(principal.clone());
    let stateless = stateless.connect().await;
    for step in steps {
        let told = match &step {
            Step::Publish(next) => {
                let published = server.publish(Variant::DEFAULT, |edit| make(edit, next));
                if published.await.is_ok() {
                    let mut changes = Changed::new();
                    change(&newest, &mut changes, next);
                    newest = view(&newest, &changes);
                }
                false
            }
            Step::Edit(next) => {
                let before = view(&base, &own);
                let _refused = handshake.session().edit(|edit| make(edit, next));
                change(&base, &mut own, next);
                view(&base, &own) != before
            }
            Step::EditDurably(next) => {
                let scope = server.principal(&principal);
                let _refused = scope.edit(|edit| make(edit, next)).await;
                change(&newest, &mut durable, next);
                false
            }
            Step::Rebase => {
                let before = view(&base, &own);
                rebase(&server, Rebase::KeepOwn).await;
                base.clone_from(&newest);
                view(&base, &own) != before
            }
        };
        assert_eq!(seen(&handshake).await, view(&base, &own), "{step:?}");
        assert_eq!(seen(&stateless).await, view(&newest, &durable), "{step:?}");
        let heard = handshake.notifications().await.len();
        // An entry of one's own that only moves to another place is a difference as well.
        assert!(heard <= 1 && (heard == 1 || !told), "{step:?}: {heard}");
    }
}

fn step() -> impl Strategy<Value = Step> {
    let change = prop_oneof![
        3 => (0..NAMES, 1..4_u8).prop_map(|(name, says)| Change::Add { name, says }),
        2 => (0..NAMES).prop_map(|name| Change::Hide { name }),
        1 => (0..NAMES).prop_map(|name| Change::Show { name }),
    ];
    prop_oneof![
        3 => change.clone().prop_map(Step::Publish),
        3 => change.clone().prop_map(Step::Edit),
        3 => change.prop_map(Step::EditDurably),
        2 => Just(Step::Rebase),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_in_whatever_order_a_view_is_a_revision_and_what_was_changed_of_it(
        steps in vec(step(), 1..30),
    ) {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().build().unwrap();
        runtime.block_on(run(steps));
    }
}
