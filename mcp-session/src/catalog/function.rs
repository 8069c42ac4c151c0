//! Plain async functions as handlers.
//!
//! A handler is any `Fn` that returns a future: at most one *head*, which carries what the client
//! sent, and then up to eight values that the server gives. Everything is owned, because the
//! future may outlive the request that started it.

use std::sync::Arc;

use futures_util::future;

use crate::catalog::handler::BoxFuture;
use crate::catalog::via::ViaContext;
use crate::context::{Context, FromContext, Needs};
use crate::error::ToolError;

/// The first parameter of a handler: what the client sent, or already something given.
///
/// `I` is what the handler is handed (see the builders' `handler` methods for which types each
/// takes), `M` is inferred. It is never implemented by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the first parameter of this handler",
    label = "neither what the client sends nor something a handler is given",
    note = "arguments derive `serde::Deserialize` and `schemars::JsonSchema`; anything else implements `FromContext`"
)]
pub trait Head<I: Input, M>: Sized + Send + 'static {
    /// What was read and is still to be resolved.
    type Read: Send + 'static;

    /// Notes what the handler takes and needs.
    fn describe(signature: &mut I::Signature);

    /// Reads what the client sent.
    ///
    /// # Errors
    ///
    /// What the client sent does not fit. Nothing is resolved then.
    fn read(input: I) -> Result<Self::Read, ToolError>;

    /// Makes the value.
    ///
    /// # Errors
    ///
    /// The handler then does not run, and the request fails with this error.
    fn resolve(
        read: Self::Read,
        ctx: &Context,
    ) -> impl Future<Output = Result<Self, ToolError>> + Send;
}

/// What a kind of handler is handed.
pub trait Input: Send + 'static {
    /// What registration learns from a handler's types.
    type Signature: Default;

    /// Where a signature notes its needs.
    fn needs(signature: &mut Self::Signature) -> &mut Needs;
}

impl<I: Input, T: FromContext> Head<I, ViaContext> for T {
    type Read = ();

    fn describe(signature: &mut I::Signature) {
        T::needs(I::needs(signature));
    }

    fn read(_input: I) -> Result<(), ToolError> {
        Ok(())
    }

    fn resolve(_read: (), ctx: &Context) -> impl Future<Output = Result<T, ToolError>> + Send {
        T::from_context(ctx)
    }
}

/// An async function that can handle `I`.
///
/// Implemented for every `Fn` with a [`Head`] and up to eight parameters that implement
/// [`FromContext`], all optional, that returns a `Send` future. `M` is inferred.
#[diagnostic::on_unimplemented(
    message = "this function cannot be a handler",
    label = "not a handler",
    note = "a handler is an async function or closure whose future is `Send`; it takes at most one parameter with what the client sent, then up to eight that implement `FromContext`, all by value"
)]
pub trait Handler<I: Input, M>: Send + Sync + 'static {
    /// What it answers.
    type Output: Send + 'static;

    /// Notes what the function takes and needs.
    fn describe(signature: &mut I::Signature);

    /// Runs the function and turns what it answers into a reply.
    #[doc(hidden)]
    fn start<R: Send + 'static>(
        self: Arc<Self>,
        input: I,
        ctx: Context,
        finish: impl FnOnce(Self::Output) -> Result<R, ToolError> + Send + 'static,
    ) -> BoxFuture<Result<R, ToolError>>;
}

impl<I: Input, F, Fut> Handler<I, ()> for F
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output: Send + 'static> + Send + 'static,
{
    type Output = Fut::Output;

    fn describe(_signature: &mut I::Signature) {}

    fn start<R: Send + 'static>(
        self: Arc<Self>,
        _input: I,
        _ctx: Context,
        finish: impl FnOnce(Self::Output) -> Result<R, ToolError> + Send + 'static,
    ) -> BoxFuture<Result<R, ToolError>> {
        let answer = self();
        Box::pin(async move { finish(answer.await) })
    }
}

/// Implements [`Handler`] for functions of a head and the given number of further parameters.
/// All are resolved together, so that several that ask the client ask at the same time.
macro_rules! arities {
    ($(($($given:ident $value:ident)*))*) => {$(
        impl<I: Input, F, Fut, M, A, $($given),*> Handler<I, (M, fn(A, $($given),*))> for F
        where
            F: Fn(A, $($given),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output: Send + 'static> + Send + 'static,
            A: Head<I, M>,
            $($given: FromContext,)*
        {
            type Output = Fut::Output;

            fn describe(signature: &mut I::Signature) {
                A::describe(signature);
                $($given::needs(I::needs(signature));)*
            }

            fn start<R: Send + 'static>(
                self: Arc<Self>,
                input: I,
                ctx: Context,
                finish: impl FnOnce(Self::Output) -> Result<R, ToolError> + Send + 'static,
            ) -> BoxFuture<Result<R, ToolError>> {
                let read = match A::read(input) {
                    Ok(read) => read,
                    Err(error) => return Box::pin(future::ready(Err(error))),
                };
                Box::pin(async move {
                    let (head, $($value,)*) =
                        tokio::join!(A::resolve(read, &ctx), $($given::from_context(&ctx),)*);
                    finish(self(head?, $($value?),*).await)
                })
            }
        }
    )*};
}

arities! {
    ()
    (B b)
    (B b C c)
    (B b C c D d)
    (B b C c D d E e)
    (B b C c D d E e G g)
    (B b C c D d E e G g H h)
    (B b C c D d E e G g H h J j)
    (B b C c D d E e G g H h J j K k)
}
