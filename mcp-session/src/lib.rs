//! x
pub mod schema;

pub mod catalog;
