//! How types are told apart where one method takes many.
//!
//! Methods such as `handler` and `tool` take whatever fits: a type that fits in one of several
//! ways names the way with one of these markers. They are always inferred.

use std::marker::PhantomData;

/// An argument, which the client fills in.
#[derive(Debug)]
#[non_exhaustive]
pub struct ViaArguments;

/// Something that the server gives.
#[derive(Debug)]
#[non_exhaustive]
pub struct ViaContext;

/// The request itself.
#[derive(Debug)]
#[non_exhaustive]
pub struct ViaRequest;

/// A fixed list.
#[derive(Debug)]
#[non_exhaustive]
pub struct ViaList;

/// A function, itself taken in the way `M`.
#[derive(Debug)]
pub struct ViaFunction<M>(PhantomData<fn() -> M>);

/// What is an entry already.
#[derive(Debug)]
#[non_exhaustive]
pub struct Itself;

pub use crate::catalog::prompt::PromptSignature;
pub use crate::catalog::tool::ToolSignature;
