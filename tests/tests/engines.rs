//! Proves that stores, buses and outboxes in real engines keep the contract, and what becomes of
//! them when the engine is away, slow, or not what it should be.
//!
//! `scripts/services run cargo test` starts the engines. Without them these tests say that they
//! are skipped; in CI that is a failure.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

#[path = "engines/behind.rs"]
mod behind;
#[path = "engines/buses.rs"]
mod buses;
#[path = "engines/leaks.rs"]
mod leaks;
#[path = "outbox/model.rs"]
mod model;
#[path = "engines/outages.rs"]
mod outages;
#[path = "engines/outboxes.rs"]
mod outboxes;
#[path = "engines/proxy.rs"]
mod proxy;
#[path = "engines/replicas.rs"]
mod replicas;
#[path = "engines/secrets.rs"]
mod secrets;
#[path = "engines/servers.rs"]
mod servers;
#[path = "engines/setup.rs"]
mod setup;
#[path = "engines/support.rs"]
mod support;

mod postgres {
    mcp_session::store_contract! {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        => match crate::support::postgres().await {
            Some(store) => store,
            None => return,
        }
    }
}

mod redis {
    mcp_session::store_contract! {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        => match crate::support::redis().await {
            Some(store) => store,
            None => return,
        }
    }
}

mod postgres_bus {
    mcp_session::bus_contract! {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        => match crate::support::postgres().await {
            Some(store) => store.into_bus(),
            None => return,
        }
    }
}

mod postgres_outbox {
    mcp_session::outbox_contract! {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        => match crate::support::postgres().await {
            Some(store) => store.into_outbox(),
            None => return,
        }
    }
}

mod redis_outbox {
    mcp_session::outbox_contract! {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        => match crate::support::redis().await {
            Some(store) => store.into_outbox(),
            None => return,
        }
    }
}

mod redis_bus {
    mcp_session::bus_contract! {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        => match crate::support::redis().await {
            Some(store) => store.into_bus(),
            None => return,
        }
    }
}
