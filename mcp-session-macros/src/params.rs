//! The parameters of a function.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{
    Attribute, Expr, ExprLit, FnArg, Ident, Lit, Meta, Pat, PatType, Signature, Type, ext::IdentExt,
};

use crate::code::{code, code_at};
use crate::docs;
use crate::errors::Errors;
use crate::kind::Kind;

/// The most parameters that a function may have and still be registered by its name.
const MOST: usize = 16;

/// One parameter.
pub(crate) struct Param {
    pub(crate) ident: Ident,
    /// The name the client knows it by.
    pub(crate) name: String,
    pub(crate) ty: Type,
    pub(crate) description: String,
    /// What it is when the client does not say.
    pub(crate) default: Option<TokenStream>,
    /// What suggests values for it.
    pub(crate) completer: Option<Expr>,
    /// What the user is asked to get it; it is no argument then.
    pub(crate) question: Option<Expr>,
}

/// Reads the parameters, and takes off what is for the macro only.
pub(crate) fn parse(kind: Kind, signature: &mut Signature, errors: &mut Errors) -> Vec<Param> {
    let typed = signature.inputs.iter_mut().filter_map(|input| match input {
        FnArg::Typed(typed) => Some(typed),
        FnArg::Receiver(_) => None,
    });
    let params: Vec<Param> = typed
        .filter_map(|typed| param(kind, typed, errors))
        .collect();
    if params.len() > MOST {
        let message = "more than 16 parameters: put the arguments into a struct and build the \
                       entry with `handler`";
        errors.add(&params[MOST].ident, message);
    }
    params
}

fn param(kind: Kind, typed: &mut PatType, errors: &mut Errors) -> Option<Param> {
    let description = docs::text(&typed.attrs);
    let (mut default, mut completer, mut question) = (None, None, None);
    for attribute in &typed.attrs {
        if attribute.path().is_ident("default") {
            default = errors.take(default_of(attribute, &typed.ty));
        } else if attribute.path().is_ident("complete") {
            if kind == Kind::Tool {
                errors.add(
                    attribute,
                    "the arguments of tools are filled in by models, without suggestions",
                );
            }
            completer = errors.take(attribute.parse_args::<Expr>());
        } else if attribute.path().is_ident("ask") {
            question = errors.take(attribute.parse_args::<Expr>());
        } else if attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr") {
            errors.add(
                attribute,
                "a parameter cannot be there at times only: it is part of the schema",
            );
        }
    }
    check_question(
        typed,
        question.as_ref(),
        default.is_some() || completer.is_some(),
        errors,
    );
    let ours = ["doc", "default", "complete", "ask", "cfg", "cfg_attr"];
    typed
        .attrs
        .retain(|attribute| !ours.iter().any(|name| attribute.path().is_ident(name)));
    if let Type::Reference(reference) = &*typed.ty {
        errors.add(reference, owned(&reference.elem));
        return None;
    }
    if let Type::ImplTrait(opaque) = &*typed.ty {
        errors.add(
            opaque,
            "the type of a parameter must be known: it is part of the schema",
        );
        return None;
    }
    match &*typed.pat {
        Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => Some(Param {
            ident: pat.ident.clone(),
            name: pat.ident.unraw().to_string(),
            ty: (*typed.ty).clone(),
            description,
            default,
            completer,
            question,
        }),
        other => {
            errors.add(
                other,
                "give this parameter a name: it is what the client knows it by",
            );
            None
        }
    }
}

/// Notes what does not go together with a question, and one that is missing.
fn check_question(
    typed: &PatType,
    question: Option<&Expr>,
    is_argument: bool,
    errors: &mut Errors,
) {
    match question {
        Some(question) if is_argument => errors.add(
            question,
            "what the user is asked for is no argument: it has no default and no suggestions",
        ),
        None if is_elicit(&typed.ty) => errors.add(
            &typed.ty,
            "say what the user is asked: put `#[ask(\"…\")]` before this parameter",
        ),
        _ => {}
    }
}

fn is_elicit(ty: &Type) -> bool {
    match ty {
        Type::Path(path) => path
            .path
            .segments
            .last()
            .is_some_and(|last| last.ident == "Elicit" && !last.arguments.is_empty()),
        _ => false,
    }
}

fn owned(borrowed: &Type) -> String {
    let better = match borrowed.to_token_stream().to_string().as_str() {
        "str" => "; take a `String`",
        _ => "",
    };
    format!("parameters are owned, because a call may outlive the request that made it{better}")
}

/// The default of a parameter. A text literal becomes whatever owned text the parameter is.
fn default_of(attribute: &Attribute, ty: &Type) -> syn::Result<TokenStream> {
    let value = match &attribute.meta {
        Meta::Path(_) => return Ok(code!(<#ty as ::core::default::Default>::default())),
        Meta::NameValue(pair) => pair.value.clone(),
        Meta::List(list) => list.parse_args::<Expr>()?,
    };
    Ok(match &value {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) => {
            code_at!(&text => <#ty as ::mcp_session::__private::FromText>::from_text(#text))
        }
        other => other.to_token_stream(),
    })
}
