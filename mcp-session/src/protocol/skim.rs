//! A first look at JSON: where the members of an object stand.
//!
//! Every message is looked at several times, and almost all of them are plain: no name is escaped,
//! no member is there twice, everything is JSON. This finds members in one pass without copying
//! anything, and gives up on whatever is not plain: that is for the parser, which knows what to say
//! of it. So what is found here is what the parser would find.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// How many bytes are looked at together.
const WORD: usize = 8;

/// A JSON value as it stands in a text: well-formed, and without white space around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part<'a>(&'a str);

/// A text, and how far it was looked at.
#[derive(Debug)]
pub(super) struct Skim<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Part<'a> {
    pub(super) fn get(self) -> &'a str {
        self.0
    }

    pub(super) fn is_object(self) -> bool {
        self.0.starts_with('{')
    }

    /// As [`plain_text`].
    pub(super) fn plain_text(self) -> Option<&'a str> {
        plain_text(self.0)
    }
}

impl<'a> From<&'a RawValue> for Part<'a> {
    fn from(value: &'a RawValue) -> Self {
        Self(value.get())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Part<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(Self::from)
    }
}

/// Looks at a text that is one object. `member` is given each name, and must go past its value or
/// give up.
pub(super) fn object<'a>(
    text: &'a str,
    member: impl FnMut(&mut Skim<'a>, &'a str) -> Option<()>,
) -> Option<()> {
    let mut skim = Skim { text, at: 0 };
    skim.object(member)?;
    // Nothing follows.
    skim.peek().is_none().then_some(())
}

/// What a string says that has no escapes.
pub(super) fn plain_text(value: &str) -> Option<&str> {
    let inside = value.strip_prefix('"')?.strip_suffix('"')?;
    (!inside.contains('\\')).then_some(inside)
}

/// Fills a place that must be empty: what is there twice is not plain.
pub(super) fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

