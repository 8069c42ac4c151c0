//! The future of a function under a macro, which knows what entry it belongs to.

use std::{
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;

use crate::catalog::Calling;

pin_project! {
    /// The future of the function itself, and in its type the way to make the entry.
    #[must_use = "futures do nothing unless awaited"]
    pub struct Call<F, M> {
        #[pin]
        future: F,
        makes: PhantomData<fn() -> M>,
    }
}

impl<F, M> Call<F, M> {
    /// A call of the function whose entry `M` makes.
    pub fn new(future: F, _makes: M) -> Self {
        Self {
            future,
            makes: PhantomData,
        }
    }
}

impl<F: Future, M> Future for Call<F, M> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.project().future.poll(cx)
    }
}

impl<E, F: Future, M: Makes<E>> Calling<E> for Call<F, M> {
    fn entry() -> E {
        M::entry()
    }
}

/// Makes an entry.
pub trait Makes<E> {
    /// The entry.
    fn entry() -> E;
}
