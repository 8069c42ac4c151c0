//! Records in memory, and records that another replica changes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use serde_json::json;

use crate::auth::Principal;
use crate::catalog::{Listed as _, Tool, View};
use crate::protocol::Era;
use crate::server::principal::table::Key;
use crate::server::{Live, Scope, Server, Template, Variant};
use crate::session::Opening;
use crate::store::{
    self, Draft, Listed, MemoryStore, Owner, Quota, Record, Revision, Store, StoreError,
};

/// A store that says it outlives the process, and whose first answer comes late.
#[derive(Debug, Default)]
struct Durable(MemoryStore, AtomicBool);

#[async_trait]
impl Store for Durable {
    async fn load(&self, key: &store::Key) -> Result<Option<Record>, StoreError> {
        let loaded = self.0.load(key).await;
        if !self.1.swap(true, Ordering::Relaxed) {
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
        }
        loaded
    }

    async fn create(
        &self,
        key: &store::Key,
        draft: Draft,
        quota: Quota,
    ) -> Result<Revision, StoreError> {
        self.0.create(key, draft, quota).await
    }

    async fn save(
        &self,
        key: &store::Key,
        expected: Revision,
        draft: Draft,
        quota: Quota,
    ) -> Result<Revision, StoreError> {
        self.0.save(key, expected, draft, quota).await
    }

    async fn touch(&self, key: &store::Key, ttl: Duration) -> Result<Option<Record>, StoreError> {
        self.0.touch(key, ttl).await
    }

    async fn delete(
        &self,
        key: &store::Key,
        expected: Option<Revision>,
    ) -> Result<bool, StoreError> {
        self.0.delete(key, expected).await
    }

    async fn clear(&self, owner: &Owner) -> Result<(), StoreError> {
        self.0.clear(owner).await
    }

    async fn list(
        &self,
        owner: &Owner,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        self.0.list(owner, after, limit).await
    }

    fn is_durable(&self) -> bool {
        true
    }
}

fn ann() -> Principal {
    Principal::new("https://issuer.example", "ann")
}

fn tool(name: String) -> Tool {
    Tool::new(name).description("-").handler(async || "-")
}

fn serve(store: impl Store) -> Server {
    let template = Template::builder("principals", "1")
        .tool(tool("there".to_owned()))
        .tool_factory("tool", tool);
    let server = Server::builder(template.build().unwrap()).store(store);
    server.build().unwrap()
}

/// The session that serves Ann's next request.
async fn enter(server: &Server) -> (Arc<Live>, Scope) {
    let opening = Opening::new(Era::Stateless, Some(ann()));
    let (live, scope) = server.enter(&opening).unwrap();
    server.open(&live).await.unwrap();
    (live, scope)
}

fn tools(live: &Live) -> Vec<String> {
    live.with_view(|catalog, overlay| {
        let view = View::new(&*catalog.tools, &overlay.tools);
        let keys = view.iter().map(|tool| tool.definition().key().to_string());
        keys.collect()
    })
}

async fn install(server: &Server, name: &str) {
    let hers = server.principal(&ann());
    let edited = hers.edit(|edit| edit.install("tool", name)).await;
    edited.unwrap();
}

#[tokio::test]
async fn a_session_shows_what_another_replica_has_changed_once_it_is_told() {
    let store = Arc::new(Durable::default());
    let (here, there) = (serve(Arc::clone(&store)), serve(Arc::clone(&store)));
    let (live, _scope) = enter(&here).await;
    install(&there, "new").await;
    assert_eq!(tools(&live), ["there"]);
    let record = Owner::principal("changes", &ann()).key(Variant::DEFAULT);
    let told = here.inner().changed_elsewhere(&record);
    told.await.unwrap();
    assert_eq!(tools(&live), ["there", "new"]);
    // What is known already is not made again.
    let made = || {
        live.with_view(|_, overlay| Arc::as_ptr(overlay.tools.added()[0].entry.definition().key()))
    };
    let before = made();
    here.inner().changed_elsewhere(&record).await.unwrap();
    assert_eq!(made(), before);
    // All that was changed is taken back.
    let hers = there.principal(&ann());
    hers.edit(|edit| edit.hide_tool("new")).await.unwrap();
    here.inner().changed_elsewhere(&record).await.unwrap();
    assert_eq!(tools(&live), ["there"]);
    assert_eq!(store.0.bytes(), 0);
    // Nobody's session shows any other record.
    let other = Owner::principal("changes", &ann()).key("other");
    here.inner().changed_elsewhere(&other).await.unwrap();
}

#[tokio::test]
async fn a_session_that_opens_while_its_principal_is_edited_shows_what_is_newest() {
    let server = serve(Durable::default());
    // The store is asked for the session first, and answers when all else is done.
    let (live, ()) = tokio::join!(enter(&server), async {
        tokio::task::yield_now().await;
        for name in ["a", "b", "c"] {
            install(&server, name).await;
        }
    });
    assert_eq!(tools(&live.0), ["there", "a", "b", "c"]);
}

#[tokio::test]
async fn what_is_of_no_use_any_more_leaves_nothing_in_the_tables() {
    for durable in [true, false] {
        let server = match durable {
            true => serve(Durable::default()),
            false => serve(MemoryStore::new()),
        };
        let inner = server.inner();
        let (live, scope) = enter(&server).await;
        install(&server, "new").await;
        assert_eq!(inner.records.len(), usize::from(!durable));
        let edit = server.principal(&ann());
        edit.edit(|edit| edit.hide_tool("new")).await.unwrap();
        assert_eq!(inner.records.len(), 0);
        // Who gives up waiting leaves nothing, either.
        let key = || Key::new(&ann(), &Variant::DEFAULT.into());
        let turn = inner.turn(key()).await;
        let mut waits = Box::pin(inner.turn(key()));
        assert!(futures_util::poll!(&mut waits).is_pending());
        drop(waits);
        assert_eq!(inner.records.len(), 1);
        let mut waits = Box::pin(inner.turn(key()));
        assert!(futures_util::poll!(&mut waits).is_pending());
        drop(turn);
        drop(waits.await);
        assert_eq!(inner.records.len(), 0);
        let record = Owner::principal("changes", &ann()).key(Variant::DEFAULT);
        let principals = inner.sessions.principals();
        assert_eq!(principals.showing(&record).is_some(), durable);
        drop(scope);
        let id = live.core().id().clone();
        server.sessions().end(&id);
        assert!(principals.showing(&record).is_none());
    }
}

#[tokio::test]
async fn a_record_of_another_layout_is_refused_and_left_as_it_is() {
    for text in [
        json!({"layout": 2, "tools": 7}).to_string(),
        "[]".to_owned(),
    ] {
        let store = Arc::new(Durable::default());
        let server = serve(Arc::clone(&store));
        let record = Owner::principal("changes", &ann()).key(Variant::DEFAULT);
        let draft = Draft::new(text.clone());
        store.create(&record, draft, Quota::NONE).await.unwrap();
        let (live, _scope) = server
            .enter(&Opening::new(Era::Stateless, Some(ann())))
            .unwrap();
        assert!(server.open(&live).await.is_err());
        let hers = server.principal(&ann());
        let edited = hers.edit(|edit| edit.hide_tool("there")).await;
        assert!(edited.unwrap_err().is_unavailable());
        let kept = store.load(&record).await.unwrap().unwrap();
        assert_eq!(kept.value, text.as_bytes());
    }
}