impl<'a> Skim<'a> {
    /// Goes through the members of the object that comes next, as [`object`] does.
    pub(super) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, &'a str) -> Option<()>,
    ) -> Option<()> {
        self.expect(b'{')?;
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(());
        }
        loop {
            self.expect(b'"')?;
            let begin = self.at;
            let plain = self.string()?;
            let name = plain.then(|| &self.text[begin..self.at - 1])?;
            self.expect(b':')?;
            member(self, name)?;
            match self.token()? {
                b',' => {}
                b'}' => return Some(()),
                _ => return None,
            }
        }
    }

    /// Goes past an object as [`object`](Self::object) does, and says where it stands.
    pub(super) fn members(
        &mut self,
        member: impl FnMut(&mut Self, &'a str) -> Option<()>,
    ) -> Option<Part<'a>> {
        self.peek()?;
        let begin = self.at;
        self.object(member)?;
        Some(Part(&self.text[begin..self.at]))
    }

    /// Goes past a value.
    pub(super) fn value(&mut self) -> Option<Part<'a>> {
        let first = self.token()?;
        let begin = self.at - 1;
        match first {
            b'{' => self.nested(true)?,
            b'[' => self.nested(false)?,
            other => self.scalar(other)?,
        }
        Some(Part(&self.text[begin..self.at]))
    }

    /// Goes past the rest of an object or an array.
    fn nested(&mut self, is_object: bool) -> Option<()> {
        /// What is nested deeper is not plain.
        const DEEPEST: u32 = u128::BITS;
        // One bit for each that is open, the innermost last: set for objects.
        let (mut open, mut depth) = (u128::from(is_object), 1);
        let mut begins = true;
        loop {
            let in_object = open & 1 == 1;
            let closing = if in_object { b'}' } else { b']' };
            let next = if begins && self.peek()? == closing {
                closing
            } else {
                if in_object {
                    self.expect(b'"')?;
                    self.string()?;
                    self.expect(b':')?;
                }
                match self.token()? {
                    bracket @ (b'{' | b'[') => {
                        if depth == DEEPEST {
                            return None;
                        }
                        open = open << 1 | u128::from(bracket == b'{');
                        depth += 1;
                        begins = true;
                        continue;
                    }
                    other => self.scalar(other)?,
                }
                self.peek()?
            };
            begins = false;
            if next == b',' {
                self.at += 1;
                continue;
            }
            // What is complete may complete what it is in.
            loop {
                let closing = if open & 1 == 1 { b'}' } else { b']' };
                self.expect(closing)?;
                open >>= 1;
                depth -= 1;
                if depth == 0 {
                    return Some(());
                }
                if self.peek()? == b',' {
                    self.at += 1;
                    break;
                }
            }
        }
    }

    /// Goes past a value that begins like this and holds no others.
    fn scalar(&mut self, first: u8) -> Option<()> {
        match first {
            b'"' => self.string().map(drop),
            b't' => self.rest("rue"),
            b'f' => self.rest("alse"),
            b'n' => self.rest("ull"),
            b'-' => {
                let digit = self.next()?;
                self.number(digit)
            }
            digit => self.number(digit),
        }
    }

    /// Goes past a string whose first quote is behind; true when it has no escapes.
    fn string(&mut self) -> Option<bool> {
        let mut plain = true;
        loop {
            match self.special()? {
                b'"' => return Some(plain),
                b'\\' => self.escape()?,
                _ => return None,
            }
            plain = false;
        }
    }

    /// Goes past bytes that stand for themselves in a string, and past the one behind them.
    fn special(&mut self) -> Option<u8> {
        let bytes = self.bytes();
        let mut at = self.at;
        while let Some(word) = bytes.get(at..at + WORD).and_then(|word| word.first_chunk()) {
            let special = special(u64::from_le_bytes(*word));
            if special != 0 {
                self.at = at + special.trailing_zeros() as usize / 8;
                return self.next();
            }
            at += WORD;
        }
        let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | ..b' ');
        self.at = at + bytes[at..].iter().position(is_special)?;
        self.next()
    }

    #[cold]
    fn escape(&mut self) -> Option<()> {
        match self.next()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => {
                let digits = self.bytes().get(self.at..self.at + 4)?;
                self.at += 4;
                digits.iter().all(u8::is_ascii_hexdigit).then_some(())
            }
            _ => None,
        }
    }

    /// Goes past a number whose first digit is this.
    fn number(&mut self, digit: u8) -> Option<()> {
        match digit {
            // Another digit behind it is no part of a number, and so of nothing.
            b'0' => {}
            b'1'..=b'9' => self.digits(),
            _ => return None,
        }
        if self.here() == Some(b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        if matches!(self.here(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.here(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.some_digits()?;
        }
        Some(())
    }

    fn some_digits(&mut self) -> Option<()> {
        let begin = self.at;
        self.digits();
        (self.at > begin).then_some(())
    }

    fn digits(&mut self) {
        let rest = self.bytes()[self.at..].iter();
        self.at += rest.take_while(|byte| byte.is_ascii_digit()).count();
    }

    fn rest(&mut self, word: &str) -> Option<()> {
        let found = self.bytes()[self.at..].starts_with(word.as_bytes());
        self.at += word.len();
        found.then_some(())
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.token()? == byte).then_some(())
    }

    /// Goes past white space and the byte behind it.
    fn token(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// Goes past white space.
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.here()? {
                byte if byte > b' ' => return Some(byte),
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                control => return Some(control),
            }
        }
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.here()?;
        self.at += 1;
        Some(byte)
    }

    fn here(&self) -> Option<u8> {
        self.bytes().get(self.at).copied()
    }

    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }
}

