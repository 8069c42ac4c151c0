//! Decoding variables into types.

use std::fmt;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{self, DeserializeOwned, Deserializer, IntoDeserializer, Visitor};

use crate::catalog::uri_template::UriVariables;
use crate::schema::ArgumentError;

pub(super) fn deserialize<T: DeserializeOwned>(
    variables: &UriVariables,
) -> Result<T, ArgumentError> {
    serde_path_to_error::deserialize(All(variables))
        .map_err(|error| ArgumentError::at(error.path(), &error.inner().0))
}

/// Why a value did not decode.
#[derive(Debug)]
struct Failure(String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

impl de::Error for Failure {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// All variables: a map, a sequence, or the only one.
struct All<'a>(&'a UriVariables);

impl<'a> All<'a> {
    fn values(&self) -> impl Iterator<Item = (&'a str, One<'a>)> + use<'a> {
        let variables = self.0;
        variables.iter().map(|(name, text)| {
            (
                name,
                One {
                    variables,
                    name,
                    text,
                },
            )
        })
    }

    fn only(&self) -> Result<One<'a>, Failure> {
        let mut values = self.values();
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Ok(value),
            _ => Err(Failure(format!(
                "expected one variable, got {}",
                self.0.len()
            ))),
        }
    }
}

macro_rules! from_only {
    ($($method:ident($($argument:ident: $type:ty),*);)*) => {
        $(
            fn $method<V: Visitor<'de>>(
                self,
                $($argument: $type,)*
                visitor: V,
            ) -> Result<V::Value, Failure> {
                self.only()?.$method($($argument,)* visitor)
            }
        )*
    };
}

impl<'de> Deserializer<'de> for All<'_> {
    type Error = Failure;

    from_only! {
        deserialize_bool();
        deserialize_i8();
        deserialize_i16();
        deserialize_i32();
        deserialize_i64();
        deserialize_i128();
        deserialize_u8();
        deserialize_u16();
        deserialize_u32();
        deserialize_u64();
        deserialize_u128();
        deserialize_f32();
        deserialize_f64();
        deserialize_char();
        deserialize_str();
        deserialize_string();
        deserialize_bytes();
        deserialize_byte_buf();
        deserialize_enum(name: &'static str, variants: &'static [&'static str]);
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_map(MapDeserializer::new(self.values()))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.only() {
            // One list, as in `{/path*}`, is the sequence.
            Ok(value) if value.is_list() => value.deserialize_seq(visitor),
            _ => visitor.visit_seq(SeqDeserializer::new(self.values().map(|(_, value)| value))),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_seq(SeqDeserializer::new(self.values().map(|(_, value)| value)))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        if self.0.is_empty() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! { map struct identifier ignored_any }
}

/// The value of one variable: text that knows how to be a number.
#[derive(Clone, Copy)]
struct One<'a> {
    variables: &'a UriVariables,
    name: &'a str,
    text: &'a str,
}

impl<'a> One<'a> {
    fn is_list(&self) -> bool {
        self.variables.is_list(self.name)
    }

    fn items(&self) -> impl Iterator<Item = Self> + use<'a> {
        let Self {
            variables, name, ..
        } = *self;
        variables.list(name).map(move |text| Self {
            variables: EMPTY,
            name,
            text,
        })
    }
}

/// Items of a list are looked up nowhere, so they are not lists themselves.
const EMPTY: &UriVariables = &UriVariables::EMPTY;

impl<'de> IntoDeserializer<'de, Failure> for One<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! parsed {
    ($($method:ident => $visit:ident: $type:ty, $expected:literal;)*) => {
        $(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
                match self.text.parse::<$type>() {
                    Ok(value) => visitor.$visit(value),
                    Err(_) => Err(de::Error::invalid_value(
                        de::Unexpected::Str(self.text),
                        &$expected,
                    )),
                }
            }
        )*
    };
}

impl<'de> Deserializer<'de> for One<'_> {
    type Error = Failure;

    parsed! {
        deserialize_bool => visit_bool: bool, "true or false";
        deserialize_i8 => visit_i8: i8, "an integer from -128 to 127";
        deserialize_i16 => visit_i16: i16, "an integer from -32768 to 32767";
        deserialize_i32 => visit_i32: i32, "an integer";
        deserialize_i64 => visit_i64: i64, "an integer";
        deserialize_i128 => visit_i128: i128, "an integer";
        deserialize_u8 => visit_u8: u8, "an integer from 0 to 255";
        deserialize_u16 => visit_u16: u16, "an integer from 0 to 65535";
        deserialize_u32 => visit_u32: u32, "an integer of at least 0";
        deserialize_u64 => visit_u64: u64, "an integer of at least 0";
        deserialize_u128 => visit_u128: u128, "an integer of at least 0";
        deserialize_f32 => visit_f32: f32, "a number";
        deserialize_f64 => visit_f64: f64, "a number";
        deserialize_char => visit_char: char, "one character";
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        if self.is_list() {
            self.deserialize_seq(visitor)
        } else {
            visitor.visit_str(self.text)
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_str(self.text)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_str(self.text)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_seq(SeqDeserializer::new(self.items()))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_enum(self.text.into_deserializer())
    }

    serde::forward_to_deserialize_any! {
        bytes byte_buf unit unit_struct map struct identifier ignored_any
    }
}
