//! Who is calling, and how that is found out.

mod authenticate;
mod caller;
mod challenge;
mod function;
mod principal;
mod scopes;
mod tokens;

pub use authenticate::{Authenticate, Credentials};
pub use caller::Caller;
pub use challenge::Challenge;
pub use function::{Function, from_fn};
pub use principal::Principal;
pub(crate) use scopes::Granted;
pub use scopes::Scopes;
pub use tokens::BearerTokens;
