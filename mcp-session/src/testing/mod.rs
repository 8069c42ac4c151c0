//! Testing servers.
