//! What handles may stand for.

use serde::{Serialize, de::DeserializeOwned};

use crate::error::Error;

/// Something that handles stand for.
///
/// # Examples
///
/// ```
/// use mcp_session::HandleKind;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Basket {
///     items: Vec<String>,
/// }
///
/// impl HandleKind for Basket {
///     const NAME: &str = "basket";
///     const PREFIX: &str = "bsk";
///     const SOURCE: &str = "call `new_basket`";
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "handles cannot stand for a `{Self}`",
    note = "implement `HandleKind` for it, to say how such handles are called and where to get one"
)]
pub trait HandleKind: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What one is called, in what models read and in the store: `basket`. Lower-case letters,
    /// digits and `_`. Two kinds of one server have two names.
    const NAME: &'static str;

    /// What the name of every such handle begins with: one to sixteen lower-case letters or digits.
    const PREFIX: &'static str;

    /// What a model does to get one, as an instruction: "call `new_basket`".
    const SOURCE: &'static str;
}

/// Fails to compile for a kind whose name or prefix is not what it may be.
pub(super) const fn check<T: HandleKind>() {
    assert!(
        is_word(T::NAME.as_bytes(), true),
        "a kind's name is of lower-case letters, digits and `_`"
    );
    assert!(
        is_word(T::PREFIX.as_bytes(), false) && T::PREFIX.len() <= 16,
        "a kind's prefix is of one to sixteen lower-case letters or digits"
    );
}

const fn is_word(text: &[u8], underscore: bool) -> bool {
    let mut at = 0;
    while at < text.len() {
        let fits =
            matches!(text[at], b'a'..=b'z' | b'0'..=b'9') || (underscore && text[at] == b'_');
        if !fits {
            return false;
        }
        at += 1;
    }
    !text.is_empty()
}

/// What is answered for a handle that is not there, whatever the reason.
pub(super) fn unknown<T: HandleKind>() -> Error {
    let (name, source) = (T::NAME, T::SOURCE);
    Error::unknown(format!(
        "this {name} is not known, or no longer; to get a new one, {source}"
    ))
}

/// What a model reads about a parameter that takes such a handle.
pub(super) fn hint<T: HandleKind>() -> String {
    let (name, prefix, source) = (T::NAME, T::PREFIX, T::SOURCE);
    format!("The handle of a {name}, such as `{prefix}_…`. To get one, {source}.")
}
