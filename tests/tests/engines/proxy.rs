//! A proxy in front of an engine, which a test can freeze, cut and close.

use std::sync::Arc;

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// What becomes of bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Open,
    /// Nothing passes and nothing ends, as when a machine is gone without a word.
    Frozen,
    /// Connections end, and new ones end at once.
    Cut,
}

#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) port: u16,
    way: Arc<watch::Sender<Way>>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// In front of the host and port of a URL.
    pub(crate) async fn before(url: &str) -> Self {
        let address = address(url).to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let way = Arc::new(watch::Sender::new(Way::Open));
        let sender = Arc::clone(&way);
        let task = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let (address, way) = (address.clone(), sender.subscribe());
                tokio::spawn(async move { connected(client, &address, way).await });
            }
        });
        Self { port, way, task }
    }

    /// The URL through this proxy.
    pub(crate) fn url(&self, url: &str) -> String {
        url.replace(address(url), &format!("127.0.0.1:{}", self.port))
    }

    pub(crate) fn freeze(&self) {
        self.way.send_replace(Way::Frozen);
    }

    /// Ends all connections, and refuses new ones until it opens.
    pub(crate) fn cut(&self) {
        self.way.send_replace(Way::Cut);
    }

    pub(crate) fn open(&self) {
        self.way.send_replace(Way::Open);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// `host:port` of a URL.
fn address(url: &str) -> &str {
    let rest = url.split_once("://").unwrap().1;
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap()
}

async fn connected(client: TcpStream, address: &str, mut way: watch::Receiver<Way>) {
    if *way.borrow() == Way::Cut {
        return;
    }
    let Ok(server) = TcpStream::connect(address).await else {
        return;
    };
    let (client_out, client_in) = client.into_split();
    let (server_out, server_in) = server.into_split();
    tokio::select! {
        () = pumped(client_out, server_in, way.clone()) => {}
        () = pumped(server_out, client_in, way.clone()) => {}
        _ = way.wait_for(|way| *way == Way::Cut) => {}
    }
}

async fn pumped(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut way: watch::Receiver<Way>,
) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if way.wait_for(|way| *way == Way::Open).await.is_err()
            || to.write_all(&buffer[..read]).await.is_err()
        {
            return;
        }
    }
}
