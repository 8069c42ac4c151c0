//! Handles: names for pieces of state that a model carries from call to call.

mod handles;
mod kind;
mod name;
mod param;
mod place;
mod reply;
mod rules;
mod tools;

use std::{fmt, sync::Arc};

use parking_lot::Mutex;

use crate::error::{Error, Result};
use crate::store::{Contest, Record, decode};

pub use handles::Handles;
pub use kind::HandleKind;
pub use name::HandleName;
pub use param::ViaHandle;
pub use rules::HandleRules;

use place::Place;

/// A piece of state under an unguessable name, which the model carries from call to call: the way
/// to remember things for clients that have no session.
///
/// Take one as a parameter of a `#[tool]`, `#[prompt]` or `#[resource]` function: the client sends
/// its name, and the function runs only where that is known. Make one with
/// [`Context::handles`](crate::Context::handles), and answer with it.
///
/// It belongs to the principal who made it; to everybody else it does not exist. Anonymous callers
/// have no other key than the name itself, so among them whoever knows it may use it. What is
/// unknown, expired, closed, made up or somebody else's is answered alike, in words that tell the
/// model how to get a new one.
///
/// It expires when it was not used for its time to live
/// ([`HandleRules::ttl`]), counted from when a call last took it up or changed it, and never while
/// a call holds it. Works in both eras and over every transport.
///
/// # Examples
///
/// ```
/// use mcp_session::{Context, Handle, HandleKind, Json, JsonSchema, Template, ToolError, tool};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Default, Serialize, Deserialize, JsonSchema)]
/// struct Basket {
///     items: Vec<String>,
/// }
///
/// impl HandleKind for Basket {
///     const NAME: &str = "basket";
///     const PREFIX: &str = "bsk";
///     const SOURCE: &str = "call `new_basket`";
/// }
///
/// /// Takes a new, empty basket.
/// #[tool]
/// async fn new_basket(ctx: Context) -> Result<Handle<Basket>, ToolError> {
///     Ok(ctx.handles().create(Basket::default()).await?)
/// }
///
/// /// Puts something into a basket.
/// #[tool]
/// async fn add_item(basket: Handle<Basket>, sku: String) -> Result<Json<Basket>, ToolError> {
///     Ok(Json(basket.update(|b| b.items.push(sku.clone())).await?))
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), ToolError> {
/// Template::builder("shop", "1.0.0").tool(new_basket).tool(add_item).build()?;
///
/// // The function itself, in a unit test.
/// let basket = add_item(Handle::new(Basket::default()), "tea".to_owned()).await?;
/// assert_eq!(basket.0.items, ["tea"]);
/// # Ok(())
/// # }
/// ```
pub struct Handle<T> {
    name: HandleName<T>,
    place: Arc<Place>,
    /// The record as it was when the handle was opened, for the first change to begin with. Held to
    /// take it only.
    opened: Arc<Mutex<Option<Record>>>,
}

impl<T: HandleKind> Handle<T> {
    /// A handle of its own, for calling a function in a unit test.
    ///
    /// # Panics
    ///
    /// When the value has no JSON form.
    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "what a handle stands for is the handle's"
    )]
    pub fn new(value: T) -> Self {
        let name = HandleName::random();
        let place = Place::alone(&name, &value);
        Self::at(name, place.expect("the value has a JSON form"), None)
    }

    fn at(name: HandleName<T>, place: Place, opened: Option<Record>) -> Self {
        Self {
            name,
            place: Arc::new(place),
            opened: Arc::new(Mutex::new(opened)),
        }
    }

    /// Its name, which the client sends to use it again.
    pub fn name(&self) -> &HandleName<T> {
        &self.name
    }

    /// What it stands for, as it is now.
    ///
    /// # Errors
    ///
    /// [`Error::is_unknown`] when somebody closed it meanwhile; [`Error::is_value`] when what is
    /// kept is no `T` any more; [`Error::is_unavailable`] when the store fails.
    pub async fn get(&self) -> Result<T> {
        decode(T::NAME, &self.load().await?.value)
    }

    /// Changes what it stands for, and returns that as it is then.
    ///
    /// The change is made only if nobody else made one meanwhile; otherwise `change` runs again,
    /// on what there is then. Let it do nothing else.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get), and [`Error::is_full`] when the caller's handles would be larger than
    /// they may be.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the change is made or it is not.
    pub async fn update(&self, mut change: impl FnMut(&mut T) + Send) -> Result<T> {
        let changed = self.change(|value| {
            change(value);
            Ok::<_, Error>(())
        });
        changed.await.map(|(value, ())| value)
    }

    /// As [`update`](Self::update), for a change that may fail, and then is not made. Returns what
    /// `change` returns.
    ///
    /// # Errors
    ///
    /// As [`update`](Self::update), and what `change` returns.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the change is made or it is not.
    ///
    /// # Examples
    ///
    /// ```
    /// # use mcp_session::{Handle, HandleKind, ToolError};
    /// # #[derive(serde::Serialize, serde::Deserialize)]
    /// # struct Basket { items: Vec<String> }
    /// # impl HandleKind for Basket {
    /// #     const NAME: &str = "basket";
    /// #     const PREFIX: &str = "bsk";
    /// #     const SOURCE: &str = "call `new_basket`";
    /// # }
    /// # async fn example(basket: Handle<Basket>) -> Result<(), ToolError> {
    /// let last = basket
    ///     .try_update(|b| b.items.pop().ok_or_else(|| ToolError::new("the basket is empty")))
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn try_update<R, E>(
        &self,
        change: impl FnMut(&mut T) -> Result<R, E> + Send,
    ) -> Result<R, E>
    where
        R: Send,
        E: From<Error> + Send,
    {
        self.change(change).await.map(|(_, returned)| returned)
    }

    /// Closes it: from now on its name is unknown, also to those who hold it.
    ///
    /// # Errors
    ///
    /// [`Error::is_unavailable`] when the store fails.
    pub async fn close(self) -> Result<()> {
        self.place.delete().await
    }

    async fn load(&self) -> Result<Record> {
        let record = self.place.load().await?;
        record.ok_or_else(kind::unknown::<T>)
    }

    async fn change<R, E>(
        &self,
        mut change: impl FnMut(&mut T) -> Result<R, E> + Send,
    ) -> Result<(T, R), E>
    where
        R: Send,
        E: From<Error> + Send,
    {
        let mut contest = Contest::default();
        loop {
            let opened = self.opened.lock().take();
            let record = match opened {
                Some(record) => record,
                None => self.load().await?,
            };
            let mut value: T = decode(T::NAME, &record.value)?;
            let returned = change(&mut value)?;
            if self.place.save::<T>(&record, &value).await? {
                return Ok((value, returned));
            }
            contest.lost().await?;
        }
    }
}

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Self {
        Self {
            name: self.name.clone(),
            place: Arc::clone(&self.place),
            opened: Arc::clone(&self.opened),
        }
    }
}

/// Its whole name, for the model. Do not log it.
impl<T> fmt::Display for Handle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.name, f)
    }
}

/// Does not show its name, which may be all that somebody needs to use it.
impl<T: HandleKind> fmt::Debug for Handle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handle").field(&self.name).finish()
    }
}
