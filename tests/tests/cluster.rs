//! Proves that replicas behind a proxy that takes turns are one server to clients with sessions:
//! nothing is refused, lost or doubled, whoever serves what, also while replicas and engines die.
//!
//! `scripts/services run cargo test` starts the engines, and Debian's package `nginx` is the other
//! proxy. What is missing is said, and the tests that need it are skipped; in CI that is a failure.
//! How much is done can be set (`cluster/setting.rs` says by which variables).

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

#[path = "cluster/any_replica.rs"]
mod any_replica;
#[path = "cluster/chaos.rs"]
mod chaos;
#[path = "cluster/listener.rs"]
mod listener;
#[path = "cluster/load.rs"]
mod load;
#[path = "cluster/model.rs"]
mod model;
#[path = "cluster/nginx.rs"]
mod nginx;
#[path = "cluster/own_engine.rs"]
mod own_engine;
#[path = "cluster/random.rs"]
mod random;
#[path = "cluster/replicas.rs"]
mod replicas;
#[path = "cluster/restart.rs"]
mod restart;
#[path = "cluster/session.rs"]
mod session;
#[path = "cluster/setting.rs"]
mod setting;
#[path = "cluster/space.rs"]
mod space;
#[path = "cluster/steps.rs"]
mod steps;
#[path = "cluster/streams.rs"]
mod streams;
#[path = "cluster/telling.rs"]
mod telling;
#[path = "cluster/walk.rs"]
mod walk;
