//! What stands in the parentheses of an attribute.

use proc_macro2::TokenStream;
use quote::format_ident;
use syn::{
    Expr, ExprLit, Ident, Lit, LitBool, LitStr, Meta, Token,
    parse::{Parse, ParseStream, Parser},
    punctuated::Punctuated,
};

use crate::code::code;
use crate::errors::Errors;
use crate::kind::Kind;
use crate::uri;

/// What the client can be asked to be able to do, and the capability of that name.
const CAPABILITIES: [(&str, &str); 5] = [
    ("roots", "Roots"),
    ("sampling", "Sampling"),
    ("sampling_tools", "SamplingTools"),
    ("elicitation", "Elicitation"),
    ("url_elicitation", "UrlElicitation"),
];

/// The options of one attribute.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) name: Option<Expr>,
    pub(crate) description: Option<Expr>,
    /// Only resources have one.
    pub(crate) uri: Option<LitStr>,
    /// The variables of the URI.
    pub(crate) variables: Vec<String>,
    /// Calls of the builder's setters, such as `.read_only()`.
    pub(crate) setters: Vec<TokenStream>,
    /// Variants of `Capability`.
    pub(crate) needs: Vec<Ident>,
    /// Scopes.
    pub(crate) guards: Vec<Expr>,
    /// Calls of the signature's setters, such as `.timeout(…)`.
    pub(crate) limits: Vec<TokenStream>,
}

/// One option: a text without a name, or something with one.
enum Item {
    Text(LitStr),
    Named(Box<Meta>),
}

impl Parse for Item {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(LitStr) {
            input.parse().map(Self::Text)
        } else {
            input.parse().map(Box::new).map(Self::Named)
        }
    }
}

impl Options {
    /// Reads the options of an attribute of this kind.
    pub(crate) fn parse(kind: Kind, tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut options = Self::default();
        let parser = Punctuated::<Item, Token![,]>::parse_terminated;
        let items = errors.take(parser.parse2(tokens)).unwrap_or_default();
        let mut seen = Vec::new();
        for item in items {
            match item {
                Item::Text(uri) => options.uri(kind, uri, errors),
                Item::Named(meta) => {
                    let name = meta
                        .path()
                        .get_ident()
                        .map(Ident::to_string)
                        .unwrap_or_default();
                    if seen.contains(&name) {
                        errors.add(meta.path(), format_args!("`{name}` is given twice"));
                    }
                    options.named(kind, &name, &meta, errors);
                    seen.push(name);
                }
            }
        }
        if kind == Kind::Resource && options.uri.is_none() && errors.is_empty() {
            let message = "give the URI, as in `#[resource(\"notes://{id}\")]`";
            errors.push(syn::Error::new(proc_macro2::Span::call_site(), message));
        }
        options
    }

    fn uri(&mut self, kind: Kind, uri: LitStr, errors: &mut Errors) {
        if kind != Kind::Resource || self.uri.is_some() {
            let message = "a text without a name is not an option: did you mean `name = \"…\"`?";
            errors.add(&uri, message);
            return;
        }
        match uri::variables(&uri.value()) {
            Ok(variables) => self.variables = variables,
            Err(problem) => errors.add(&uri, format_args!("this is no URI template: {problem}")),
        }
        self.uri = Some(uri);
    }

