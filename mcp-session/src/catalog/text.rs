//! Values from text: prompt arguments and URI variables are strings, their parameters need not be.

use serde::de::{
    DeserializeOwned, Deserializer, Error as _, IntoDeserializer, Unexpected, Visitor,
    value::{Error, MapDeserializer},
};

use crate::protocol::misfit;
use crate::schema::ArgumentError;

/// Decodes one text: strings and enums as they are, numbers and booleans by what they look like,
/// anything else as JSON. An optional value that is empty counts as not given.
pub(crate) fn decode<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    T::deserialize(Text(text))
}

/// Decodes named texts into a struct.
pub(crate) fn decode_all<'a, T: DeserializeOwned>(
    members: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<T, ArgumentError> {
    let members = MapDeserializer::new(members.map(|(name, text)| (name, Text(text))));
    serde_path_to_error::deserialize(members)
        .map_err(|error| ArgumentError::at(error.path(), &error.inner().to_string()))
}

/// One text that is to become whatever is asked for.
#[derive(Debug, Clone, Copy)]
struct Text<'a>(&'a str);

impl IntoDeserializer<'_> for Text<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Parses a text for each type that has a `FromStr` of its own.
macro_rules! parsed {
    ($($method:ident => $visit:ident),* $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.0.trim().parse() {
                Ok(value) => visitor.$visit(value),
                Err(_) => Err(Error::invalid_type(Unexpected::Str(self.0), &visitor)),
            }
        }
    )*};
}

/// Reads a text as JSON for what has inner structure.
macro_rules! structured {
    ($($method:ident($($argument:ident: $type:ty),*)),* $(,)?) => {$(
        fn $method<V: Visitor<'de>>(
            self,
            $($argument: $type,)*
            visitor: V,
        ) -> Result<V::Value, Error> {
            let mut json = serde_json::Deserializer::from_reader(self.0.as_bytes());
            let value = json
                .$method($($argument,)* visitor)
                .map_err(|error| Error::custom(misfit(&error)))?;
            json.end().map_err(|error| Error::custom(misfit(&error)))?;
            Ok(value)
        }
    )*};
}

impl<'de> Deserializer<'de> for Text<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.is_empty() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0
            .into_deserializer()
            .deserialize_enum(name, variants, visitor)
    }

    parsed! {
        deserialize_bool => visit_bool,
        deserialize_i8 => visit_i8,
        deserialize_i16 => visit_i16,
        deserialize_i32 => visit_i32,
        deserialize_i64 => visit_i64,
        deserialize_i128 => visit_i128,
        deserialize_u8 => visit_u8,
        deserialize_u16 => visit_u16,
        deserialize_u32 => visit_u32,
        deserialize_u64 => visit_u64,
        deserialize_u128 => visit_u128,
        deserialize_f32 => visit_f32,
        deserialize_f64 => visit_f64,
    }

    structured! {
        deserialize_unit(),
        deserialize_unit_struct(name: &'static str),
        deserialize_seq(),
        deserialize_tuple(len: usize),
        deserialize_tuple_struct(name: &'static str, len: usize),
        deserialize_map(),
        deserialize_struct(name: &'static str, fields: &'static [&'static str]),
    }

    serde::forward_to_deserialize_any! {
        char str string bytes byte_buf identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Unit {
        Celsius,
        Kelvin,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Days(u8);

    #[derive(Debug, Deserialize, PartialEq)]
    struct Plan {
        city: String,
        days: Days,
        unit: Option<Unit>,
        tags: Option<Vec<String>>,
        #[serde(default)]
        brief: bool,
    }

    #[test]
    fn texts_become_what_is_asked_for() {
        assert_eq!(decode("7"), Ok(7_u8));
        assert_eq!(decode("7"), Ok("7".to_owned()));
        assert_eq!(decode("kelvin"), Ok(Unit::Kelvin));
        assert_eq!(decode("[1, 2]"), Ok(vec![1, 2]));
        assert_eq!(decode::<Option<u8>>(""), Ok(None));
        assert_eq!(decode("x"), Ok('x'));
        let error = decode::<u8>("seven").unwrap_err();
        assert_eq!(
            error.to_string(),
            "invalid type: string \"seven\", expected u8"
        );
    }

    #[test]
    fn named_texts_become_a_struct_and_mistakes_are_located() {
        let given = [
            ("city", "Oslo"),
            ("days", "3"),
            ("unit", "celsius"),
            ("tags", "[\"a\"]"),
        ];
        let plan = Plan {
            city: "Oslo".to_owned(),
            days: Days(3),
            unit: Some(Unit::Celsius),
            tags: Some(vec!["a".to_owned()]),
            brief: false,
        };
        assert_eq!(decode_all(given.into_iter()), Ok(plan));
        let wrong = [("city", "Oslo"), ("days", "many")];
        let error = decode_all::<Plan>(wrong.into_iter()).unwrap_err();
        assert_eq!(error.path, "/days");
    }
}
