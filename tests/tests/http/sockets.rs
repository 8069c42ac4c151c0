//! Proves that the same holds over real connections, with a server that listens by itself.

use std::sync::Arc;

use mcp_session::{Server, Session, Template, Tool};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
};
use tower_service::Service;

use crate::http::support::{Client, initialize, said, seen, server, soon};

/// A server on a port of its own.
pub(crate) struct Listening {
    pub(crate) server: Server,
    pub(crate) address: std::net::SocketAddr,
    pub(crate) serving: JoinHandle<mcp_session::Result<()>>,
}

pub(crate) async fn listening(server: Server) -> Listening {
    let bound = server.bind_http("127.0.0.1:0").await.unwrap();
    let address = bound.local_addr();
    assert_eq!(bound.url(), format!("http://{address}/mcp"));
    Listening {
        server,
        address,
        serving: tokio::spawn(bound.serve()),
    }
}

impl Listening {
    /// Sends a request of the client's on a connection of its own.
    pub(crate) async fn send(
        &self,
        client: &Client,
        method: http::Method,
        body: &Value,
    ) -> TcpStream {
        let text = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let head = client.headers(method, body).body(()).unwrap();
        let mut lines = format!("{} {} HTTP/1.1\r\n", head.method(), head.uri());
        for (name, value) in head.headers() {
            lines += &format!("{name}: {}\r\n", value.to_str().unwrap());
        }
        lines += &format!("content-length: {}\r\n\r\n{text}", text.len());
        let mut connection = TcpStream::connect(self.address).await.unwrap();
        connection.write_all(lines.as_bytes()).await.unwrap();
        connection
    }

    async fn stop(self) {
        let (served, ()) = tokio::join!(soon(self.serving), soon(self.server.shutdown()));
        served.unwrap().unwrap();
    }
}

/// Reads until the text is there.
pub(crate) async fn read_until(connection: &mut TcpStream, wanted: &str) -> String {
    let mut text = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let so_far = String::from_utf8_lossy(&text);
        if so_far.contains(wanted) {
            return so_far.into_owned();
        }
        let count = soon(connection.read(&mut buffer)).await.unwrap();
        assert_ne!(count, 0, "no {wanted:?} in {so_far:?}");
        text.extend_from_slice(&buffer[..count]);
    }
}

/// A client with a session, opened without the listener.
async fn session(server: &Server) -> Client {
    Client::handshake(server.http()).await
}

#[tokio::test]
async fn a_plain_answer_has_its_length_and_the_connection_stays() {
    let (server, _) = server();
    let listening = listening(server).await;
    let client = Client::modern(listening.server.http());
    let mut connection = listening
        .send(&client, http::Method::POST, &client.call(1, "plain", 0))
        .await;
    let answer = read_until(&mut connection, "\"plain\"").await;
    let (head, _) = answer.split_once("\r\n\r\n").unwrap();
    assert!(
        head.starts_with("HTTP/1.1 200") && head.contains("content-length: "),
        "{head}"
    );
    drop(connection);
    listening.stop().await;
}

#[tokio::test]
async fn initialize_names_the_session_in_a_header() {
    let (server, _) = server();
    let listening = listening(server).await;
    let mut client = session(&listening.server).await;
    client.session = None;
    let mut connection = listening
        .send(&client, http::Method::POST, &initialize("2025-11-25"))
        .await;
    let answer = read_until(&mut connection, "\"result\"").await;
    assert!(answer.contains("mcp-session-id: "), "{answer}");
    assert_eq!(listening.server.sessions().len(), 2);
    drop(connection);
    listening.stop().await;
}

#[tokio::test]
async fn a_stateless_client_that_hangs_up_stops_its_call_before_and_after_it_became_a_stream() {
    let (server, probe) = server();
    let listening = listening(server).await;
    let client = Client::modern(listening.server.http());
    for steps in [0, 1] {
        let mut connection = listening
            .send(&client, http::Method::POST, &client.call(1, "wait", steps))
            .await;
        seen(&probe.started).await;
        if steps > 0 {
            read_until(&mut connection, "notifications/progress").await;
        }
        drop(connection);
        seen(&probe.abandoned).await;
    }
    listening.stop().await;
}

#[tokio::test]
async fn a_handshake_client_that_hangs_up_comes_back_for_its_answer() {
    let (server, probe) = server();
    let listening = listening(server).await;
    let client = session(&listening.server).await;
    let mut connection = listening
        .send(&client, http::Method::POST, &client.call(1, "wait", 1))
        .await;
    let head = read_until(&mut connection, "\"progress\":0").await;
    let id = head.lines().rfind(|line| line.starts_with("id: ")).unwrap()[4..].to_owned();
    drop(connection);
    probe.gate.add_permits(1);
    seen(&probe.finished).await;
    let rest = client.get(Some(&id)).await.events.rest().await;
    assert_eq!(said(rest.last().unwrap()), "waited");
    listening.stop().await;
}

#[tokio::test]
async fn clients_that_never_read_hold_up_nobody_and_no_shutdown() {
    let (server, probe) = server();
    let listening = listening(server).await;
    let client = session(&listening.server).await;
    let mut stuck = Vec::new();
    for id in 0..20 {
        stuck.push(
            listening
                .send(&client, http::Method::GET, &Value::Null)
                .await,
        );
        let call = client.call(id, "wait", 200);
        stuck.push(listening.send(&client, http::Method::POST, &call).await);
        seen(&probe.started).await;
    }
    probe.gate.add_permits(20);
    for _ in 0..20 {
        seen(&probe.finished).await;
    }
    let other = session(&listening.server).await;
    let answer = other.post(other.call(1, "plain", 0)).await.json().await;
    assert_eq!(said(&answer), "plain");
    listening.stop().await;
}

#[tokio::test]
async fn a_mounted_service_knows_the_whole_url() {
    let paths = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&paths);
    let template = Template::builder("where", "1.0.0")
        .tool(
            Tool::new("plain")
                .description("Answers.")
                .handler(async || "plain"),
        )
        .on_open(move |session: Session| {
            let path = session.opening().path().map(str::to_owned);
            let tenant = session.opening().query("tenant").map(str::to_owned);
            seen.lock().push((path.unwrap(), tenant));
            async { Ok(()) }
        });
    let server = Server::new(template.build().unwrap());
    let client = Client::modern(server.http());
    let mut app = axum::Router::new().nest_service("/api/mcp", server.http());
    for uri in ["/api/mcp", "/api/mcp/beta?tenant=a"] {
        let message = client.call(1, "plain", 0);
        let mut request = client
            .headers(http::Method::POST, &message)
            .body(message.to_string());
        *request.as_mut().unwrap().uri_mut() = uri.parse().unwrap();
        let response = app.call(request.unwrap()).await.unwrap();
        assert_eq!(response.status(), 200);
    }
    let expected = [("/api/mcp", None), ("/api/mcp/beta", Some("a"))];
    let expected = expected.map(|(path, tenant)| (path.to_owned(), tenant.map(str::to_owned)));
    assert_eq!(*paths.lock(), expected);
}
