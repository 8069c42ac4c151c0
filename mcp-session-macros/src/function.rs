//! Functions under `#[tool]`, `#[prompt]` and `#[resource]`.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident};
use syn::{
    Attribute, FnArg, Ident, Item, ItemFn, Pat, ReturnType, Signature, Visibility, ext::IdentExt,
    parse::Parse,
};

use crate::code::code;
use crate::docs;
use crate::errors::Errors;
use crate::kind::Kind;
use crate::options::Options;
use crate::params::{self, Param};
use crate::steps::{Function, This};
use crate::{prompt, resource, tool};

/// Expands one attribute on one function.
pub(crate) fn expand(kind: Kind, options: TokenStream, item: &TokenStream) -> TokenStream {
    let expectation = || format!("`#[{}]` goes on an `async fn`", kind.name());
    let mut function: ItemFn = match parse_item(item, expectation) {
        Ok(function) => function,
        Err(kept) => return kept,
    };
    let mut errors = Errors::default();
    let options = Options::parse(kind, options, &mut errors);
    check(kind, &function.sig, &mut errors);
    if let Some(receiver) = function.sig.receiver() {
        errors.add(
            receiver,
            "a method becomes an entry through `#[tools]` on its `impl` block",
        );
    }
    let params = params::parse(kind, &mut function.sig, &mut errors);
    if errors.is_empty() {
        return wrapped(kind, function, options, params);
    }
    let errors = errors.into_tokens();
    let kept = if can_be_wrapped(&function.sig) {
        stub(kind, function)
    } else {
        code!(#function)
    };
    code!(#kept #errors)
}

/// Reads an item of one kind, or keeps it and says what is wrong: `expectation` where it is an item
/// of another kind.
pub(crate) fn parse_item<T: Parse>(
    item: &TokenStream,
    expectation: impl FnOnce() -> String,
) -> Result<T, TokenStream> {
    syn::parse2(item.clone()).map_err(|error| {
        let error = match syn::parse2::<Item>(item.clone()) {
            Ok(other) => syn::Error::new_spanned(other, expectation()),
            Err(_) => error,
        };
        let error = error.to_compile_error();
        code!(#item #error)
    })
}

/// Notes what no entry's signature may have.
pub(crate) fn check(kind: Kind, signature: &Signature, errors: &mut Errors) {
    let name = kind.name();
    if signature.asyncness.is_none() {
        errors.add(
            signature.fn_token,
            format_args!("a {name} is an `async fn`"),
        );
    }
    if let Some(generic) = signature.generics.params.first() {
        let message = format!("a {name} cannot be generic: what it takes must be known here");
        errors.add(generic, message);
    }
    if let Some(constness) = &signature.constness {
        errors.add(constness, format_args!("a {name} cannot be `const`"));
    }
    if let Some(unsafety) = &signature.unsafety {
        errors.add(
            unsafety,
            format_args!("a {name} cannot be `unsafe`: anybody may call it"),
        );
    }
    if let Some(abi) = &signature.abi {
        errors.add(
            abi,
            format_args!("a {name} has Rust's own calling convention"),
        );
    }
}

/// Runs the expansion for this kind.
pub(crate) fn entry(kind: Kind, function: &Function) -> TokenStream {
    match kind {
        Kind::Tool => tool::entry(function),
        Kind::Prompt => prompt::entry(function),
        Kind::Resource => {
            let entry = resource::entry(function);
            code!(::mcp_session::catalog::ResourceEntry::from(#entry))
        }
    }
}

/// The function inside one of the same name, which returns the same future in a type that knows
/// the entry.
fn wrapped(kind: Kind, function: ItemFn, options: Options, params: Vec<Param>) -> TokenStream {
    let parts = Parts::of(function, &params);
    let called = parts.inner.sig.ident.clone();
    let description = Function {
        name: parts.outer.ident.unraw().to_string(),
        docs: docs::text(&parts.attributes),
        options,
        params,
        output: parts.outer.output.clone(),
        callee: called.to_token_stream(),
        this: This::Nothing,
    };
    let entry = entry(kind, &description);
    parts.into_tokens(kind, &code!({ let this = (); #entry }))
}

/// The wrapped function without its entry, for a function with mistakes: whoever uses it gets no
/// further errors.
fn stub(kind: Kind, function: ItemFn) -> TokenStream {
    Parts::of(function, &[]).into_tokens(kind, &code!({ ::core::unreachable!() }))
}

/// Whether wrapping works in spite of mistakes.
fn can_be_wrapped(signature: &Signature) -> bool {
    let by_name = |input: &FnArg| match input {
        FnArg::Typed(typed) => {
            matches!(&*typed.pat, Pat::Ident(_))
                && !matches!(
                    &*typed.ty,
                    syn::Type::Reference(_) | syn::Type::ImplTrait(_)
                )
        }
        FnArg::Receiver(_) => false,
    };
    signature.asyncness.is_some()
        && signature.constness.is_none()
        && signature.unsafety.is_none()
        && signature.abi.is_none()
        && signature.generics.params.is_empty()
        && signature.inputs.iter().all(by_name)
}

/// A function taken apart: what callers see, and what they do not.
struct Parts {
    attributes: Vec<Attribute>,
    visibility: Visibility,
    outer: Signature,
    inner: ItemFn,
    /// What callers pass.
    arguments: Vec<Ident>,
}

impl Parts {
    fn of(mut function: ItemFn, params: &[Param]) -> Self {
        let is_outer = |attribute: &Attribute| {
            let outer = [
                "doc",
                "deprecated",
                "cfg",
                "allow",
                "warn",
                "deny",
                "forbid",
                "expect",
            ];
            outer.iter().any(|name| attribute.path().is_ident(name))
        };
        let attributes = std::mem::take(&mut function.attrs);
        let (attributes, inner) = attributes.into_iter().partition(is_outer);
        function.attrs = inner;
        let visibility = std::mem::replace(&mut function.vis, Visibility::Inherited);
        let mut outer = function.sig.clone();
        outer.asyncness = None;
        let mut arguments = Vec::new();
        for input in &mut outer.inputs {
            let FnArg::Typed(typed) = input else { continue };
            typed.attrs.clear();
            if let Pat::Ident(pat) = &mut *typed.pat {
                pat.mutability = None;
                arguments.push(pat.ident.clone());
            }
        }
        // A parameter of the function's own name would hide it where it is called.
        if params.iter().any(|param| param.ident == outer.ident) {
            function.sig.ident = format_ident!("{}_", outer.ident.unraw());
        }
        Self {
            attributes,
            visibility,
            outer,
            inner: function,
            arguments,
        }
    }

    fn into_tokens(self, kind: Kind, entry: &TokenStream) -> TokenStream {
        let Self {
            attributes,
            visibility,
            mut outer,
            inner,
            arguments,
        } = self;
        let (called, entry_type) = (inner.sig.ident.clone(), kind.entry());
        let answer = match &outer.output {
            ReturnType::Default => code!(()),
            ReturnType::Type(_, ty) => code!(#ty),
        };
        let calling = code!(-> impl ::mcp_session::catalog::Calling<#entry_type, Output = #answer>);
        outer.output = syn::parse2(calling).unwrap_or(ReturnType::Default);
        code! {
            #(#attributes)*
            #[allow(
                clippy::too_many_arguments,
                clippy::unused_async,
                reason = "the parameters are what clients fill in, and entries are async"
            )]
            #visibility #outer {
                #inner
                struct __McpEntry;
                impl ::mcp_session::__private::Makes<#entry_type> for __McpEntry {
                    fn entry() -> #entry_type {
                        // What many sessions are given is made, checked and held once.
                        static ENTRY: ::mcp_session::__private::OnceLock<#entry_type> =
                            ::mcp_session::__private::OnceLock::new();
                        ::mcp_session::__private::Clone::clone(ENTRY.get_or_init(|| #entry))
                    }
                }
                ::mcp_session::__private::Call::new(#called(#(#arguments),*), __McpEntry)
            }
        }
    }
}
