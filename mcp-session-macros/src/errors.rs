//! All mistakes of one item, reported together.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::Error;

/// Mistakes found so far.
#[derive(Debug, Default)]
pub(crate) struct Errors {
    found: Option<Error>,
}

impl Errors {
    /// Notes a mistake where `at` stands.
    pub(crate) fn add(&mut self, at: impl ToTokens, message: impl Display) {
        self.push(Error::new_spanned(at, message));
    }

    /// Notes a mistake that was found by a parser.
    pub(crate) fn push(&mut self, error: Error) {
        match &mut self.found {
            Some(found) => found.combine(error),
            None => self.found = Some(error),
        }
    }

    /// Notes the mistake of a result, if it is one.
    pub(crate) fn take<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_none()
    }

    /// The mistakes as code that does not compile; nothing when there are none.
    pub(crate) fn into_tokens(self) -> TokenStream {
        self.found
            .map(|error| error.to_compile_error())
            .unwrap_or_default()
    }
}
