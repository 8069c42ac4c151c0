//! The state that travels with questions: what it holds, and what it is bound to.

use std::fmt;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::auth::Principal;
use crate::peer::exchange::{ExchangeId, Memory};
use crate::peer::seal::{Broken, SealKeys};
use crate::protocol::Raw;

const PURPOSE: &str = "mcp-session request state";
const DIGEST: usize = 16;
const EXPIRY: usize = 8;
const ID: usize = 16;
const HEAD: usize = EXPIRY + ID + 4 * DIGEST;

/// What a state is good for: one request of one principal to one service, repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bond {
    audience: [u8; DIGEST],
    principal: [u8; DIGEST],
    request: [u8; DIGEST],
    arguments: [u8; DIGEST],
}

/// Why a state is not accepted. For the log only: what a client learns is the same for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Invalid {
    Oversized,
    Malformed,
    UnknownKey,
    Forged,
    Expired,
    OtherAudience,
    OtherPrincipal,
    OtherRequest,
    OtherArguments,
}

impl Bond {
    /// The bond of a request. The audience names the service; it and the variant keep the states of
    /// services apart that share keys.
    pub(crate) fn new(audience: [&str; 2], principal: Option<&Principal>) -> Self {
        let principal = match principal {
            None => digest(&["anonymous"]),
            Some(principal) => {
                let client = principal.client_id();
                let of = client.map_or("", |_| "client");
                digest(&[
                    principal.issuer(),
                    principal.subject(),
                    of,
                    client.unwrap_or_default(),
                ])
            }
        };
        Self {
            audience: digest(&audience),
            principal,
            request: [0; DIGEST],
            arguments: [0; DIGEST],
        }
    }

    /// Binds it to what is asked for, with which arguments: the same, however they are written.
    pub(crate) fn to(mut self, method: &str, name: &str, arguments: Option<&Raw>) -> Self {
        self.request = digest(&[method, name]);
        let arguments = arguments.and_then(|arguments| arguments.decode::<Value>().ok());
        let mut hash = Sha256::new();
        canonical(
            &mut hash,
            &arguments.unwrap_or_else(|| Value::Object(serde_json::Map::new())),
        );
        self.arguments = head(hash);
        self
    }

    fn parts(&self) -> [&[u8; DIGEST]; 4] {
        [
            &self.audience,
            &self.principal,
            &self.request,
            &self.arguments,
        ]
    }
}

/// Seals what is known of an exchange; `None` when that would be longer than `limit` bytes.
pub(crate) fn seal(
    keys: &SealKeys,
    bond: &Bond,
    (id, memory): (ExchangeId, &Memory),
    expires_ms: u64,
    limit: usize,
) -> Option<String> {
    let memory = serde_json::to_vec(memory).ok()?;
    if SealKeys::sealed_length(HEAD + memory.len()) > limit {
        return None;
    }
    let mut plain = Vec::with_capacity(HEAD + memory.len());
    plain.extend_from_slice(&expires_ms.to_le_bytes());
    plain.extend_from_slice(&id.0);
    for part in bond.parts() {
        plain.extend_from_slice(part);
    }
    plain.extend_from_slice(&memory);
    Some(keys.seal(PURPOSE, &plain))
}

/// Opens a state that a client brought to a request with this bond.
pub(crate) fn open(
    keys: &SealKeys,
    bond: &Bond,
    text: &str,
    now_ms: u64,
    limit: usize,
) -> Result<(ExchangeId, Memory), Invalid> {
    if text.len() > limit {
        return Err(Invalid::Oversized);
    }
    let plain = keys.open(PURPOSE, text).map_err(Invalid::from)?;
    let rest = &*plain;
    let (expires, rest) = rest
        .split_first_chunk::<EXPIRY>()
        .ok_or(Invalid::Malformed)?;
    let (id, mut rest) = rest.split_first_chunk::<ID>().ok_or(Invalid::Malformed)?;
    let wrong = [
        Invalid::OtherAudience,
        Invalid::OtherPrincipal,
        Invalid::OtherRequest,
        Invalid::OtherArguments,
    ];
    for (expected, wrong) in bond.parts().into_iter().zip(wrong) {
        let (part, behind) = rest
            .split_first_chunk::<DIGEST>()
            .ok_or(Invalid::Malformed)?;
        if part != expected {
            return Err(wrong);
        }
        rest = behind;
    }
    if u64::from_le_bytes(*expires) <= now_ms {
        return Err(Invalid::Expired);
    }
    let memory = serde_json::from_slice(rest).map_err(|_| Invalid::Malformed)?;
    Ok((ExchangeId(*id), memory))
}

