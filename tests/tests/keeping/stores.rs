//! How a server uses a store that is not its own: when it asks it, and what becomes of errors.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use mcp_session::protocol::ProtocolVersion;
use mcp_session::store::{
    Draft, Key, Listed, MemoryStore, Owner, Quota, Record, Revision, Store, StoreError,
};
use mcp_session::testing;
use mcp_session::{Server, Session, Template, Tool, ToolError};
use mcp_session_tests::keeping;
use serde_json::json;

use crate::http::support::Client;
use crate::keeping::client;

/// A store that counts what it is asked, and can be told to outlive the process or to fail.
#[derive(Debug, Default)]
struct Watched {
    inner: MemoryStore,
    asked: AtomicUsize,
    durable: AtomicBool,
    fails: AtomicBool,
}

impl Watched {
    async fn ask(&self) -> Result<(), StoreError> {
        self.asked.fetch_add(1, Ordering::AcqRel);
        // An engine answers later, not at once.
        tokio::task::yield_now().await;
        if self.fails.load(Ordering::Acquire) {
            return Err(StoreError::unavailable("password hunter2 was refused"));
        }
        Ok(())
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Acquire)
    }
}

#[async_trait::async_trait]
impl Store for Watched {
    async fn load(&self, key: &Key) -> Result<Option<Record>, StoreError> {
        self.ask().await?;
        self.inner.load(key).await
    }

    async fn create(&self, key: &Key, draft: Draft, quota: Quota) -> Result<Revision, StoreError> {
        self.ask().await?;
        self.inner.create(key, draft, quota).await
    }

    async fn save(
        &self,
        key: &Key,
        expected: Revision,
        draft: Draft,
        quota: Quota,
    ) -> Result<Revision, StoreError> {
        self.ask().await?;
        self.inner.save(key, expected, draft, quota).await
    }

    async fn touch(&self, key: &Key, ttl: Duration) -> Result<Option<Record>, StoreError> {
        self.ask().await?;
        self.inner.touch(key, ttl).await
    }

    async fn delete(&self, key: &Key, expected: Option<Revision>) -> Result<bool, StoreError> {
        self.ask().await?;
        self.inner.delete(key, expected).await
    }

    async fn clear(&self, owner: &Owner) -> Result<(), StoreError> {
        self.ask().await?;
        self.inner.clear(owner).await
    }

    async fn list(
        &self,
        owner: &Owner,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        self.ask().await?;
        self.inner.list(owner, after, limit).await
    }

    fn is_durable(&self) -> bool {
        self.durable.load(Ordering::Acquire)
    }
}

/// Sets a value of its session's.
fn set() -> Tool {
    Tool::new("set")
        .description("-")
        .handler(async |session: Session| {
            session.state().set("x", &1).await?;
            Ok::<_, ToolError>("set")
        })
}

fn serve() -> (Server, Arc<Watched>) {
    let store = Arc::new(Watched::default());
    let plain = Tool::new("plain")
        .description("-")
        .handler(async || "plain");
    let template = keeping::builder(Default::default()).tool(set()).tool(plain);
    let server = Server::builder(template.build().unwrap());
    (server.store(Arc::clone(&store)).build().unwrap(), store)
}

#[tokio::test(start_paused = true)]
async fn a_request_that_asks_for_nothing_never_reaches_the_store() {
    let (server, store) = serve();
    for version in [ProtocolVersion::LATEST_HANDSHAKE, ProtocolVersion::LATEST] {
        let ann = client(&server, version, "ann").await;
        ann.list_tools().await;
        assert_eq!(ann.call_tool("plain", json!({})).await.text(), "plain");
        ann.close().await;
    }
    let http = Client::handshake(server.http()).await;
    assert_eq!(http.delete().await.status, 204);
    server.shutdown().await;
    assert_eq!(store.asked(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_handle_costs_as_few_questions_as_it_can() {
    let (server, store) = serve();
    let ann = client(&server, ProtocolVersion::LATEST, "ann").await;
    let basket = ann.call_tool("new_basket", json!({})).await.text();
    assert_eq!(store.asked(), 1, "create");
    let add = json!({"basket": basket, "sku": "tea"});
    assert!(!ann.call_tool("add_item", add).await.is_error);
    assert_eq!(store.asked(), 3, "touch and save");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_is_told_without_its_reason() {
    let (server, store) = serve();
    let ann = client(&server, ProtocolVersion::LATEST, "ann").await;
    let basket = ann.call_tool("new_basket", json!({})).await.text();
    store.fails.store(true, Ordering::Release);
    for (tool, arguments) in [
        ("recall", json!({})),
        ("remember", json!({"note": "x"})),
        ("new_basket", json!({})),
        ("show", json!({"basket": basket})),
        ("list_baskets", json!({})),
    ] {
        let told = ann.call_tool(tool, arguments).await.error();
        assert_eq!(told, "what is kept cannot be reached now; try again");
    }
    store.fails.store(false, Ordering::Release);
    assert!(
        !ann.call_tool("show", json!({"basket": basket}))
            .await
            .is_error
    );
    let error = StoreError::unavailable("the reason");
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "the reason");
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_leaves_what_outlives_the_process() {
    for durable in [false, true] {
        let (server, store) = serve();
        store.durable.store(durable, Ordering::Release);
        let ended = Client::handshake(server.http()).await;
        let left = Client::handshake(server.http()).await;
        for client in [&ended, &left] {
            let call = client.message(1, "tools/call", json!({"name": "set"}));
            assert_eq!(client.post(call).await.status, 200);
        }
        let both = store.inner.bytes();
        assert_eq!(ended.delete().await.status, 204);
        let stream = testing::Client::handshake(&server).await;
        stream.call_tool("set", json!({})).await;
        server.shutdown().await;
        // Nobody comes back to a byte stream, and a client that ends its session means it.
        let expected = if durable { both / 2 } else { 0 };
        assert_eq!(store.inner.bytes(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_written_while_the_session_ends_is_taken_back() {
    let (server, store) = serve();
    let stream = testing::Client::handshake(&server).await;
    let session = stream.session();
    session.state().set("x", &1).await.unwrap();
    let state = session.state();
    let mut late = Box::pin(state.set("y", &2));
    // It has begun, and waits for the store.
    assert!(futures_util::poll!(&mut late).is_pending());
    stream.close().await;
    session.done().await;
    let settled = async {
        while store.inner.bytes() > 0 {
            tokio::task::yield_now().await;
        }
    };
    crate::http::support::soon(settled).await;
    assert!(late.await.unwrap_err().is_ended());
    assert_eq!(store.inner.bytes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_does_not_keep_a_session_from_ending() {
    let store = Arc::new(Watched::default());
    let template = Template::builder("state", "1.0.0").tool(set());
    let server = Server::builder(template.build().unwrap());
    let server = server.store(Arc::clone(&store)).build().unwrap();
    let stream = testing::Client::handshake(&server).await;
    stream.call_tool("set", json!({})).await;
    store.fails.store(true, Ordering::Release);
    let session = stream.session();
    stream.close().await;
    session.done().await;
    server.shutdown().await;
    assert!(server.sessions().is_empty());
}