    fn named(&mut self, kind: Kind, name: &str, meta: &Meta, errors: &mut Errors) {
        match (kind, name) {
            (_, "name") => {
                self.name = errors.take(value(meta));
                if let (Kind::Tool, Some(name)) = (kind, &self.name) {
                    check_tool_name(name, errors);
                }
            }
            (_, "description") => self.description = errors.take(value(meta)),
            (_, "title") | (Kind::Resource, "mime_type" | "cache") => {
                if let Some(value) = errors.take(value(meta)) {
                    let setter = format_ident!("{name}");
                    self.setters.push(code!(.#setter(#value)));
                }
            }
            (_, "needs") => self.needs(meta, errors),
            (_, "guard") => {
                let parser = Punctuated::<Expr, Token![,]>::parse_terminated;
                let scopes = meta
                    .require_list()
                    .and_then(|list| list.parse_args_with(parser));
                self.guards
                    .extend(errors.take(scopes).into_iter().flatten());
            }
            (_, "park") => {
                if let Some(time) = errors.take(value(meta).and_then(|value| duration(&value))) {
                    self.limits.push(code!(.park(#time)));
                }
            }
            (_, "answers_without_state") => {
                if errors.take(flag(meta)) == Some(true) {
                    self.limits.push(code!(.answers_without_state()));
                }
            }
            (Kind::Tool, "timeout") => {
                if let Some(timeout) = errors.take(value(meta).and_then(|value| duration(&value))) {
                    self.limits.push(code!(.timeout(#timeout)));
                }
            }
            (Kind::Tool, "calls_per_second") => {
                if let Some(calls) = errors.take(value(meta)) {
                    self.limits.push(code!(.calls_per_second(#calls)));
                }
            }
            (Kind::Tool, "read_only" | "idempotent" | "destructive" | "open_world") => {
                let Some(flag) = errors.take(flag(meta)) else {
                    return;
                };
                let setter = match (name, flag) {
                    ("read_only" | "idempotent", false) => return,
                    ("destructive", false) => "non_destructive",
                    ("open_world", false) => "closed_world",
                    (name, _) => name,
                };
                let setter = format_ident!("{setter}");
                self.setters.push(code!(.#setter()));
            }
            _ => errors.add(meta.path(), unknown(kind)),
        }
    }

    fn needs(&mut self, meta: &Meta, errors: &mut Errors) {
        let parser = Punctuated::<Ident, Token![,]>::parse_terminated;
        let named = meta
            .require_list()
            .and_then(|list| list.parse_args_with(parser));
        for ident in errors.take(named).into_iter().flatten() {
            if let Some((_, variant)) = CAPABILITIES.iter().find(|(name, _)| ident == name) {
                self.needs.push(Ident::new(variant, ident.span()));
            } else {
                let known = CAPABILITIES.map(|(name, _)| format!("`{name}`")).join(", ");
                errors.add(&ident, format_args!("a client can be asked for {known}"));
            }
        }
    }
}

fn unknown(kind: Kind) -> String {
    let known = match kind {
        Kind::Tool => {
            "`name`, `title`, `description`, `read_only`, `destructive`, `idempotent`, \
             `open_world`, `timeout`, `calls_per_second`, `park`, `answers_without_state`, \
             `needs(..)`, `guard(..)`"
        }
        Kind::Prompt => {
            "`name`, `title`, `description`, `park`, `answers_without_state`, `needs(..)`, \
             `guard(..)`"
        }
        Kind::Resource => {
            "the URI, `name`, `title`, `description`, `mime_type`, `cache`, `park`, \
             `answers_without_state`, `needs(..)`, `guard(..)`"
        }
    };
    format!("not an option of `#[{}]`, which has {known}", kind.name())
}

fn value(meta: &Meta) -> syn::Result<Expr> {
    meta.require_name_value().map(|pair| pair.value.clone())
}

/// A time: a text such as `"5s"`, or an expression that is a `Duration`.
fn duration(value: &Expr) -> syn::Result<TokenStream> {
    let Expr::Lit(ExprLit { lit, .. }) = value else {
        return Ok(code!(#value));
    };
    let wrong = || {
        let message = "expected a time such as `\"500ms\"`, `\"5s\"` or `\"2m\"`, or a `Duration`";
        syn::Error::new_spanned(lit, message)
    };
    let Lit::Str(text) = lit else {
        return Err(wrong());
    };
    let text = text.value();
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let number: u64 = text[..text.len() - unit.len()]
        .parse()
        .map_err(|_| wrong())?;
    let one = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        _ => return Err(wrong()),
    };
    let millis = number.checked_mul(one).filter(|millis| *millis > 0);
    let millis = millis.ok_or_else(wrong)?;
    Ok(code!(::mcp_session::__private::Duration::from_millis(#millis)))
}

/// A flag by its name, or with `= true` or `= false`.
fn flag(meta: &Meta) -> syn::Result<bool> {
    match meta {
        Meta::Path(_) => Ok(true),
        Meta::NameValue(pair) => match &pair.value {
            Expr::Lit(ExprLit {
                lit: Lit::Bool(LitBool { value, .. }),
                ..
            }) => Ok(*value),
            other => Err(syn::Error::new_spanned(other, "expected `true` or `false`")),
        },
        Meta::List(list) => Err(syn::Error::new_spanned(list, "expected no parentheses")),
    }
}

/// Checks a tool's name where it is a literal (2025-11-25 and later, "Tools", "Tool Names").
fn check_tool_name(name: &Expr, errors: &mut Errors) {
    let Expr::Lit(ExprLit {
        lit: Lit::Str(text),
        ..
    }) = name
    else {
        return;
    };
    let value = text.value();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if value.is_empty() || value.len() > 128 || !value.chars().all(allowed) {
        errors.add(
            text,
            "the name of a tool has 1 to 128 of `A-Z a-z 0-9 _ . -`",
        );
    }
}