impl From<Broken> for Invalid {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Malformed => Self::Malformed,
            Broken::UnknownKey => Self::UnknownKey,
            Broken::Forged => Self::Forged,
        }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Oversized => "it is too long",
            Self::Malformed => "it is no request state",
            Self::UnknownKey => "it was sealed with a key that is not in the ring",
            Self::Forged => "it was changed or forged",
            Self::Expired => "it has expired",
            Self::OtherAudience => "it is of another service or variant",
            Self::OtherPrincipal => "it is another principal's",
            Self::OtherRequest => "it is of another request",
            Self::OtherArguments => "it came with other arguments",
        })
    }
}

/// A digest of texts that no other texts have.
fn digest(texts: &[&str]) -> [u8; DIGEST] {
    let mut hash = Sha256::new();
    for text in texts {
        sized(&mut hash, text);
    }
    head(hash)
}

fn head(hash: Sha256) -> [u8; DIGEST] {
    let mut digest = [0; DIGEST];
    digest.copy_from_slice(&hash.finalize()[..DIGEST]);
    digest
}

fn sized(hash: &mut Sha256, text: &str) {
    count(hash, text.len());
    hash.update(text);
}

fn count(hash: &mut Sha256, count: usize) {
    hash.update(u64::try_from(count).unwrap_or(u64::MAX).to_le_bytes());
}

/// Takes in a value without what two ways of writing it may differ in: spaces, escapes, the order of
/// members, `1.0` for `1`. Messages nest no deeper than their decoder lets them.
fn canonical(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Null => hash.update(b"n"),
        Value::Bool(true) => hash.update(b"t"),
        Value::Bool(false) => hash.update(b"f"),
        Value::Number(number) => {
            hash.update(b"#");
            let whole = number.as_f64().filter(|float| {
                number.is_f64() && float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0
            });
            match whole {
                Some(float) => sized(hash, &format!("{float:.0}").replace("-0", "0")),
                None => sized(hash, &number.to_string()),
            }
        }
        Value::String(text) => {
            hash.update(b"s");
            sized(hash, text);
        }
        Value::Array(items) => {
            hash.update(b"[");
            count(hash, items.len());
            items.iter().for_each(|item| canonical(hash, item));
        }
        Value::Object(members) => {
            hash.update(b"{");
            count(hash, members.len());
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            for (name, member) in members {
                sized(hash, name);
                canonical(hash, member);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;

    fn bond(arguments: &'static str) -> Bond {
        let arguments = Raw::parse(Bytes::from_static(arguments.as_bytes())).unwrap();
        Bond::new(["shop", ""], None).to("tools/call", "book", Some(&arguments))
    }

    #[test]
    fn arguments_are_the_same_however_they_are_written() {
        let same = [
            r#"{"a":1,"b":[true,null,"\u0041"],"c":{"x":-2}}"#,
            r#"{ "c": {"x": -2.0}, "b": [true, null, "A"], "a": 1.0 }"#,
        ];
        assert_eq!(bond(same[0]), bond(same[1]));
        let others = [
            r#"{"a":1}"#,
            r#"{"a":"1"}"#,
            r#"{"a":1.5}"#,
            r#"{"a":[1]}"#,
            r#"{"a":10}"#,
            r#"{"b":1}"#,
            r#"{"a":null}"#,
            "{}",
        ];
        for (place, one) in others.iter().enumerate() {
            for other in &others[place + 1..] {
                assert_ne!(bond(one), bond(other), "{one} {other}");
            }
        }
    }

    #[test]
    fn parts_of_names_do_not_run_together() {
        let principal =
            |issuer, subject| Bond::new(["", ""], Some(&Principal::new(issuer, subject)));
        assert_ne!(principal("ab", "c"), principal("a", "bc"));
        assert_ne!(principal("a", "b"), Bond::new(["", ""], None));
        let client = Principal::new("a", "b").client("");
        assert_ne!(principal("a", "b"), Bond::new(["", ""], Some(&client)));
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens_until_it_expires(
            answers in prop::collection::btree_map(".*", any::<i64>(), 0..8),
            asked in prop::collection::btree_set(".*", 0..8),
            state: Option<String>,
            expires in 1_u64..,
        ) {
            let keys = SealKeys::random();
            let answers = answers.into_iter().map(|(key, answer)| {
                (key, Raw::from_value(&answer).unwrap())
            });
            let memory = Memory { answers: answers.collect(), asked, state, ..Memory::default() };
            let (id, bond) = (ExchangeId([3; 16]), bond("{}"));
            let sealed = seal(&keys, &bond, (id, &memory), expires, usize::MAX).unwrap();
            let opened = open(&keys, &bond, &sealed, expires - 1, usize::MAX).unwrap();
            prop_assert!(opened.0 == id);
            prop_assert_eq!(&opened.1, &memory);
            let late = open(&keys, &bond, &sealed, expires, usize::MAX);
            prop_assert_eq!(late.err(), Some(Invalid::Expired));
            let long = open(&keys, &bond, &sealed, 0, sealed.len() - 1);
            prop_assert_eq!(long.err(), Some(Invalid::Oversized));
            prop_assert!(seal(&keys, &bond, (id, &memory), 1, sealed.len() - 1).is_none());
        }
    }
}
