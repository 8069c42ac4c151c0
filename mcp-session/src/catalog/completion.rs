//! Suggestions for what a user is typing.

use std::{collections::BTreeMap, sync::Arc};

use crate::catalog::function::{Handler, Head, Input};
use crate::catalog::handler::{BoxFuture, Completer};
use crate::catalog::via::{ViaFunction, ViaList, ViaRequest};
use crate::context::{Context, Needs};
use crate::error::ToolError;
use crate::protocol::Completion;

/// What is being typed: the argument of a prompt or the variable of a resource template.
///
/// Take it as the first parameter of a completer.
#[derive(Debug, Clone)]
pub struct CompletionRequest {
    argument: String,
    value: String,
    context: BTreeMap<String, String>,
}

impl CompletionRequest {
    pub(crate) fn new(
        argument: impl Into<String>,
        value: impl Into<String>,
        context: BTreeMap<String, String>,
    ) -> Self {
        Self {
            argument: argument.into(),
            value: value.into(),
            context,
        }
    }

    /// The argument or variable.
    pub fn argument(&self) -> &str {
        &self.argument
    }

    /// What has been typed of it so far.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// What another argument was filled in with already (since 2025-06-18).
    pub fn filled_in(&self, argument: &str) -> Option<&str> {
        self.context.get(argument).map(String::as_str)
    }
}

/// What suggests values: a fixed list, of which those that begin like what was typed are
/// suggested, or an async function that takes a [`CompletionRequest`].
///
/// `M` is inferred. It is never implemented by hand.
///
/// # Examples
///
/// ```
/// use mcp_session::{CompletionRequest, Prompt};
///
/// Prompt::new("plan")
///     .argument("city", "Where to go.")
///     .complete("city", ["Oslo", "Lima"])
///     .argument("street", "Where exactly.")
///     .complete("street", |request: CompletionRequest| async move {
///         match request.filled_in("city") {
///             Some("Oslo") => vec!["Karl Johans gate".to_owned()],
///             _ => Vec::new(),
///         }
///     })
///     .handler(async || "Let us go.");
/// ```
#[diagnostic::on_unimplemented(
    message = "this cannot suggest values",
    label = "not a completer",
    note = "a completer is a list of texts, or an async function that takes a `CompletionRequest` and answers with a `Vec<String>`, a `Completion`, or a `Result` of one of these"
)]
pub trait IntoCompleter<M> {
    #[doc(hidden)]
    fn into_completer(self) -> SharedCompleter;
}

/// Who suggests values, by argument or variable.
#[derive(Debug, Clone, Default)]
pub(crate) struct Completers(Vec<(String, SharedCompleter)>);

impl Completers {
    pub(crate) fn add(&mut self, argument: String, completer: SharedCompleter) {
        self.0.push((argument, completer));
    }

    /// Who suggests values for an argument; the last one given.
    pub(crate) fn find(&self, argument: &str) -> Option<&Arc<dyn Completer>> {
        let mut newest_first = self.0.iter().rev();
        let (_, found) = newest_first.find(|(name, _)| name == argument)?;
        Some(&found.completer)
    }

    /// The arguments that values are suggested for, and what suggesting them needs.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Needs)> {
        self.0
            .iter()
            .map(|(argument, completer)| (argument.as_str(), &completer.needs))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Adds the setter of entries that values can be suggested for.
///
/// What the type's `change` gives has a member `completers`.
macro_rules! completing {
    ($type:ty) => {
        impl $type {
            /// Suggests values for an argument or variable: see
            /// [`IntoCompleter`](crate::catalog::IntoCompleter).
            pub fn complete<M>(
                mut self,
                argument: impl Into<String>,
                completer: impl $crate::catalog::IntoCompleter<M>,
            ) -> Self {
                self.change()
                    .completers
                    .add(argument.into(), completer.into_completer());
                self
            }
        }
    };
}

pub(super) use completing;

/// A completer that entries share.
#[derive(Clone)]
pub struct SharedCompleter {
    pub(crate) completer: Arc<dyn Completer>,
    pub(crate) needs: Needs,
}

impl std::fmt::Debug for SharedCompleter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SharedCompleter")
    }
}

