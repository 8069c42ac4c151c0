//! The steps that the entries of all kinds have in common.

use proc_macro2::{Ident, Span, TokenStream};
use quote::format_ident;
use syn::{ReturnType, Type, TypeImplTrait, visit::Visit};

use crate::code::{code, code_at};
use crate::options::Options;
use crate::params::Param;

/// A function that is to become an entry.
pub(crate) struct Function {
    /// Its name in Rust, without `r#`.
    pub(crate) name: String,
    pub(crate) docs: String,
    pub(crate) options: Options,
    pub(crate) params: Vec<Param>,
    pub(crate) output: ReturnType,
    /// Where the call begins: `function` or `Type::method`.
    pub(crate) callee: TokenStream,
    /// The type that `this` has in the code made here, and whether the call passes it on.
    pub(crate) this: This,
}

/// What a call is made on.
pub(crate) enum This {
    /// Nothing: `this` is `()`.
    Nothing,
    /// A value that all calls share: `this` is an `Arc` of it.
    Shared { ty: Box<Type>, passed: bool },
}

impl Function {
    /// The type of `this`.
    pub(crate) fn this_type(&self) -> TokenStream {
        match &self.this {
            This::Nothing => code!(()),
            This::Shared { ty, .. } => code!(::std::sync::Arc<#ty>),
        }
    }

    /// A copy of `this`.
    pub(crate) fn this_again(&self) -> TokenStream {
        match &self.this {
            This::Nothing => code!(()),
            This::Shared { .. } => code!(::std::sync::Arc::clone(&this)),
        }
    }

    /// A name for a parameter that no name in the user's code can be.
    pub(crate) fn local(index: usize) -> Ident {
        format_ident!("p{index}", span = Span::mixed_site())
    }

    pub(crate) fn locals(&self) -> Vec<Ident> {
        (0..self.params.len()).map(Self::local).collect()
    }

    /// The parameters that are read from what the client sent, with their names here.
    pub(crate) fn arguments(&self) -> (Vec<&Param>, Vec<Ident>) {
        let params = self.params.iter().zip(self.locals());
        params.filter(|(param, _)| param.question.is_none()).unzip()
    }

    /// The futures of all parameters.
    pub(crate) fn values(&self) -> Vec<TokenStream> {
        let params = self.params.iter().zip(self.locals());
        params.map(|(param, local)| param.resolve(&local)).collect()
    }

    /// `let` statements that resolve all parameters together: `values` are futures of results.
    pub(crate) fn resolve(&self, values: &[TokenStream]) -> TokenStream {
        let locals = self.locals();
        let mut pairs = locals.iter().zip(values).rev();
        let Some((last, value)) = pairs.next() else {
            return TokenStream::new();
        };
        let (mut pattern, mut joined) = (code!(#last), code!(#value));
        for (local, value) in pairs {
            pattern = code!((#local, #pattern));
            joined = code!(::mcp_session::__private::join(#value, #joined));
        }
        code!(let #pattern = (#joined).await; #(let #locals = #locals?;)*)
    }

    /// The call itself, awaited.
    pub(crate) fn call(&self) -> TokenStream {
        let (callee, locals) = (&self.callee, self.locals());
        match &self.this {
            This::Shared { passed: true, .. } => code!(#callee(&this, #(#locals),*).await),
            This::Nothing | This::Shared { passed: false, .. } => {
                code!({ let _ = &this; #callee(#(#locals),*).await })
            }
        }
    }

    /// The entry's name as an expression.
    pub(crate) fn entry_name(&self) -> TokenStream {
        let name = &self.name;
        self.options
            .name
            .as_ref()
            .map_or_else(|| code!(#name), |given| code!(#given))
    }

    /// The calls of setters that follow `new`.
    pub(crate) fn setters(&self) -> TokenStream {
        let docs = &self.docs;
        let description = match &self.options.description {
            Some(given) => code!(.description(#given)),
            None if docs.is_empty() => TokenStream::new(),
            None => code!(.description(#docs)),
        };
        let setters = &self.options.setters;
        let completers = self.params.iter().filter_map(|param| {
            let (name, completer) = (&param.name, param.completer.as_ref()?);
            Some(code!(.complete(#name, #completer)))
        });
        code!(#description #(#setters)* #(#completers)*)
    }

    /// Statements that make `signature`.
    pub(crate) fn signature(&self, params: &[TokenStream]) -> TokenStream {
        let needs = &self.options.needs;
        let capabilities = needs
            .iter()
            .map(|variant| code!(signature.capability(::mcp_session::Capability::#variant);));
        let guards = &self.options.guards;
        let limits = &self.options.limits;
        let asks = !needs.is_empty() || !guards.is_empty() || !limits.is_empty();
        let bare = params.is_empty() && !asks;
        let mutable = (!bare).then(|| code!(mut));
        code! {
            let #mutable signature = ::mcp_session::__private::Signature::new();
            #(#params)*
            #(#capabilities)*
            #(signature.scope(#guards);)*
            #(signature #limits;)*
        }
    }
}

/// A statement that goes on with what the slots hold, or returns `failure` where one is empty.
pub(crate) fn accept(slots: &[Ident], failure: &TokenStream) -> TokenStream {
    if slots.is_empty() {
        return code!(let _ = &mut faults;);
    }
    code! {
        let (#(::mcp_session::__private::Some(#slots),)*) = (#(#slots,)*) else {
            return #failure;
        };
    }
}

/// A function of the trait `trait_name` of what the function answers, reported where that stands.
pub(crate) fn answering(output: &ReturnType, trait_name: &str, name: &str) -> TokenStream {
    let (trait_name, name) = (format_ident!("{trait_name}"), format_ident!("{name}"));
    match output {
        ReturnType::Type(_, ty) if !is_opaque(ty) => {
            code_at!(ty => <#ty as ::mcp_session::catalog::#trait_name>::#name)
        }
        ReturnType::Type(..) | ReturnType::Default => {
            code!(<_ as ::mcp_session::catalog::#trait_name>::#name)
        }
    }
}

/// Whether a type has an `impl Trait` in it, and so cannot be named elsewhere.
pub(crate) fn is_opaque(ty: &Type) -> bool {
    struct Search(bool);
    impl Visit<'_> for Search {
        fn visit_type_impl_trait(&mut self, _opaque: &TypeImplTrait) {
            self.0 = true;
        }
    }
    let mut search = Search(false);
    search.visit_type(ty);
    search.0
}

impl Param {
    /// A statement that adds the parameter to `signature` as an argument.
    pub(crate) fn describe(&self) -> TokenStream {
        let Self {
            name,
            ty,
            description,
            ..
        } = self;
        if self.question.is_some() {
            let needs = code_at!(ty => <#ty as ::mcp_session::__private::Asked>::needs);
            return code!(signature.part(#needs););
        }
        let default = self.default.as_ref();
        let default = default.map_or_else(
            || code!(::mcp_session::__private::None),
            |default| {
                code!({
                    let default: #ty = #default;
                    ::mcp_session::__private::default_value(&default)
                })
            },
        );
        let parameter = self.parameter();
        code!(signature.param(#name, #description, #default, &#parameter);)
    }

    /// An empty slot for the parameter.
    pub(crate) fn slot(&self) -> TokenStream {
        let ty = &self.ty;
        let default = self.default.as_ref();
        let default = default.map_or_else(
            || code!(::mcp_session::__private::None),
            |default| {
                code!(::mcp_session::__private::Some(|| {
                    let default: #ty = #default;
                    default
                }))
            },
        );
        let parameter = self.parameter();
        code!(::mcp_session::__private::slot::<#ty, _, _>(#parameter, #default))
    }

    /// The future of the parameter in `local`, whose slot is closed.
    pub(crate) fn resolve(&self, local: &Ident) -> TokenStream {
        if let Some(question) = &self.question {
            let (ty, name) = (&self.ty, &self.name);
            let arguments = code!(&ctx, #name, #question);
            return code_at!(ty => <#ty as ::mcp_session::__private::Asked>::ask(#arguments));
        }
        let (ty, arguments) = (&self.ty, code!(accepted, &ctx));
        let resolved = code_at! {ty =>
            <#ty as ::mcp_session::__private::Param<_>>::resolve(#arguments).await
        };
        code! {
            async {
                match #local {
                    ::mcp_session::__private::Accepted::Ready(value) => {
                        ::mcp_session::__private::Ok(value)
                    }
                    ::mcp_session::__private::Accepted::Pending(accepted) => {
                        #resolved
                    }
                }
            }
        }
    }

    /// The parameter as what its trait says of it.
    fn parameter(&self) -> TokenStream {
        let functions = ["describe", "needs", "accept"].map(|name| self.function(name));
        code!(::mcp_session::__private::parameter(#(#functions),*))
    }

    /// A function of the parameter's trait. Written out everywhere, so that the compiler reports
    /// a type that is no parameter in the same words each time, and shows them once.
    fn function(&self, name: &str) -> TokenStream {
        let (ty, name) = (&self.ty, format_ident!("{name}"));
        code_at!(ty => <#ty as ::mcp_session::__private::Param<_>>::#name)
    }
}
