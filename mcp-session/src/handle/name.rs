//! The name of a handle, as clients send it.

use std::{borrow::Cow, fmt, marker::PhantomData, sync::Arc};

use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::handle::HandleKind;
use crate::handle::kind::{check, hint};
use crate::schema::JsonSchema;
use crate::session::random_text;

/// How much of a name comes from the operating system: 32 letters of five bits each.
const LETTERS: usize = 32;

/// The name of a handle, as a client sends it: it may be anything. [`Handles::open`] finds out
/// whether it is one.
///
/// It is what a struct of arguments holds in place of a [`Handle`], since making a handle takes
/// more than JSON.
///
/// # Examples
///
/// ```
/// use mcp_session::handle::HandleName;
/// use mcp_session::{Context, HandleKind, Json, JsonSchema, Tool, ToolError};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize, JsonSchema)]
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
/// #[derive(Deserialize, JsonSchema)]
/// struct AddItem {
///     basket: HandleName<Basket>,
///     sku: String,
/// }
///
/// let add = Tool::new("add_item").description("Puts something into a basket.").handler(
///     async |args: AddItem, ctx: Context| {
///         let basket = ctx.handles().open(&args.basket).await?;
///         let added = basket.update(|b| b.items.push(args.sku.clone())).await?;
///         Ok::<_, ToolError>(Json(added))
///     },
/// );
/// ```
///
/// [`Handle`]: crate::Handle
/// [`Handles::open`]: crate::handle::Handles::open
pub struct HandleName<T> {
    text: Arc<str>,
    kind: PhantomData<fn() -> T>,
}

impl<T: HandleKind> HandleName<T> {
    /// A name that nobody can guess.
    pub(super) fn random() -> Self {
        const { check::<T>() }
        Self::from_text(format!("{}_{}", T::PREFIX, random_text()))
    }

    /// True for what this crate could have made: worth looking for.
    pub(super) fn is_plausible(&self) -> bool {
        let rest = self.text.strip_prefix(T::PREFIX);
        rest.and_then(|rest| rest.strip_prefix('_'))
            .is_some_and(|letters| letters.len() == LETTERS)
    }
}

impl<T> HandleName<T> {
    pub(super) fn from_text(text: impl Into<Arc<str>>) -> Self {
        Self {
            text: text.into(),
            kind: PhantomData,
        }
    }

    /// The whole name. Among anonymous callers it is all that somebody needs to use the handle, so
    /// do not log it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn shared(&self) -> &Arc<str> {
        &self.text
    }
}

impl<T> Clone for HandleName<T> {
    fn clone(&self) -> Self {
        Self::from_text(Arc::clone(&self.text))
    }
}

impl<T> PartialEq for HandleName<T> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<T> Eq for HandleName<T> {}

impl<T> Serialize for HandleName<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de, T> Deserialize<'de> for HandleName<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from_text)
    }
}

impl<T: HandleKind> JsonSchema for HandleName<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("HandleName_{}", T::NAME).into()
    }

    fn schema_id() -> Cow<'static, str> {
        format!("mcp_session::handle::HandleName<{}>", T::NAME).into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        // No pattern: what was made up is to be answered like what has expired.
        json_schema!({"type": "string", "description": hint::<T>()})
    }
}

/// The whole name, for the model. Do not log it.
impl<T> fmt::Display for HandleName<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Shows what kind of handle it is of, and not which.
impl<T: HandleKind> fmt::Debug for HandleName<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_…", T::PREFIX)
    }
}
