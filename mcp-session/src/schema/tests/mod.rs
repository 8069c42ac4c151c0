//! What the module promises, from the outside.

mod check;
mod decode;
mod generate;
mod spec;
mod validator;
