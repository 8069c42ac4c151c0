//! Factories: functions with names, which make entries from parameters that can be stored.

use std::{
    collections::BTreeMap,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use serde::de::DeserializeOwned;

use crate::catalog::{
    Entry, Origin, Prompt, Recipe, Resource, ResourceEntry, ResourceTemplate, Tool,
};
use crate::error::{BoxError, Error, Result};
use crate::protocol::Raw;
use crate::schema;

/// What a factory may return: an entry, or a result with one.
///
/// `E` is the kind of entry: a [`Tool`], a [`Prompt`], or a [`ResourceEntry`], which both a
/// [`Resource`] and a [`ResourceTemplate`] are. It is never implemented by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not what a factory of this kind returns",
    label = "not a `{E}`, nor a `Result` with one"
)]
pub trait IntoMade<E> {
    /// The entry, or why there is none.
    ///
    /// # Errors
    ///
    /// What the factory returned.
    fn into_made(self) -> Result<E, BoxError>;
}

impl IntoMade<Self> for Tool {
    fn into_made(self) -> Result<Self, BoxError> {
        Ok(self)
    }
}

impl IntoMade<Self> for Prompt {
    fn into_made(self) -> Result<Self, BoxError> {
        Ok(self)
    }
}

impl IntoMade<ResourceEntry> for Resource {
    fn into_made(self) -> Result<ResourceEntry, BoxError> {
        Ok(self.into())
    }
}

impl IntoMade<ResourceEntry> for ResourceTemplate {
    fn into_made(self) -> Result<ResourceEntry, BoxError> {
        Ok(self.into())
    }
}

impl IntoMade<Self> for ResourceEntry {
    fn into_made(self) -> Result<Self, BoxError> {
        Ok(self)
    }
}

impl<E, T: IntoMade<E>, X: Into<BoxError>> IntoMade<E> for Result<T, X> {
    fn into_made(self) -> Result<E, BoxError> {
        self.map_err(Into::into)?.into_made()
    }
}

/// The factories of a template, by name.
#[derive(Default)]
pub(crate) struct Factories {
    by_name: BTreeMap<Arc<str>, Box<Make>>,
}

type Make = dyn Fn(&Raw) -> Result<Entry, Refused> + Send + Sync;

/// Why a factory made nothing.
enum Refused {
    Params(BoxError),
    Itself(BoxError),
}

impl Factories {
    /// Registers a factory; says what is wrong with its name.
    pub(crate) fn register<E, P, T>(
        &mut self,
        name: Arc<str>,
        make: impl Fn(P) -> T + Send + Sync + 'static,
    ) -> Result<(), &'static str>
    where
        E: Into<Entry>,
        P: DeserializeOwned + 'static,
        T: IntoMade<E>,
    {
        if name.is_empty() {
            return Err("it has no name");
        }
        if self.by_name.contains_key(&name) {
            return Err("registered twice");
        }
        self.by_name.insert(name, Self::erased(make));
        Ok(())
    }

    fn erased<E, P, T>(make: impl Fn(P) -> T + Send + Sync + 'static) -> Box<Make>
    where
        E: Into<Entry>,
        P: DeserializeOwned + 'static,
        T: IntoMade<E>,
    {
        Box::new(move |params| {
            let params = schema::decode_args(params.as_str());
            let params = params.map_err(|error| Refused::Params(error.into()))?;
            let made = make(params).into_made().map_err(Refused::Itself)?;
            Ok(made.into())
        })
    }

    /// Makes an entry, which remembers how it was made.
    pub(crate) fn make(&self, factory: &str, params: Raw) -> Result<Entry> {
        let Some((name, make)) = self.by_name.get_key_value(factory) else {
            return Err(Error::factory(factory, "is not registered", None));
        };
        let made = catch_unwind(AssertUnwindSafe(|| make(&params)));
        let made = made.map_err(|_| Error::factory(factory, "panicked", None))?;
        let entry = made.map_err(|refused| match refused {
            Refused::Params(error) => {
                Error::factory(factory, "does not take these parameters", Some(error))
            }
            Refused::Itself(error) => Error::factory(factory, "made nothing", Some(error)),
        })?;
        let recipe = Recipe::new(Arc::clone(name), params);
        Ok(entry.made_by(Arc::new(Origin::Made(recipe))))
    }
}

impl Entry {
    fn made_by(self, origin: Arc<Origin>) -> Self {
        match self {
            Self::Tool(tool) => Self::Tool(tool.made_by(origin)),
            Self::Prompt(prompt) => Self::Prompt(prompt.made_by(origin)),
            Self::Resource(resource) => Self::Resource(resource.made_by(origin)),
            Self::ResourceTemplate(template) => Self::ResourceTemplate(template.made_by(origin)),
        }
    }
}

impl fmt::Debug for Factories {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_name.keys()).finish()
    }
}
