//! A first look at the parameters of a request: `_meta`, and what is found beside it on the way.

use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, de};

use crate::protocol::error::RpcError;
use crate::protocol::meta::{Members, Name};
use crate::protocol::misfit::misfit;
use crate::protocol::preamble::Preamble;
use crate::protocol::skim::{self, Part, Skim};
use crate::protocol::text::{ByteStr, Raw};

/// What a request says besides what it asks for.
pub(crate) type Foreword = Result<(Preamble, Found), RpcError>;

impl Preamble {
    /// As [`RequestMeta::of`](crate::protocol::RequestMeta::of).
    pub(crate) fn of(params: Option<&Raw>) -> Result<Self, RpcError> {
        Self::with_others(params).map(|(preamble, _)| preamble)
    }

    /// As [`of`](Self::of), and what else is found in the same pass.
    pub(crate) fn with_others(params: Option<&Raw>) -> Foreword {
        let Some(params) = params else {
            return Ok(Default::default());
        };
        let text = params.as_str();
        let outer = match Outer::of_plain(text) {
            Some(outer) => outer,
            // Without an escape the name of the member is in the text as it is, or not there.
            None if !text.contains("_meta") && !text.contains('\\') => {
                return Ok(Default::default());
            }
            None => serde_json::from_str(text).map_err(|error| {
                RpcError::invalid_params(format!("invalid params: {}", misfit(&error)))
            })?,
        };
        outer.interpret(params.text())
    }
}

/// Parameters that stand beside `_meta`, as they are in the text of a request that has it: those
/// that the `Mcp-Name` header mirrors (2026-07-28, "Streamable HTTP", "Request Metadata"), and those
/// of a call. The first one, should one be there twice.
#[cfg_attr(
    not(any(feature = "http", test)),
    expect(dead_code, reason = "only HTTP has headers that mirror some of it")
)]
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Nothing else is there of these names, and nothing is there twice.
    pub(crate) is_plain: bool,
    pub(crate) name: Option<Raw>,
    pub(crate) uri: Option<Raw>,
    pub(crate) task_id: Option<Raw>,
    pub(crate) arguments: Option<Raw>,
    pub(crate) input_responses: Option<Raw>,
    pub(crate) request_state: Option<Raw>,
}

/// The parameters, of which `_meta` matters and what is found beside it.
#[derive(Default)]
pub(super) struct Outer<'a> {
    is_plain: bool,
    meta: Option<Members<'a>>,
    name: Option<Part<'a>>,
    uri: Option<Part<'a>>,
    task_id: Option<Part<'a>>,
    arguments: Option<Part<'a>>,
    input_responses: Option<Part<'a>>,
    request_state: Option<Part<'a>>,
}

impl<'a> Outer<'a> {
    fn of_plain(text: &'a str) -> Option<Self> {
        let mut outer = Self::plain();
        skim::object(text, |skim, name| outer.take(skim, name))?;
        Some(outer)
    }

    /// As they stand in a message that is being looked at.
    pub(super) fn within(skim: &mut Skim<'a>) -> Option<(Part<'a>, Self)> {
        let mut outer = Self::plain();
        let params = skim.members(|skim, name| outer.take(skim, name))?;
        Some((params, outer))
    }

    fn plain() -> Self {
        Self {
            is_plain: true,
            ..Self::default()
        }
    }

    fn take(&mut self, skim: &mut Skim<'a>, name: &'a str) -> Option<()> {
        if name == "_meta" {
            return skim::once(&mut self.meta, Members::of_plain(skim)?);
        }
        let value = skim.value()?;
        match self.slot(name) {
            Some(slot) => skim::once(slot, value),
            None => Some(()),
        }
    }

    /// Takes what it says out of the text it stands in.
    pub(super) fn interpret(self, parent: &ByteStr) -> Foreword {
        let share = |value: Option<Part<'_>>| Some(Raw::slice_of(parent, value?));
        let found = Found {
            is_plain: self.is_plain,
            name: share(self.name),
            uri: share(self.uri),
            task_id: share(self.task_id),
            arguments: share(self.arguments),
            input_responses: share(self.input_responses),
            request_state: share(self.request_state),
        };
        let meta = self.meta.map(|members| members.interpret(parent));
        Ok((meta.transpose()?.unwrap_or_default(), found))
    }

    fn slot(&mut self, name: &str) -> Option<&mut Option<Part<'a>>> {
        Some(match name {
            "name" => &mut self.name,
            "uri" => &mut self.uri,
            "taskId" => &mut self.task_id,
            "arguments" => &mut self.arguments,
            "inputResponses" => &mut self.input_responses,
            "requestState" => &mut self.request_state,
            _ => return None,
        })
    }
}

impl<'de> Deserialize<'de> for Outer<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OuterVisitor)
    }
}

struct OuterVisitor;

impl<'de> Visitor<'de> for OuterVisitor {
    type Value = Outer<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of parameters")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Outer<'de>, A::Error> {
        let mut outer = Outer::default();
        while let Some(Name(key)) = map.next_key()? {
            if key == "_meta" {
                if outer.meta.replace(map.next_value()?).is_some() {
                    return Err(de::Error::custom("`_meta` appears twice"));
                }
                continue;
            }
            match outer.slot(&key) {
                Some(slot) => {
                    let value = map.next_value()?;
                    slot.get_or_insert(value);
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(outer)
    }
}
