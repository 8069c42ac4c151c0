//! A function as a resource or a family of resources.

use proc_macro2::{Ident, TokenStream};

use crate::code::{code, code_at};
use crate::params::Param;
use crate::steps::{self, Function};

/// An expression that makes the resource. `this` is in scope.
pub(crate) fn entry(function: &Function) -> TokenStream {
    let is_variable = |param: &Param| function.options.variables.contains(&param.name);
    let (mut describe, mut slots, mut filled, mut values) = (vec![], vec![], vec![], vec![]);
    for (param, local) in function.params.iter().zip(function.locals()) {
        if param.question.is_some() {
            describe.push(param.describe());
            values.push(param.resolve(&local));
        } else if is_variable(param) {
            describe.push(param.describe());
            slots.push(fill(param, &local));
            values.push(param.resolve(&local));
            filled.push(local);
        } else {
            let ty = &param.ty;
            let needs = code_at!(ty => <#ty as ::mcp_session::__private::Part<_>>::needs);
            describe.push(code!(signature.part(#needs);));
            let arguments = code!(&request, &ctx);
            values.push(code_at! {ty =>
                <#ty as ::mcp_session::__private::Part<_>>::resolve(#arguments)
            });
        }
    }
    let (resolve, call) = (function.resolve(&values), function.call());
    let signature = function.signature(&describe);
    let this_again = function.this_again();
    let (make, builder) = builder(function);
    let reply = steps::answering(&function.output, "IntoResourceReply", "into_resource_reply");
    let accept = steps::accept(
        &filled,
        &code!(::mcp_session::__private::Err(
            ::mcp_session::ToolError::not_found()
        )),
    );
    code! { {
        #signature
        #make(#builder, signature, move |request, ctx, finish| {
            let this = #this_again;
            let mut faults = ::mcp_session::__private::Faults::new();
            #(#slots)*
            #accept
            ::mcp_session::__private::Ok(::mcp_session::__private::Box::pin(async move {
                let _ = (&request, &ctx);
                #resolve
                let answer = #call;
                finish.reply(|target| #reply(answer, target))
            }))
        })
    }}
}

/// Statements that fill a parameter's slot from the variables of the URI.
fn fill(param: &Param, local: &Ident) -> TokenStream {
    let (slot, name) = (param.slot(), &param.name);
    code! {
        let mut #local = #slot;
        #local.fill_variable(#name, request.variables())?;
        let #local = #local.close(#name, &mut faults);
    }
}

/// The function that makes the resource, and its builder.
fn builder(function: &Function) -> (TokenStream, TokenStream) {
    let (uri, name) = (&function.options.uri, function.entry_name());
    let setters = function.setters();
    if function.options.variables.is_empty() {
        let builder = code!(::mcp_session::Resource::new(#uri, #name)#setters);
        (code!(::mcp_session::__private::resource), builder)
    } else {
        let builder = code!(::mcp_session::ResourceTemplate::new(#uri, #name)#setters);
        (code!(::mcp_session::__private::resource_template), builder)
    }
}
