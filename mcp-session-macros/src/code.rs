//! Quoting code that names in the user's code cannot disturb.

/// Like `quote!`, with local names that are invisible to the user's code.
macro_rules! code {
    ($($tokens:tt)*) => {
        ::quote::quote_spanned!(::proc_macro2::Span::mixed_site()=> $($tokens)*)
    };
}

/// Like [`code!`], and mistakes in it are reported where `at` stands.
macro_rules! code_at {
    ($at:expr => $($tokens:tt)*) => {{
        let span = ::syn::spanned::Spanned::span($at);
        ::quote::quote_spanned!(span.resolved_at(::proc_macro2::Span::mixed_site())=> $($tokens)*)
    }};
}

pub(crate) use {code, code_at};
