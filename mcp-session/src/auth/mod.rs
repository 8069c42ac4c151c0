//! Who is calling.

mod principal;

pub use principal::Principal;
