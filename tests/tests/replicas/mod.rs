//! Proves that several servers with one durable store are one server to their clients: here in one
//! process, with a store in memory that says it is durable; `engines` has the real ones.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod changing;
mod ending;
mod hearing;
mod restoring;
mod streaming;
mod support;
