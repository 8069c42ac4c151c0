//! What sessions cost with each store: requests a second, round trips to the engine for each
//! request, and bytes for each session. Run by hand:
//!
//! ```text
//! scripts/services run cargo bench -p mcp-session-tests --bench sessions
//! ```
//!
//! The stores take turns in short slots, so that whatever else the machine does falls on all of them
//! alike, and what is said is each one's rate against that of memory. All of it goes over real
//! connections, and clients, servers and engines share the machine. Round trips are counted apart
//! from that, one request at a time, by a relay before the engine: each is something that a client
//! sent after it was answered.

#![expect(clippy::print_stdout, reason = "a benchmark says what it found")]

#[path = "sessions/client.rs"]
mod client;
#[path = "sessions/place.rs"]
mod place;
#[path = "sessions/relay.rs"]
mod relay;
#[path = "sessions/size.rs"]
mod size;

use std::{error::Error, io, time::Duration};

use tokio::time::Instant;

use client::{Client, WORKS, Work};
use place::Place;

/// Clients at a time.
const ACTIVE: usize = 16;
const ROUNDS: usize = 24;
const SLOT: Duration = Duration::from_millis(250);
/// Requests of which round trips are counted.
const COUNTED: usize = 300;

pub(crate) type Done<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Done {
    let places = Place::all().await?;
    let names: Vec<_> = places.iter().map(Place::name).collect();
    println!("stores: {}", names.join(", "));
    println!("\nrequests a second, against memory, round trips for each");
    for work in WORKS {
        let rates = race(&places, work).await?;
        let mut line = format!("{:34}", work.name());
        for (place, rate) in places.iter().zip(&rates) {
            let ratio = rate / rates[0];
            line += &format!("  {} {rate:6.0}/s {ratio:4.2}", place.name());
            if let Some(trips) = trips(place, work).await? {
                line += &format!(" {trips:5.2}");
            }
        }
        println!("{line}");
    }
    println!("\nbytes of a session in the store");
    for place in &places {
        for (what, bytes) in size::sizes(place).await? {
            println!("{:10} {what:34} {bytes:6.0}", place.name());
        }
    }
    for place in places {
        place.leave().await;
    }
    Ok(())
}

/// Each place does the same work in its turn, slot by slot; how many a second, in the median slot.
async fn race(places: &[Place], work: Work) -> Done<Vec<f64>> {
    let mut clients = Vec::new();
    for place in places {
        let mut here = Vec::new();
        for _ in 0..ACTIVE {
            here.push(Client::new(place.address(), work).await?);
        }
        clients.push(here);
    }
    let mut rates = vec![Vec::new(); places.len()];
    // The first round warms up.
    for round in 0..=ROUNDS {
        for (here, rates) in clients.iter_mut().zip(&mut rates) {
            let rate = slot(here).await?;
            if round > 0 {
                rates.push(rate);
            }
        }
    }
    Ok(rates.into_iter().map(median).collect())
}

async fn slot(clients: &mut Vec<Client>) -> Done<f64> {
    let (began, until) = (now(), now() + SLOT);
    let running = clients.drain(..).map(|mut client| {
        tokio::spawn(async move {
            let mut done = 0_u32;
            while now() < until {
                client.work().await?;
                done += 1;
            }
            Ok::<_, io::Error>((client, done))
        })
    });
    let running: Vec<_> = running.collect();
    let mut all = 0;
    for client in running {
        let (client, done) = client.await??;
        clients.push(client);
        all += done;
    }
    Ok(f64::from(all) / began.elapsed().as_secs_f64())
}

/// Round trips to the engine for each request; `None` where there is no engine.
async fn trips(place: &Place, work: Work) -> Done<Option<f64>> {
    let Some((relay, address)) = place.counting() else {
        return Ok(None);
    };
    let mut client = Client::new(address, work).await?;
    for _ in 0..COUNTED / 10 {
        client.work().await?;
    }
    let before = relay.trips();
    for _ in 0..COUNTED {
        client.work().await?;
    }
    let trips = relay.trips() - before;
    Ok(Some(trips as f64 / COUNTED as f64))
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
