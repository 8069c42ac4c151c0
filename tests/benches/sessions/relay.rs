//! A relay before an engine that counts round trips.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::JoinHandle,
};

/// Passes everything on, and counts how often a client spoke after the engine had answered it.
#[derive(Debug)]
pub(crate) struct Relay {
    url: String,
    trips: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Relay {
    /// Before the engine at this URL.
    pub(crate) async fn before(url: &str) -> io::Result<Self> {
        let engine = address(url).to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let here = listener.local_addr()?.to_string();
        let trips = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&trips);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (engine, trips) = (engine.clone(), Arc::clone(&counted));
                tokio::spawn(async move { pass(client, &engine, trips).await });
            }
        });
        Ok(Self {
            url: url.replace(address(url), &here),
            trips,
            task,
        })
    }

    /// The URL through it.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn trips(&self) -> usize {
        self.trips.load(Ordering::Relaxed)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// `host:port` of a URL.
fn address(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or(rest)
}

async fn pass(client: TcpStream, engine: &str, trips: Arc<AtomicUsize>) -> io::Result<()> {
    let engine = TcpStream::connect(engine).await?;
    client.set_nodelay(true)?;
    engine.set_nodelay(true)?;
    let ((said, tell), (answered, ask)) = (client.into_split(), engine.into_split());
    let waits = AtomicBool::new(false);
    let asking = pump(said, ask, || {
        if !waits.swap(true, Ordering::Relaxed) {
            trips.fetch_add(1, Ordering::Relaxed);
        }
    });
    let answering = pump(answered, tell, || waits.store(false, Ordering::Relaxed));
    tokio::select! {
        ended = asking => ended,
        ended = answering => ended,
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, heard: impl Fn()) -> io::Result<()> {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        heard();
        to.write_all(&buffer[..read]).await?;
    }
}
