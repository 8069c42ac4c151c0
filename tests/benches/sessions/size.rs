//! How much a session takes in the store.

use std::io;

use serde_json::json;

use crate::{
    Done,
    client::{Client, Work},
    place::Place,
};

/// Sessions of each kind.
const MANY: usize = 1_000;

/// The bytes of one session of each kind, above those of none.
pub(crate) async fn sizes(place: &Place) -> Done<Vec<(&'static str, f64)>> {
    let mut sizes = Vec::new();
    let plain = each(place, async |_| Ok(())).await?;
    let changed = each(place, async |client| {
        let word = json!({"name": "one", "word": "one"});
        client.call("learn", word).await?;
        client.call("hide", json!({"tool": "plain_0"})).await
    });
    let changed = changed.await?;
    let counting = each(place, async |client| client.call("count", json!({})).await).await?;
    let all = [
        ("opened", plain),
        ("opened, two changes", changed),
        ("opened, one value in its state", counting),
    ];
    for (what, bytes) in all {
        sizes.extend(bytes.map(|bytes| (what, bytes)));
    }
    Ok(sizes)
}

async fn each(
    place: &Place,
    prepare: impl AsyncFn(&mut Client) -> io::Result<()>,
) -> Done<Option<f64>> {
    let Some(before) = place.engine().bytes().await? else {
        return Ok(None);
    };
    for _ in 0..MANY {
        let mut client = Client::new(place.address(), Work::Call).await?;
        prepare(&mut client).await?;
    }
    let after = place.engine().bytes().await?.unwrap_or(before);
    Ok(Some((after - before) / MANY as f64))
}
