//! A function as a tool.

use proc_macro2::TokenStream;
use syn::ReturnType;

use crate::code::code;
use crate::params::Param;
use crate::steps::{self, Function};

/// An expression that makes the tool. `this` is in scope.
pub(crate) fn entry(function: &Function) -> TokenStream {
    let call = call(function);
    let describe: Vec<TokenStream> = function.params.iter().map(Param::describe).collect();
    let signature = function.signature(&describe);
    let (name, setters) = (function.entry_name(), function.setters());
    let (output, this_again) = (output_schema(&function.output), function.this_again());
    code! { {
        #call
        #signature
        ::mcp_session::__private::tool(
            ::mcp_session::Tool::new(#name)#setters,
            signature,
            #output,
            move |ctx| __McpCall { ctx, this: #this_again },
        )
    }}
}

/// The type of one call of the tool, which reads its arguments from JSON text.
fn call(function: &Function) -> TokenStream {
    let (arguments, locals) = function.arguments();
    let names: Vec<&String> = arguments.iter().map(|param| &param.name).collect();
    let indices = 0..locals.len();
    let slots = arguments.iter().map(|param| param.slot());
    let values = function.values();
    let (resolve, call) = (function.resolve(&values), function.call());
    let this_type = function.this_type();
    let reply = steps::answering(&function.output, "IntoToolReply", "into_tool_reply");
    let accept = steps::accept(
        &locals,
        &code!(::mcp_session::__private::Ok(::mcp_session::__private::Err(
            faults.into_tool_error()
        ))),
    );
    code! {
        struct __McpCall {
            ctx: ::mcp_session::Context,
            this: #this_type,
        }
        impl ::mcp_session::__private::Reader for __McpCall {
            fn read<'de, __McpMembers: ::mcp_session::__private::MapAccess<'de>>(
                self,
                mut members: __McpMembers,
            ) -> ::mcp_session::__private::Result<
                ::mcp_session::__private::Started<::mcp_session::catalog::ToolReply>,
                __McpMembers::Error,
            > {
                #(let mut #locals = #slots;)*
                while let ::mcp_session::__private::Some(at) =
                    ::mcp_session::__private::next_name(&mut members, &[#(#names),*])?
                {
                    match at {
                        #(#indices => #locals.fill(#names, &mut members)?,)*
                        _ => ::mcp_session::__private::skip(&mut members)?,
                    }
                }
                let mut faults = ::mcp_session::__private::Faults::new();
                #(let #locals = #locals.close(#names, &mut faults);)*
                #accept
                let Self { ctx, this } = self;
                ::mcp_session::__private::Ok(::mcp_session::__private::Ok(
                    ::mcp_session::__private::Box::pin(async move {
                        let _ = &ctx;
                        #resolve
                        #reply(#call)
                    }),
                ))
            }
        }
    }
}

/// The schema of what the function answers; none where its type has no name.
fn output_schema(output: &ReturnType) -> TokenStream {
    match output {
        ReturnType::Type(_, ty) if !steps::is_opaque(ty) => {
            let schema = steps::answering(output, "IntoToolReply", "output_schema");
            code!(#schema())
        }
        ReturnType::Type(..) | ReturnType::Default => code!(::mcp_session::__private::None),
    }
}
