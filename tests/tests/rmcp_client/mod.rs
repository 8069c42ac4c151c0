//! A client that is not ours: rmcp 3.8, in each of its lifecycles, over a child process's standard
//! input and output and over HTTP.
//!
//! Each check runs in every combination of the two; what a check expects differs by era only, never
//! by transport.
#![expect(clippy::unwrap_used, reason = "everything here is test code")]

mod asking;
mod calls;
mod changes;
mod client;
mod lifecycles;
mod offers;
mod way;

use client::{Client, Heard};
use way::{Lifecycle, Over, Way};

/// Runs a check in every lifecycle over every transport, each as a test of its own.
macro_rules! every_way {
    ($($check:ident)*) => {$(
        mod $check {
            use crate::rmcp_client::{Lifecycle, Over, Way, every_way};

            every_way!(@one $check initialize_over_stdio Initialize Stdio);
            every_way!(@one $check initialize_over_http Initialize Http);
            every_way!(@one $check default_lifecycle_over_stdio Default Stdio);
            every_way!(@one $check default_lifecycle_over_http Default Http);
            every_way!(@one $check discover_over_stdio Discover Stdio);
            every_way!(@one $check discover_over_http Discover Http);
            every_way!(@one $check auto_over_stdio Auto Stdio);
            every_way!(@one $check auto_over_http Auto Http);
        }
    )*};
    (@one $check:ident $name:ident $lifecycle:ident $over:ident) => {
        #[tokio::test]
        async fn $name() {
            let way = Way::new(Lifecycle::$lifecycle, Over::$over);
            way.run(super::$check).await;
        }
    };
}

use every_way;
