//! A function as a prompt.

use proc_macro2::TokenStream;

use crate::code::code;
use crate::params::Param;
use crate::steps::{self, Function};

/// An expression that makes the prompt. `this` is in scope.
pub(crate) fn entry(function: &Function) -> TokenStream {
    let (arguments, locals) = function.arguments();
    let names: Vec<&String> = arguments.iter().map(|param| &param.name).collect();
    let slots = arguments.iter().map(|param| param.slot());
    let values = function.values();
    let (resolve, call) = (function.resolve(&values), function.call());
    let describe: Vec<TokenStream> = function.params.iter().map(Param::describe).collect();
    let signature = function.signature(&describe);
    let this_again = function.this_again();
    let (name, setters) = (function.entry_name(), function.setters());
    let reply = steps::answering(&function.output, "IntoPromptReply", "into_prompt_reply");
    let accept = steps::accept(
        &locals,
        &code!(::mcp_session::__private::Err(faults.into_invalid_params())),
    );
    code! { {
        #signature
        ::mcp_session::__private::prompt(
            ::mcp_session::Prompt::new(#name)#setters,
            signature,
            move |texts, ctx| {
                let this = #this_again;
                let mut faults = ::mcp_session::__private::Faults::new();
                #(
                    let mut #locals = #slots;
                    #locals.fill_text(#names, texts.text(#names), &mut faults);
                    let #locals = #locals.close(#names, &mut faults);
                )*
                #accept
                let _ = texts;
                ::mcp_session::__private::Ok(::mcp_session::__private::Box::pin(async move {
                    let _ = &ctx;
                    #resolve
                    #reply(#call)
                }))
            },
        )
    }}
}
