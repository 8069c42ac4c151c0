//! What a template declares and answers beyond the core protocol.

use std::{collections::HashMap, fmt, pin::Pin, sync::Arc};

use serde_json::{Map, Value};

use crate::context::Context;
use crate::error::ToolError;
use crate::protocol::{Raw, method};
use crate::server::Session;

type Answering =
    Arc<dyn Fn(Raw, Context) -> BoxFuture<Result<Map<String, Value>, ToolError>> + Send + Sync>;
type Hearing = Arc<dyn Fn(Raw, Session) -> BoxFuture<()> + Send + Sync>;
type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The extensions of a template: what it declares, and the methods it answers for them.
#[derive(Default)]
pub(crate) struct Extensions {
    declared: Map<String, Value>,
    experimental: Map<String, Value>,
    methods: HashMap<Arc<str>, Answering>,
    notifications: HashMap<Arc<str>, Hearing>,
}

impl Extensions {
    pub(crate) fn declare(&mut self, name: String, settings: Map<String, Value>) {
        self.declared.insert(name, Value::Object(settings));
    }

    pub(crate) fn declare_experimental(&mut self, name: String, settings: Map<String, Value>) {
        self.experimental.insert(name, Value::Object(settings));
    }

    pub(crate) fn method<F, Fut>(&mut self, name: &str, handler: F) -> Result<(), &'static str>
    where
        F: Fn(Raw, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Map<String, Value>, ToolError>> + Send + 'static,
    {
        if method::is_defined(name) {
            return Err("the specification defines it");
        }
        let handler: Answering = Arc::new(move |params, ctx| Box::pin(handler(params, ctx)));
        match self.methods.insert(name.into(), handler) {
            None => Ok(()),
            Some(_) => Err("registered twice"),
        }
    }

    pub(crate) fn notification<F, Fut>(
        &mut self,
        name: &str,
        handler: F,
    ) -> Result<(), &'static str>
    where
        F: Fn(Raw, Session) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        if method::is_defined(name) {
            return Err("the specification defines it");
        }
        let handler: Hearing = Arc::new(move |params, session| Box::pin(handler(params, session)));
        match self.notifications.insert(name.into(), handler) {
            None => Ok(()),
            Some(_) => Err("registered twice"),
        }
    }

    pub(crate) fn declared(&self) -> &Map<String, Value> {
        &self.declared
    }

    pub(crate) fn experimental(&self) -> &Map<String, Value> {
        &self.experimental
    }

    /// The name as it was registered, and what answers it.
    pub(crate) fn answering(&self, method: &str) -> Option<&Answering> {
        self.methods.get(method)
    }

    pub(crate) fn hearing(&self, method: &str) -> Option<&Hearing> {
        self.notifications.get(method)
    }
}

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extensions")
            .field("declared", &self.declared)
            .field("experimental", &self.experimental)
            .field("methods", &self.methods.keys())
            .field("notifications", &self.notifications.keys())
            .finish()
    }
}
