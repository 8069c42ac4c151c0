//! Reading the body of a request, up to a limit.

use std::{pin::pin, time::Duration};

use bytes::{Buf, Bytes, BytesMut};
use http::{Response, StatusCode};
use http_body::Body;

use crate::clock;
use crate::transport::http::{HttpBody, reply};

/// How long the next piece of a body may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a whole body may take, however steadily it trickles.
const WHOLE: Duration = Duration::from_secs(2 * 60);

/// Why a body was not read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// It is longer than this many bytes.
    TooLarge(usize),
    /// It did not arrive in time.
    TooSlow,
    /// The connection broke.
    Broken,
}

/// The whole body, in time.
pub(super) async fn read<B: Body>(body: B, limit: usize) -> Result<Bytes, Unread> {
    let whole = clock::within(WHOLE, pieces(body, limit)).await;
    whole.unwrap_or(Err(Unread::TooSlow))
}

/// All pieces together. One that comes alone is not copied.
async fn pieces<B: Body>(body: B, limit: usize) -> Result<Bytes, Unread> {
    let mut body = pin!(body);
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    loop {
        let next = std::future::poll_fn(|cx| {
            // Turned into bytes within the poll, so that no type of the body's is held across it.
            body.as_mut().poll_frame(cx).map(|frame| match frame? {
                Ok(frame) => Some(frame.into_data().map_or_else(
                    |_trailers| Ok(Bytes::new()),
                    |mut data| {
                        if data.remaining() > limit {
                            return Err(Unread::TooLarge(limit));
                        }
                        Ok(data.copy_to_bytes(data.remaining()))
                    },
                )),
                Err(_) => Some(Err(Unread::Broken)),
            })
        });
        let Some(piece) = clock::within(PATIENCE, next).await.ok_or(Unread::TooSlow)? else {
            break;
        };
        let piece = piece?;
        if first.len() + rest.len() + piece.len() > limit {
            return Err(Unread::TooLarge(limit));
        }
        if first.is_empty() {
            first = piece;
        } else {
            rest.extend_from_slice(&piece);
        }
    }
    if rest.is_empty() {
        return Ok(first);
    }
    Ok([first, rest.freeze()].concat().into())
}

impl From<Unread> for Response<HttpBody> {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::TooLarge(limit) => reply::refusal(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("a message may have {limit} bytes"),
            ),
            Unread::TooSlow => reply::refusal(
                StatusCode::REQUEST_TIMEOUT,
                "the body did not arrive in time",
            ),
            Unread::Broken => reply::refusal(StatusCode::BAD_REQUEST, "the body is incomplete"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body::Frame;
    use http_body_util::{Full, StreamBody};

    use super::*;

    fn arriving(pieces: &[&'static str]) -> impl Body<Data = Bytes> {
        let frames = pieces
            .iter()
            .map(|piece| Ok::<_, Infallible>(Frame::data((*piece).into())));
        StreamBody::new(futures_util::stream::iter(frames))
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_the_limit_and_not_a_byte_beyond() {
        assert_eq!(
            read(Full::new(Bytes::from("abcd")), 4).await,
            Ok("abcd".into())
        );
        assert_eq!(
            read(arriving(&["a", "bc", "d"]), 4).await,
            Ok("abcd".into())
        );
        assert_eq!(
            read(arriving(&["a", "bc", "de"]), 4).await,
            Err(Unread::TooLarge(4))
        );
        assert_eq!(
            read(arriving(&["abcde"]), 4).await,
            Err(Unread::TooLarge(4))
        );
        assert_eq!(read(arriving(&[]), 4).await, Ok(Bytes::new()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_comes_is_given_up() {
        let never = StreamBody::new(futures_util::stream::pending::<
            Result<Frame<Bytes>, Infallible>,
        >());
        assert_eq!(read(never, 4).await, Err(Unread::TooSlow));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_trickles_is_given_up() {
        let trickle = StreamBody::new(futures_util::stream::unfold((), |()| async {
            tokio::time::sleep(PATIENCE / 2).await;
            Some((Ok::<_, Infallible>(Frame::data(Bytes::from("a"))), ()))
        }));
        assert_eq!(read(trickle, 1_000).await, Err(Unread::TooSlow));
    }
}
