//! Proves that a process which is asked to stop does so in time, whatever it has to do.

use std::{io::Write, process::Stdio, sync::Arc, time::Duration};

use mcp_session::{Server, Session, Template, Tool};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Semaphore;

use crate::http::support::{Client, initialize, now, soon};

const CALLS: usize = 50;

/// A server in a process of its own, and the shape of requests to it.
struct Process {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    address: String,
    client: Client,
}

impl Process {
    async fn start(deadline: Duration) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_http_fixture"))
            .arg(deadline.as_millis().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = soon(output.next_line()).await.unwrap().unwrap();
        let address = url.trim_start_matches("http://").trim_end_matches("/mcp");
        // Nothing is served by this one: the client only makes requests.
        let nobody = Server::new(Template::builder("nobody", "1").build().unwrap());
        Self {
            input: child.stdin.take().unwrap(),
            address: address.to_owned(),
            client: Client::modern(nobody.http()),
            child,
            output,
        }
    }

    /// Does to it what a supervisor does.
    fn terminate(&self) {
        let id = self.child.id().unwrap().to_string();
        let sent = std::process::Command::new("kill")
            .args(["-TERM", &id])
            .status();
        assert!(sent.unwrap().success());
    }

    async fn connect(&self) -> TcpStream {
        soon(TcpStream::connect(&self.address)).await.unwrap()
    }

    /// Sends a request on a connection of its own.
    async fn send(&self, client: &Client, method: http::Method, body: &Value) -> Connection {
        let mut connection = Connection(self.connect().await);
        connection.send(client, method, body).await;
        connection
    }

    /// What it printed, once it is over.
    async fn printed(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(line) = soon(self.output.next_line()).await.unwrap() {
            lines.push(line);
        }
        lines
    }
}

struct Connection(TcpStream);

impl Connection {
    async fn send(&mut self, client: &Client, method: http::Method, body: &Value) {
        let text = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let head = client.headers(method, body).body(()).unwrap();
        let mut lines = format!("{} {} HTTP/1.1\r\n", head.method(), head.uri());
        for (name, value) in head.headers() {
            lines += &format!("{name}: {}\r\n", value.to_str().unwrap());
        }
        lines += &format!("content-length: {}\r\n\r\n{text}", text.len());
        self.0.write_all(lines.as_bytes()).await.unwrap();
    }

    /// Reads until the text is there.
    async fn read_until(&mut self, wanted: &str) -> String {
        crate::http::sockets::read_until(&mut self.0, wanted).await
    }

    /// Everything it still holds, up to its end.
    async fn rest(mut self) -> String {
        let mut text = Vec::new();
        soon(self.0.read_to_end(&mut text)).await.unwrap();
        String::from_utf8(text).unwrap()
    }
}

/// How many streams this machine lets a process have, up to a thousand.
fn affordable() -> usize {
    let limit = std::process::Command::new("sh")
        .args(["-c", "ulimit -n"])
        .output();
    let limit = String::from_utf8(limit.unwrap().stdout).unwrap();
    // Beside the streams there are calls, and what other tests have open.
    let room = limit.trim().parse().map_or(1_000, |files: usize| {
        files.saturating_sub(CALLS + 300).min(1_000)
    });
    if room < 1_000 {
        // Not by a macro, whose output the test runner would keep to itself.
        let told = format!("!!! `ulimit -n` is {}: only {room} streams\n", limit.trim());
        std::io::stderr().write_all(told.as_bytes()).unwrap();
    }
    room
}

/// Opens sessions, and the standing stream of each.
async fn standing(process: &Process, count: usize) -> (Vec<Client>, Vec<Connection>) {
    let mut talk = Connection(process.connect().await);
    let (mut clients, mut streams) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let mut client = Client {
            version: "2025-11-25",
            ..process.client.clone()
        };
        talk.send(&client, http::Method::POST, &initialize("2025-11-25"))
            .await;
        let answer = talk.read_until("\"id\":\"init\"").await;
        let mut lines = answer.lines();
        let id = lines.find_map(|line| line.strip_prefix("mcp-session-id: "));
        client.session = Some(id.unwrap().to_owned());
        let mut stream = process.send(&client, http::Method::GET, &Value::Null).await;
        stream.read_until("\r\n\r\n").await;
        streams.push(stream);
        clients.push(client);
    }
    (clients, streams)
}

async fn listens(process: &Process, count: usize) -> Vec<Connection> {
    let wish = json!({"notifications": {"toolsListChanged": true}});
    let listen = process.client.message("l", "subscriptions/listen", wish);
    let mut streams = Vec::new();
    for _ in 0..count {
        let mut stream = process
            .send(&process.client, http::Method::POST, &listen)
            .await;
        stream.read_until("subscriptions/acknowledged").await;
        streams.push(stream);
    }
    streams
}

