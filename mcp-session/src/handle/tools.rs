//! The tools that look after handles, for kinds that want them.

use serde::{Deserialize, Serialize};

use crate::catalog::{Json, Tool};
use crate::context::Context;
use crate::error::ToolError;
use crate::handle::{HandleKind, HandleName};
use crate::schema::JsonSchema;

/// How many handles are listed at a time.
const PAGE: usize = 100;

#[derive(Deserialize, JsonSchema)]
#[serde(bound = "")]
#[schemars(bound = "T: HandleKind")]
struct ListArgs<T> {
    /// The last handle of the page before, to go on behind it.
    after: Option<HandleName<T>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(bound = "")]
#[schemars(bound = "T: HandleKind")]
struct CloseArgs<T> {
    /// The handle to close.
    handle: HandleName<T>,
}

/// A page of handles.
#[derive(Serialize, JsonSchema)]
struct Page {
    handles: Vec<Open>,
    /// There may be more, behind the last of these.
    more: bool,
}

#[derive(Serialize, JsonSchema)]
struct Open {
    handle: String,
    /// For how long it is kept when nobody uses it.
    expires_in_seconds: u64,
}

/// A tool that lists the caller's handles.
pub(super) fn list<T: HandleKind>(name: String) -> Tool {
    let description = format!("Lists the handles of kind `{}` that you have.", T::NAME);
    let tool = Tool::new(name).description(description).read_only();
    tool.closed_world()
        .handler(async |args: ListArgs<T>, ctx: Context| {
            let listed = ctx.handles::<T>().list(args.after.as_ref(), PAGE).await?;
            let more = listed.len() == PAGE;
            let open = |(name, left): (HandleName<T>, std::time::Duration)| Open {
                handle: name.to_string(),
                expires_in_seconds: left.as_secs(),
            };
            let handles = listed.into_iter().map(open).collect();
            Ok::<_, ToolError>(Json(Page { handles, more }))
        })
}

/// A tool that closes a handle.
pub(super) fn close<T: HandleKind>(name: String) -> Tool {
    let description = format!(
        "Closes a handle of kind `{}` that is not needed any more. What it stands for is gone then.",
        T::NAME
    );
    let tool = Tool::new(name).description(description).destructive();
    tool.closed_world()
        .handler(async |args: CloseArgs<T>, ctx: Context| {
            ctx.handles().open(&args.handle).await?.close().await?;
            Ok::<_, ToolError>("closed")
        })
}
