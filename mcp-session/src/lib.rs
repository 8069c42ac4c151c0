//! A framework for Model Context Protocol servers: templates and live sessions.

pub mod protocol;
pub mod schema;

mod catalog;
