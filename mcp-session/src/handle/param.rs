//! Handles as parameters of functions.

use futures_util::future::try_join_all;

use crate::catalog::{Described, Param};
use crate::context::Context;
use crate::error::ToolError;
use crate::handle::kind::hint;
use crate::handle::{Handle, HandleKind, HandleName};
use crate::schema::{Generator, JsonSchema};

/// A handle, whose name the client sends. Always inferred.
#[derive(Debug)]
#[non_exhaustive]
pub struct ViaHandle;

fn described<T: HandleKind, W: JsonSchema>(generator: &mut Generator) -> Described {
    Described::new(generator.subschema::<W>()).hint(hint::<T>())
}

#[diagnostic::do_not_recommend]
impl<T: HandleKind> Param<ViaHandle> for Handle<T> {
    type Wire = HandleName<T>;
    type Accepted = HandleName<T>;

    fn describe(generator: &mut Generator) -> Option<Described> {
        Some(described::<T, HandleName<T>>(generator))
    }

    fn accept(wire: Option<HandleName<T>>) -> Option<HandleName<T>> {
        wire
    }

    async fn resolve(accepted: HandleName<T>, ctx: &Context) -> Result<Self, ToolError> {
        Ok(ctx.handles().open(&accepted).await?)
    }
}

/// `None` where the client sends none; one that is not known is an error all the same.
#[diagnostic::do_not_recommend]
impl<T: HandleKind> Param<ViaHandle> for Option<Handle<T>> {
    type Wire = Option<HandleName<T>>;
    type Accepted = Option<HandleName<T>>;

    fn describe(generator: &mut Generator) -> Option<Described> {
        Some(described::<T, Option<HandleName<T>>>(generator))
    }

    fn accept(wire: Option<Option<HandleName<T>>>) -> Option<Option<HandleName<T>>> {
        Some(wire.flatten())
    }

    async fn resolve(accepted: Option<HandleName<T>>, ctx: &Context) -> Result<Self, ToolError> {
        match accepted {
            Some(name) => Ok(Some(ctx.handles().open(&name).await?)),
            None => Ok(None),
        }
    }
}

#[diagnostic::do_not_recommend]
impl<T: HandleKind> Param<ViaHandle> for Vec<Handle<T>> {
    type Wire = Vec<HandleName<T>>;
    type Accepted = Vec<HandleName<T>>;

    fn describe(generator: &mut Generator) -> Option<Described> {
        Some(described::<T, Vec<HandleName<T>>>(generator))
    }

    fn accept(wire: Option<Vec<HandleName<T>>>) -> Option<Vec<HandleName<T>>> {
        wire
    }

    async fn resolve(accepted: Vec<HandleName<T>>, ctx: &Context) -> Result<Self, ToolError> {
        let handles = ctx.handles();
        Ok(try_join_all(accepted.iter().map(|name| handles.open(name))).await?)
    }
}
