//! Dependencies: what all sessions of a template share, found by type.

use std::{
    any::{Any, TypeId, type_name},
    collections::HashMap,
    fmt,
    ops::Deref,
    sync::Arc,
};

use crate::context::{Context, FromContext, Needs};
use crate::error::ToolError;

/// A dependency given to the template with
/// [`provide`](crate::server::TemplateBuilder::provide): one value, shared by all sessions.
///
/// Take it as a parameter of a handler. `Template::build` fails when a handler needs a type
/// nobody provides, so a handler that runs has it. In a unit test make one with
/// [`Dep::new`].
///
/// # Examples
///
/// ```
/// use mcp_session::{Dep, Template, tool};
///
/// struct Greeting(String);
///
/// /// Greets.
/// #[tool]
/// async fn greet(name: String, greeting: Dep<Greeting>) -> String {
///     format!("{}, {name}!", greeting.0)
/// }
///
/// let hello = Greeting("Hello".to_owned());
/// Template::builder("greeter", "1.0.0").provide(hello).tool(greet).build()?;
/// assert!(Template::builder("greeter", "1.0.0").tool(greet).build().is_err());
/// # Ok::<(), mcp_session::Error>(())
/// ```
pub struct Dep<T: ?Sized>(Arc<T>);

impl<T> Dep<T> {
    /// A dependency of its own, for calling a handler in a unit test.
    pub fn new(value: T) -> Self {
        Self(Arc::new(value))
    }
}

impl<T> Dep<T> {
    /// The shared value itself, to keep beyond the request.
    pub fn into_arc(self) -> Arc<T> {
        self.0
    }
}

impl<T> Clone for Dep<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for Dep<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: fmt::Debug> fmt::Debug for Dep<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Dep").field(&self.0).finish()
    }
}

impl<T: Send + Sync + 'static> FromContext for Dep<T> {
    async fn from_context(ctx: &Context) -> Result<Self, ToolError> {
        let found = ctx.now().parts.host.deps().find::<T>();
        found.map(Self).ok_or_else(|| {
            ToolError::new(format!("this server provides no `{}`", type_name::<T>()))
        })
    }

    fn needs(needs: &mut Needs) {
        needs.dependency::<T>();
    }
}

/// What a template provides, by type.
#[derive(Clone, Default)]
pub(crate) struct Deps {
    values: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
}

impl Deps {
    /// Adds a value; false when one of its type was there already.
    pub(crate) fn provide<T: Send + Sync + 'static>(&mut self, value: Arc<T>) -> bool {
        self.values.insert(TypeId::of::<T>(), value).is_none()
    }

    pub(crate) fn find<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let value = Arc::clone(self.values.get(&TypeId::of::<T>())?);
        value.downcast().ok()
    }

    pub(crate) fn has(&self, dependency: TypeId) -> bool {
        self.values.contains_key(&dependency)
    }
}

impl fmt::Debug for Deps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Deps({})", self.values.len())
    }
}
