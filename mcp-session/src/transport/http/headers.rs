//! What the headers of a request say about bodies: of what type, how long, and which are welcome.

use http::{HeaderMap, HeaderName, header};

/// A type of body that is sent from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Media {
    Json,
    EventStream,
}

impl Media {
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Json => ("application", "json"),
            Self::EventStream => ("text", "event-stream"),
        }
    }
}

/// The announced length of the body.
pub(super) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()
}

/// True when the body says that it is JSON in UTF-8.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return false;
    };
    if value == "application/json" {
        return true;
    }
    let Ok(value) = value.to_str() else {
        return false;
    };
    let mut parts = value.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default();
    media.eq_ignore_ascii_case("application/json")
        && parts
            .filter_map(|part| part.split_once('='))
            .all(|(name, value)| {
                let charset = value.trim().trim_matches('"');
                !name.trim().eq_ignore_ascii_case("charset")
                    || ["utf-8", "utf8"]
                        .iter()
                        .any(|utf8| charset.eq_ignore_ascii_case(utf8))
            })
}

/// True when the client takes both types of body that answers have, as it must
/// (2025-11-25, "Transports", "Sending Messages to the Server").
pub(super) fn accepts_answers(headers: &HeaderMap) -> bool {
    // What almost every client sends, in the words of the specification.
    const USUAL: &[u8] = b"application/json, text/event-stream";
    let mut values = headers.get_all(header::ACCEPT).iter();
    let usual = values.next().is_some_and(|value| value == USUAL) && values.next().is_none();
    usual || (accepts(headers, Media::Json) && accepts(headers, Media::EventStream))
}

/// True when the client takes such a body. Without an `Accept` header it takes everything.
///
/// The most specific range decides (RFC 9110, section 12.5.1), and a quality of zero refuses.
pub(super) fn accepts(headers: &HeaderMap, media: Media) -> bool {
    let (kind, subtype) = media.names();
    let mut best: Option<(u8, bool)> = None;
    for range in list(headers, &header::ACCEPT) {
        let mut parts = range.split(';').map(str::trim);
        let Some((first, second)) = parts.next().and_then(|range| range.split_once('/')) else {
            continue;
        };
        let rank = if first.eq_ignore_ascii_case(kind) && second.eq_ignore_ascii_case(subtype) {
            2
        } else if first.eq_ignore_ascii_case(kind) && second == "*" {
            1
        } else if first == "*" && second == "*" {
            0
        } else {
            continue;
        };
        let welcome = parts.all(|part| !is_zero_quality(part));
        if best.is_none_or(|(known, _)| rank > known) {
            best = Some((rank, welcome));
        } else if best.is_some_and(|(known, _)| rank == known) && welcome {
            best = Some((rank, true));
        }
    }
    match best {
        Some((_, welcome)) => welcome,
        None => !headers.contains_key(header::ACCEPT),
    }
}

fn is_zero_quality(parameter: &str) -> bool {
    parameter.split_once('=').is_some_and(|(name, value)| {
        name.trim().eq_ignore_ascii_case("q")
            && value
                .trim()
                .parse::<f32>()
                .is_ok_and(|quality| quality <= 0.0)
    })
}

/// The members of a comma-separated list, over all lines of the header.
pub(super) fn list<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'a str> + use<'a> {
    let lines = headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    lines
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .filter(|member| !member.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &HeaderName, values: &[&str]) -> HeaderMap {
        let values = values
            .iter()
            .map(|value| (name.clone(), value.parse().unwrap()));
        let mut headers = HeaderMap::new();
        values.for_each(|(name, value)| {
            headers.append(name, value);
        });
        headers
    }

    #[test]
    fn json_in_utf_8_is_json_and_nothing_else_is() {
        let cases: &[(&[&str], bool)] = &[
            (&["application/json"], true),
            (&["Application/JSON"], true),
            (&["application/json; charset=utf-8"], true),
            (&["application/json;charset=\"UTF-8\"; profile=x"], true),
            (&["application/json; charset=latin1"], false),
            (&["application/json-patch+json"], false),
            (&["application/vnd.api+json"], false),
            (&["text/plain"], false),
            (&["text/plain, application/json"], false),
            (&["application/json", "text/plain"], false),
            (&[""], false),
            (&[], false),
        ];
        for (values, expected) in cases {
            assert_eq!(
                is_json(&with(&header::CONTENT_TYPE, values)),
                *expected,
                "{values:?}"
            );
        }
    }

    #[test]
    fn the_most_specific_range_decides_what_is_welcome() {
        let cases: &[(&[&str], bool, bool)] = &[
            (&[], true, true),
            (&["*/*"], true, true),
            (&["application/json, text/event-stream"], true, true),
            (&["application/json", "text/event-stream"], true, true),
            (
                &["text/event-stream;q=0.5, application/json;q=0.1"],
                true,
                true,
            ),
            (&["application/*, text/*"], true, true),
            (&["application/*"], true, false),
            (&["application/json"], true, false),
            (&["text/event-stream"], false, true),
            (&["*/*, text/event-stream;q=0"], true, false),
            (&["*/*;q=0, application/json"], true, false),
            (&["application/json;q=0.0, */*"], false, true),
            (
                &["APPLICATION/JSON, TEXT/Event-Stream; charset=utf-8"],
                true,
                true,
            ),
            (&["text/html, image/png"], false, false),
            (&["json"], false, false),
            (&[""], false, false),
        ];
        for (values, json, stream) in cases {
            let headers = with(&header::ACCEPT, values);
            let found = (
                accepts(&headers, Media::Json),
                accepts(&headers, Media::EventStream),
            );
            assert_eq!(found, (*json, *stream), "{values:?}");
        }
    }

    #[test]
    fn a_length_that_is_no_number_is_none() {
        assert_eq!(
            content_length(&with(&header::CONTENT_LENGTH, &["12"])),
            Some(12)
        );
        assert_eq!(content_length(&with(&header::CONTENT_LENGTH, &["x"])), None);
    }
}
