//! What the integration tests share with the programs they start.

pub mod cluster;
pub mod interop;
pub mod keeping;
