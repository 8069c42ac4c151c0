//! Reading arguments from JSON text straight into the parameters of a function.

use std::{fmt, marker::PhantomData};

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_path_to_error::Track;

use crate::catalog::ToolReply;
use crate::catalog::handler::BoxFuture;
use crate::error::ToolError;
use crate::protocol::{Raw, misfit};
use crate::schema::ArgumentError;

/// A handler that was started; an error where arguments were missing.
pub type Started<R> = Result<BoxFuture<Result<R, ToolError>>, ToolError>;

/// One call of a function under a macro: reads the arguments and starts the function.
pub trait Reader: Sized {
    /// Reads all members of the arguments and starts the function.
    ///
    /// # Errors
    ///
    /// A member does not fit its parameter.
    fn read<'de, A: MapAccess<'de>>(self, members: A) -> Result<Started<ToolReply>, A::Error>;
}

/// Reads arguments and starts the function.
///
/// Correct arguments are read once. Wrong ones are read again to find out where they are wrong.
pub(crate) fn start<R: Reader>(
    arguments: Option<&Raw>,
    reader: impl Fn() -> R,
) -> BoxFuture<Result<ToolReply, ToolError>> {
    let text = arguments.map_or("{}", Raw::as_str);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let started = match deserializer.deserialize_map(Members(reader())) {
        Ok(started) => started,
        Err(_) => locate(text, reader()),
    };
    settled(started)
}

/// A handler that was started, whether it could be or not.
pub(crate) fn settled<R: Send + 'static>(started: Started<R>) -> BoxFuture<Result<R, ToolError>> {
    started.unwrap_or_else(|error| Box::pin(std::future::ready(Err(error))))
}

#[cold]
fn locate<R: Reader>(text: &str, reader: R) -> Started<ToolReply> {
    let mut track = Track::new();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let tracked = serde_path_to_error::Deserializer::new(&mut deserializer, &mut track);
    match tracked.deserialize_map(Members(reader)) {
        Ok(started) => started,
        Err(error) => {
            let error = ArgumentError::at(&track.path(), &misfit(&error));
            Err(ToolError::new(error.to_string()))
        }
    }
}

struct Members<R>(R);

impl<'de, R: Reader> Visitor<'de> for Members<R> {
    type Value = Started<ToolReply>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of arguments")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
        self.0.read(members)
    }
}

/// The position of the next member in `names`; a position past the end for one that is unknown.
///
/// # Errors
///
/// The text is no JSON object.
pub fn next_name<'de, A: MapAccess<'de>>(
    members: &mut A,
    names: &'static [&'static str],
) -> Result<Option<usize>, A::Error> {
    members.next_key_seed(Position(names))
}

/// Passes over a member nobody asked for.
///
/// # Errors
///
/// The text is no JSON.
pub fn skip<'de, A: MapAccess<'de>>(members: &mut A) -> Result<(), A::Error> {
    members.next_value_seed(PhantomData::<IgnoredAny>).map(drop)
}

/// Finds a name without keeping it.
struct Position(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for Position {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Position {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of an argument")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<usize, E> {
        let found = self.0.iter().position(|known| *known == name);
        Ok(found.unwrap_or(self.0.len()))
    }
}
