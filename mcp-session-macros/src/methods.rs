//! Methods under `#[tools]`.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::{
    Attribute, FnArg, Ident, ImplItem, ImplItemFn, ItemImpl, Meta, ReturnType, Token, Type,
    Visibility, ext::IdentExt, parse::Parse, parse::ParseStream, visit_mut::VisitMut,
};

use crate::code::code;
use crate::docs;
use crate::errors::Errors;
use crate::function;
use crate::kind::Kind;
use crate::options::Options;
use crate::params;
use crate::steps::{Function, This};

/// Expands `#[tools]` on one `impl` block.
pub(crate) fn expand(options: TokenStream, item: &TokenStream) -> TokenStream {
    let expectation =
        || "`#[tools]` goes on an `impl` block, and `#[tool]` on a function".to_owned();
    let mut block: ItemImpl = match function::parse_item(item, expectation) {
        Ok(block) => block,
        Err(kept) => return kept,
    };
    let mut errors = Errors::default();
    let wants_maker = !options.is_empty();
    let maker = if wants_maker {
        errors.take(syn::parse2::<Maker>(options))
    } else {
        None
    };
    let maker_is_known = maker.is_some() == wants_maker;
    check(&block, &mut errors);
    let ty = block.self_ty.clone();
    let mut entries = Vec::new();
    for item in &mut block.items {
        if let ImplItem::Fn(method) = item {
            entries.extend(entry(method, &ty, &mut errors));
        }
    }
    if entries.is_empty() && errors.is_empty() {
        let message = "no method here is a `#[tool]`, `#[prompt]` or `#[resource(\"..\")]`";
        errors.push(syn::Error::new(Span::call_site(), message));
    }
    // Where it is not known what to make, a guess could cause further errors.
    let guessed = block.trait_.is_some() || !block.generics.params.is_empty() || !maker_is_known;
    let made = (!guessed).then(|| made(maker.as_ref(), &ty, &entries, &errors));
    let errors = errors.into_tokens();
    code!(#block #made #errors)
}

/// `pub fn name`: the method that makes the entries of a further block.
struct Maker {
    visibility: Visibility,
    name: Ident,
}

impl Parse for Maker {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let visibility = input.parse()?;
        input.parse::<Token![fn]>()?;
        Ok(Self {
            visibility,
            name: input.parse()?,
        })
    }
}

fn check(block: &ItemImpl, errors: &mut Errors) {
    if let Some((_, path, _)) = &block.trait_ {
        errors.add(
            path,
            "`#[tools]` goes on a type's own `impl` block, not on that of a trait",
        );
    }
    if let Some(generic) = block.generics.params.first() {
        errors.add(
            generic,
            "the type cannot be generic: what its methods take must be known here",
        );
    }
}

/// The code that makes the entries available; without them where there are mistakes, so that
/// whoever registers the type gets no further errors.
fn made(maker: Option<&Maker>, ty: &Type, entries: &[TokenStream], errors: &Errors) -> TokenStream {
    let body = if errors.is_empty() {
        code! {
            let mut entries = ::mcp_session::__private::Vec::new();
            #(#entries)*
            entries
        }
    } else {
        code!(::core::unreachable!())
    };
    let list = code!(::mcp_session::__private::Vec<::mcp_session::catalog::Entry>);
    if let Some(Maker { visibility, name }) = maker {
        return code! {
            impl #ty {
                /// The entries that methods of this value serve.
                #visibility fn #name(self: &::std::sync::Arc<Self>) -> #list { #body }
            }
        };
    }
    code! {
        impl ::mcp_session::catalog::Entries for #ty {
            fn entries(self: ::std::sync::Arc<Self>) -> #list { #body }
        }
    }
}

/// A statement that makes the entry of one method and adds it to `entries`.
fn entry(method: &mut ImplItemFn, ty: &Type, errors: &mut Errors) -> Option<TokenStream> {
    let position = method
        .attrs
        .iter()
        .position(|attribute| kind_of(attribute).is_some())?;
    let attribute = method.attrs.remove(position);
    let kind = kind_of(&attribute)?;
    if let Some(other) = method
        .attrs
        .iter()
        .find(|attribute| kind_of(attribute).is_some())
    {
        errors.add(
            other,
            "a method is one entry: make a second method that calls this one",
        );
    }
    method
        .attrs
        .retain(|attribute| kind_of(attribute).is_none());
    let tokens = match &attribute.meta {
        Meta::List(list) => list.tokens.clone(),
        Meta::Path(_) | Meta::NameValue(_) => TokenStream::new(),
    };
    let options = Options::parse(kind, tokens, errors);
    function::check(kind, &method.sig, errors);
    let passed = receiver(method, errors);
    let mut params = params::parse(kind, &mut method.sig, errors);
    let mut output = method.sig.output.clone();
    let mut outside = Outside(ty);
    for param in &mut params {
        outside.visit_type_mut(&mut param.ty);
    }
    if let ReturnType::Type(_, ty) = &mut output {
        outside.visit_type_mut(ty);
    }
    let (name, cfgs) = (&method.sig.ident, cfgs(&method.attrs));
    let function = Function {
        name: name.unraw().to_string(),
        docs: docs::text(&method.attrs),
        options,
        params,
        output,
        callee: code!(<#ty>::#name),
        this: This::Shared {
            ty: Box::new(ty.clone()),
            passed,
        },
    };
    let entry = function::entry(kind, &function);
    let allowed = allow();
    method.attrs.push(allowed);
    Some(code! {
        #(#cfgs)*
        {
            let this = ::std::sync::Arc::clone(&self);
            entries.push(::mcp_session::catalog::Entry::from(#entry));
        }
    })
}

fn kind_of(attribute: &Attribute) -> Option<Kind> {
    let last = attribute.path().segments.last()?;
    Kind::ALL.into_iter().find(|kind| last.ident == kind.name())
}

/// Whether the method takes `&self`; other receivers are mistakes.
fn receiver(method: &ImplItemFn, errors: &mut Errors) -> bool {
    let Some(FnArg::Receiver(receiver)) = method.sig.inputs.first() else {
        return false;
    };
    if receiver.reference.is_none()
        || receiver.mutability.is_some()
        || receiver.colon_token.is_some()
    {
        let message = "calls run at the same time and share the value: take `&self`";
        errors.add(receiver, message);
    }
    true
}

/// The attributes that decide whether a method is there at all.
fn cfgs(attributes: &[Attribute]) -> Vec<TokenStream> {
    let cfgs = attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"));
    cfgs.map(ToTokens::to_token_stream).collect()
}

/// What the attribute asks of the author and lints would complain about.
fn allow() -> Attribute {
    syn::parse_quote! {
        #[allow(
            clippy::too_many_arguments,
            clippy::unused_async,
            reason = "the parameters are what clients fill in, and entries are async"
        )]
    }
}

/// Replaces `Self`, which means something else in the code that is made.
struct Outside<'a>(&'a Type);

impl VisitMut for Outside<'_> {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        match ty {
            Type::Path(path) if path.qself.is_none() && path.path.is_ident("Self") => {
                *ty = self.0.clone();
            }
            _ => syn::visit_mut::visit_type_mut(self, ty),
        }
    }
}