#[tokio::test]
async fn a_process_with_a_thousand_streams_and_fifty_calls_stops_in_time_when_it_is_told_to() {
    let deadline = Duration::from_secs(10);
    let streams = affordable();
    let mut process = Process::start(deadline).await;
    let (clients, standing) = standing(&process, streams / 2).await;
    let listens = listens(&process, streams - streams / 2).await;
    let mut calls = Vec::new();
    for id in 0..CALLS {
        let client = if id % 4 < 2 {
            &process.client
        } else {
            &clients[0]
        };
        let tool = if id % 2 == 0 { "wait" } else { "stuck" };
        let call = client.call(id, tool, 0);
        let mut call = process.send(client, http::Method::POST, &call).await;
        call.read_until("\r\n\r\n").await;
        calls.push((tool, call));
    }

    let began = now();
    process.terminate();
    for stream in listens {
        let text = stream.rest().await;
        assert!(
            text.contains(r#""resultType":"complete""#) && text.ends_with("0\r\n\r\n"),
            "a closing result, and then the end: {text}"
        );
    }
    process.input.write_all(b"go on\n").await.unwrap();
    for (tool, call) in calls {
        let text = call.rest().await;
        assert_eq!(text.contains("waited"), tool == "wait", "{text}");
        assert!(text.ends_with("0\r\n\r\n"), "closed, not cut: {text}");
    }
    for stream in standing {
        assert!(
            stream.rest().await.ends_with("0\r\n\r\n"),
            "closed, not cut"
        );
    }
    let status = soon(process.child.wait()).await.unwrap();
    let took = now() - began;
    assert!(
        status.success() && took < deadline,
        "{status} after {took:?}"
    );
    let printed = process.printed().await;
    assert_eq!(printed.last().unwrap(), "served");
    let closed = printed.iter().filter(|line| *line == "closed: shutdown");
    assert_eq!(closed.count(), clients.len(), "every session was told");
}

#[tokio::test]
async fn a_process_stops_in_time_though_a_client_never_reads_its_answer() {
    let deadline = Duration::from_secs(2);
    let mut process = Process::start(deadline).await;
    let call = process.client.call(1, "much", 0);
    let mut call = process
        .send(&process.client, http::Method::POST, &call)
        .await;
    call.read_until("xxx").await;
    let began = now();
    process.terminate();
    let status = soon(process.child.wait()).await.unwrap();
    let took = now() - began;
    assert!(
        status.success() && took < deadline,
        "{status} after {took:?}"
    );
    drop(call);
}

#[tokio::test]
async fn a_process_that_is_told_twice_waits_for_nothing() {
    let mut process = Process::start(Duration::from_secs(3_600)).await;
    let client = process.client.clone();
    let listen = listens(&process, 1).await.remove(0);
    let call = client.call(1, "stuck", 0);
    let mut call = process.send(&client, http::Method::POST, &call).await;
    call.read_until("\r\n\r\n").await;
    process.terminate();
    assert!(listen.rest().await.contains("resultType"), "it has begun");
    process.terminate();
    assert!(soon(process.child.wait()).await.unwrap().success());
    // Hooks that nobody waits for may say something behind it.
    assert!(process.printed().await.contains(&"served".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_is_over_before_its_deadline_whatever_calls_and_hooks_do() {
    let never = std::future::pending::<&'static str>;
    for seconds in [0, 2, 60] {
        let deadline = Duration::from_secs(seconds);
        let told = Arc::new(Semaphore::new(0));
        let hears = Arc::clone(&told);
        let template = Template::builder("slow", "1.0.0")
            .tool(Tool::new("stuck").description("Waits.").handler(never))
            .on_close(move |_: Session, _| {
                hears.add_permits(1);
                std::future::pending()
            });
        let server = Server::new(template.build().unwrap());
        let client = Client::handshake(server.http()).await;
        let call = client.post(client.call(1, "stuck", 0)).await;
        assert!(call.is_stream(), "it runs");

        let began = now();
        server.shutdown_within(deadline).await;
        let took = now() - began;
        assert!(took <= deadline, "{took:?}");
        assert!(took >= deadline * 3 / 4, "calls had time: {took:?}");
        assert_eq!(call.events.rest().await, [json!(null); 0], "cancelled");
        let has_time = usize::from(seconds > 0);
        assert_eq!(told.available_permits(), has_time, "`on_close` runs once");
        assert!(server.sessions().is_empty());
    }
}
