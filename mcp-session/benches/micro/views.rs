//! Listing and finding, with and without an overlay.

use divan::Bencher;
use mcp_session::Server;
use serde_json::json;

use crate::support::{Client, Speaks, plain, server};

const OFFERED: usize = 1_000;

/// What one session changed.
#[derive(Debug, Clone, Copy)]
enum Overlay {
    None,
    /// Ten changes: five of the template's entries are hidden, and as many added.
    Small,
    /// A hundred of the template's entries are hidden, and as many added.
    Large,
}

const OVERLAYS: [Overlay; 3] = [Overlay::None, Overlay::Small, Overlay::Large];

impl Overlay {
    /// How many entries are hidden, and how many added.
    fn each(self) -> usize {
        match self {
            Self::None => 0,
            Self::Small => 5,
            Self::Large => 100,
        }
    }
}

fn client(server: &Server, overlay: Overlay) -> Client {
    let client = Client::handshake(server);
    if let Speaks::Handshake(id) = &client.speaks {
        let id = id.to_str().expect("visible").into();
        let session = server.sessions().get(&id).expect("it is open");
        let edited = session.edit(|edit| {
            (0..overlay.each()).try_for_each(|number| {
                edit.hide_tool(&format!("tool_{number}"))?;
                edit.add_tool(plain(OFFERED + number))
            })
        });
        edited.expect("a session may be edited");
    }
    client
}

/// Admission, the lookup of a name that is not there, and the error that says so.
#[divan::bench(args = OVERLAYS)]
fn find_nothing(bencher: Bencher<'_, '_>, overlay: Overlay) {
    let mut client = client(&server(OFFERED), overlay);
    let request = client.asks("tools/call", json!({"name": "nothing", "arguments": {}}));
    bencher.bench_local(|| client.answer(request()));
}

/// A call of an entry of the template, by how many that has.
#[divan::bench(args = [10, OFFERED])]
fn call_what_is_one_of(bencher: Bencher<'_, '_>, offered: usize) {
    let mut client = client(&server(offered), Overlay::None);
    let name = format!("tool_{}", offered - 1);
    let request = client.asks("tools/call", json!({"name": name, "arguments": {}}));
    bencher.bench_local(|| client.answer(request()));
}

/// A call of an entry of the template.
#[divan::bench(args = OVERLAYS)]
fn call_what_is_offered_to_all(bencher: Bencher<'_, '_>, overlay: Overlay) {
    let mut client = client(&server(OFFERED), overlay);
    let name = format!("tool_{}", OFFERED - 1);
    let request = client.asks("tools/call", json!({"name": name, "arguments": {}}));
    bencher.bench_local(|| client.answer(request()));
}

/// A call of an entry that only this session has, the last of many.
#[divan::bench]
fn call_what_is_ones_own(bencher: Bencher<'_, '_>) {
    let mut client = client(&server(OFFERED), Overlay::Large);
    let name = format!("tool_{}", OFFERED + Overlay::Large.each() - 1);
    let request = client.asks("tools/call", json!({"name": name, "arguments": {}}));
    bencher.bench_local(|| client.answer(request()));
}

/// The first page, which holds nearly all there is.
#[divan::bench(args = OVERLAYS)]
fn list_a_page_in_a_session(bencher: Bencher<'_, '_>, overlay: Overlay) {
    let mut client = client(&server(OFFERED), overlay);
    let request = client.asks("tools/list", json!({}));
    bencher.bench_local(|| client.answer(request()));
}

#[divan::bench]
fn list_a_page_stateless(bencher: Bencher<'_, '_>) {
    let mut client = Client::stateless(&server(OFFERED));
    let request = client.asks("tools/list", json!({}));
    bencher.bench_local(|| client.answer(request()));
}
