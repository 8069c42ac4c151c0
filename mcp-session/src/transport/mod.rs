//! Moving bytes.

#[cfg(feature = "http")]
pub mod http;