/// Marks the bytes of a word that do not stand for themselves: those below a space, quotes and
/// backslashes. Nothing is missed, and the lowest mark is right; only above it can one be wrong.
fn special(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    const TOPS: u64 = ONES << 7;
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit);
    let (quote, backslash) = (word ^ (ONES * 0x22), word ^ (ONES * 0x5c));
    (below(word, 0x20) | below(quote, 1) | below(backslash, 1)) & !word & TOPS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    /// The members of an object, if it is plain.
    fn members(text: &str) -> Option<Vec<(&str, &str)>> {
        let mut all = Vec::new();
        object(text, |skim, name| {
            all.push((name, skim.value()?.get()));
            Some(())
        })?;
        Some(all)
    }

    #[test]
    fn members_are_found_as_they_stand() {
        let text = " {\"a\" : [1, {\"b\":\"]\\\"}\"}] ,\"c\":{},\"d\":-0.5e+3\n, \"é\":null}\r\n";
        let found = [
            ("a", "[1, {\"b\":\"]\\\"}\"}]"),
            ("c", "{}"),
            ("d", "-0.5e+3"),
            ("é", "null"),
        ];
        assert_eq!(members(text).unwrap(), found);
        assert_eq!(members("{}"), Some(vec![]));
    }

    #[test]
    fn what_is_not_plain_is_left_alone() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(129), "]".repeat(129));
        for text in [r#"{"\u0061":1}"#, &deep, "[]", "1", "", "{\"a\":1} x"] {
            assert_eq!(members(text), None, "{text}");
        }
    }

    #[test]
    fn only_json_is_looked_at() {
        let good = [
            "0",
            "-0",
            "12",
            "1.5",
            "1e9",
            "1E-2",
            "true",
            "false",
            "null",
            "\"\"",
            "\"\\u00ff\"",
            "\"\u{7f}é\"",
            "[]",
            "[[],{}]",
            "{\"a\":[]}",
            "[1,2]",
            " [ 1 , 2 ] ",
            "\"\\/\\b\"",
        ];
        let bad = [
            "",
            "01",
            "-",
            "1.",
            ".5",
            "1e",
            "1e+",
            "+1",
            "tru",
            "nul",
            "True",
            "\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\\u12",
            "\"\t\"",
            "\"\u{0}\"",
            "[",
            "[1",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "[}",
            "{]",
            "[1}",
            "1 2",
            "NaN",
            "{\"a\":1]",
            "[[1]",
            "{\"a\" 1}",
            "{,}",
        ];
        for value in good.into_iter().chain(bad) {
            let text = format!("{{\"v\":{value}}}");
            let parsed = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            assert_eq!(members(&text).is_some(), parsed, "{text}");
            assert_eq!(parsed, good.contains(&value), "{text}");
        }
    }

    /// Text that is JSON, or almost.
    fn text() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"a\"",
            "\"b\"",
            "1",
            "-0.5",
            "true",
            "null",
            " ",
            "\\",
            "\"",
            "\"\\n\"",
            "\"longer than one word, é\"",
            "\u{1}",
            "\"\\ud800\"",
            "x",
            "0",
            "e",
        ]);
        let wild = prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat());
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        let value = leaf.prop_recursive(4, 32, 4, |inner| {
            let object = prop::collection::vec(("[a-c\"\\\\]?", inner.clone()), 0..4);
            prop_oneof![
                prop::collection::vec(inner, 0..4).prop_map(Value::from),
                object.prop_map(|members| members.into_iter().collect::<Value>()),
            ]
        });
        prop_oneof![
            (wild.clone(), wild).prop_map(|(one, two)| format!("{{\"a\":{one},\"b\":{two}}}")),
            value.prop_map(|value| format!("{{\"a\":{value:#}}}")),
        ]
    }

    proptest! {
        #[test]
        fn what_is_found_is_what_the_parser_finds(text in text()) {
            let parsed: Result<Members<'_>, _> = serde_json::from_str(&text);
            if let Some(found) = members(&text) {
                prop_assert_eq!(found, parsed.expect("JSON").0);
            } else if let Ok(Members(parsed)) = parsed {
                prop_assert!(text.contains('\\'), "{parsed:?} is plain: {text}");
            }
        }
    }

    /// The members as the parser finds them.
    struct Members<'a>(Vec<(&'a str, &'a str)>);

    impl<'de> Deserialize<'de> for Members<'de> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Visitor;
            impl<'de> serde::de::Visitor<'de> for Visitor {
                type Value = Members<'de>;

                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("an object")
                }

                fn visit_map<A: serde::de::MapAccess<'de>>(
                    self,
                    mut map: A,
                ) -> Result<Members<'de>, A::Error> {
                    let mut all = Vec::new();
                    while let Some(name) = map.next_key::<&str>()? {
                        all.push((name, map.next_value::<&RawValue>()?.get()));
                    }
                    Ok(Members(all))
                }
            }
            deserializer.deserialize_map(Visitor)
        }
    }
}
