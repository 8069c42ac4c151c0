//! What the attribute macros expand to. Not for other use: it changes without notice.

mod arguments;
mod call;
mod entries;
mod part;
mod signature;
mod slot;

pub use futures_util::future::join;
pub use serde::de::MapAccess;
pub use std::{
    boxed::Box,
    clone::Clone,
    option::Option::{self, None, Some},
    result::Result::{self, Err, Ok},
    string::String,
    sync::{Arc, OnceLock},
    time::Duration,
    vec::Vec,
};

pub use crate::catalog::reader::Finish;
pub use crate::context::Asked;

pub use arguments::{Reader, Started, next_name, skip};
pub use call::{Call, Makes};
pub use entries::{Texts, prompt, resource, resource_template, tool};
pub use part::{Part, Requested};
pub use signature::{FromText, Signature, default_value};
pub use slot::{Accepted, Faults, Parameter, Slot, parameter, slot};

pub use crate::catalog::param::Param;