/// What a completer may answer with.
#[diagnostic::on_unimplemented(
    message = "a completer cannot answer with `{Self}`",
    note = "a completer answers with a `Vec` of texts, a `Completion`, or a `Result` of one of these"
)]
pub trait IntoCompletion {
    /// Turns the value into a completion. Of more than 100 values the first 100 are sent.
    ///
    /// # Errors
    ///
    /// The completer failed.
    fn into_completion(self) -> Result<Completion, ToolError>;
}

impl IntoCompletion for Completion {
    fn into_completion(self) -> Result<Completion, ToolError> {
        if self.values.len() <= Self::MAX_VALUES {
            return Ok(self);
        }
        // The author may know of more values than are here.
        let cut = Self::new(self.values);
        let total = self.total.max(cut.total);
        Ok(Self {
            total,
            meta: self.meta,
            ..cut
        })
    }
}

impl<T: Into<String>> IntoCompletion for Vec<T> {
    fn into_completion(self) -> Result<Completion, ToolError> {
        Ok(Completion::new(self.into_iter().map(Into::into).collect()))
    }
}

impl<T: Into<String>, const N: usize> IntoCompletion for [T; N] {
    fn into_completion(self) -> Result<Completion, ToolError> {
        Vec::from(self).into_completion()
    }
}

impl<T: IntoCompletion, E: Into<ToolError>> IntoCompletion for Result<T, E> {
    fn into_completion(self) -> Result<Completion, ToolError> {
        self.map_err(Into::into)?.into_completion()
    }
}

impl<T: Into<String>, const N: usize> IntoCompleter<ViaList> for [T; N] {
    fn into_completer(self) -> SharedCompleter {
        Vec::from(self).into_completer()
    }
}

impl<T: Into<String>> IntoCompleter<ViaList> for Vec<T> {
    fn into_completer(self) -> SharedCompleter {
        let list = List(self.into_iter().map(Into::into).collect());
        SharedCompleter {
            completer: Arc::new(list),
            needs: Needs::default(),
        }
    }
}

impl<M, H> IntoCompleter<ViaFunction<M>> for H
where
    H: Handler<CompletionRequest, M, Output: IntoCompletion>,
{
    fn into_completer(self) -> SharedCompleter {
        let mut needs = Needs::default();
        H::describe(&mut needs);
        let handler = Arc::new(self);
        let run = move |request, ctx| {
            Arc::clone(&handler).start(request, ctx, IntoCompletion::into_completion)
        };
        SharedCompleter {
            completer: Arc::new(Function(run)),
            needs,
        }
    }
}

impl Input for CompletionRequest {
    type Signature = Needs;

    fn needs(signature: &mut Needs) -> &mut Needs {
        signature
    }
}

impl Head<Self, ViaRequest> for CompletionRequest {
    type Read = Self;

    fn describe(_signature: &mut Needs) {}

    fn read(input: Self) -> Result<Self, ToolError> {
        Ok(input)
    }

    async fn resolve(read: Self, _ctx: &Context) -> Result<Self, ToolError> {
        Ok(read)
    }
}

/// A fixed list.
struct List(Vec<String>);

impl Completer for List {
    fn run(
        &self,
        request: CompletionRequest,
        _ctx: Context,
    ) -> BoxFuture<Result<Completion, ToolError>> {
        let typed = request.value.to_lowercase();
        let fitting = self
            .0
            .iter()
            .filter(|value| value.to_lowercase().starts_with(&typed));
        let completion = Completion::new(fitting.cloned().collect());
        Box::pin(std::future::ready(Ok(completion)))
    }
}

/// An erased function.
struct Function<F>(F);

impl<F> Completer for Function<F>
where
    F: Fn(CompletionRequest, Context) -> BoxFuture<Result<Completion, ToolError>> + Send + Sync,
{
    fn run(
        &self,
        request: CompletionRequest,
        ctx: Context,
    ) -> BoxFuture<Result<Completion, ToolError>> {
        (self.0)(request, ctx)
    }
}
