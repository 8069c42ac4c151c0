//! Quoting code that names in the user's code cannot disturb.

/// Like `quote!`, with local names that are invisible to the user's code.
macro_rules! code {
    ($($tokens:tt)*) => {
        ::quote::quote_spanned!(::proc_macro2::Span::mixed_site()=> $($tokens)*)
    };
}

/// Like [`code!`], for paths and calls only: mistakes in them are reported as if the user had
/// written them where `at` stands. What is reported twice in the same words is shown once.
macro_rules! code_at {
    ($at:expr => $($tokens:tt)*) => {
        ::quote::quote_spanned!(::syn::spanned::Spanned::span($at)=> $($tokens)*)
    };
}

pub(crate) use {code, code_at};
