//! What clients do, and what is measured meanwhile.

use std::{
    fmt,
    time::{Duration, Instant},
};

use http::HeaderValue;
use mcp_session_load::messages::{self, Era, SUM};
use mcp_session_load::template::LISTED;
use mcp_session_load::{Error, Result};
use serde::Serialize;
use tokio::task::JoinSet;

use crate::http::Connection;
use crate::options::Options;
use crate::process::Process;
use crate::servers::{Serve, Who};
use crate::stdio::Stream;

/// How many clients there are over HTTP, and how many calls are in flight over stdio.
const AT_ONCE: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scenario {
    StatelessCall,
    HandshakeCall,
    List,
    Session,
    Stdio,
    Idle,
}

/// What one measurement found; nothing where there is nothing to find, or the system does not say.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Sample {
    /// Microseconds of processor time that the server needs for one operation.
    pub(crate) cpu_us: Option<f64>,
    pub(crate) per_second: Option<f64>,
    pub(crate) p50_us: Option<f64>,
    pub(crate) p99_us: Option<f64>,
    /// What one session holds that nobody uses.
    pub(crate) bytes: Option<f64>,
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = [
            (self.cpu_us, "us of CPU"),
            (self.per_second, "a second"),
            (self.bytes, "bytes"),
        ];
        for (figure, unit) in shown {
            if let Some(figure) = figure {
                write!(f, " {figure:.0} {unit}")?;
            }
        }
        Ok(())
    }
}

impl Scenario {
    pub(crate) const ALL: [Self; 6] = [
        Self::StatelessCall,
        Self::HandshakeCall,
        Self::List,
        Self::Session,
        Self::Stdio,
        Self::Idle,
    ];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::StatelessCall => "stateless call",
            Self::HandshakeCall => "call in a session",
            Self::List => "list of 1,000 tools",
            Self::Session => "open, call, end",
            Self::Stdio => "stdio, 16 in flight",
            Self::Idle => "idle session",
        }
    }

    pub(crate) async fn measure(self, who: Who, options: &Options) -> Result<Sample> {
        let serve = Serve {
            who,
            stdio: self == Self::Stdio,
            tools: if self == Self::List { LISTED } else { 0 },
            stateless: matches!(self, Self::StatelessCall | Self::List),
        };
        if self == Self::Stdio {
            return over_stdio(serve, options.seconds).await;
        }
        let (process, address) = Process::over_http(serve).await?;
        let sample = match self {
            Self::Idle => idle(&process, &address, options.idle).await,
            _ => self.over_http(&process, &address, options.seconds).await,
        };
        process.end().await?;
        sample
    }

    async fn over_http(self, process: &Process, address: &str, time: Duration) -> Result<Sample> {
        let mut clients = Vec::new();
        for number in 1..=AT_ONCE {
            clients.push(Client::open(self, address, number).await?);
        }
        // What is made at first use is not what is measured.
        let (clients, _) = together(clients, time / 10).await?;
        let (cpu, since) = (process.cpu(), now());
        let (_, took) = together(clients, time).await?;
        Ok(sample(took, since.elapsed(), cpu, process.cpu()))
    }
}

/// The time, as a load generator needs it.
#[expect(clippy::disallowed_methods, reason = "a program that measures time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// One client of many.
struct Client {
    scenario: Scenario,
    connection: Connection,
    call: messages::Message,
    session: Option<HeaderValue>,
}

impl Client {
    async fn open(scenario: Scenario, address: &str, number: usize) -> Result<Self> {
        let mut connection = Connection::open(address).await?;
        let era = match scenario {
            Scenario::HandshakeCall | Scenario::Session => Era::Handshake,
            _ => Era::Stateless,
        };
        let session = match scenario {
            Scenario::HandshakeCall => Some(connection.initialize().await?),
            _ => None,
        };
        Ok(Self {
            scenario,
            connection,
            call: messages::add(era, number),
            session,
        })
    }

    async fn run(&mut self, time: Duration) -> Result<Vec<Duration>> {
        let (until, mut took) = (now() + time, Vec::new());
        let mut since = now();
        while since < until {
            match self.scenario {
                Scenario::List => self.list().await?,
                Scenario::Session => self.whole().await?,
                _ => self.call(self.session.clone()).await?,
            }
            let at = now();
            took.push(at.duration_since(since));
            since = at;
        }
        Ok(took)
    }

    async fn call(&mut self, session: Option<HeaderValue>) -> Result<()> {
        let request = self.call.post(session.as_ref());
        let (_, body) = self.connection.send(request).await?;
        let text = std::str::from_utf8(&body)?;
        if text.contains(SUM) {
            return Ok(());
        }
        Err(format!("a wrong answer: {text}").into())
    }

    async fn list(&mut self) -> Result<()> {
        let (mut listed, mut cursor) = (0, None::<String>);
        loop {
            let request = messages::list(Era::Stateless, 1, cursor.as_deref());
            let (_, body) = self.connection.send(request.post(None)).await?;
            let text = std::str::from_utf8(&body)?;
            listed += text.matches("\"find_").count();
            cursor = next_cursor(text).map(str::to_owned);
            if cursor.is_none() {
                break;
            }
        }
        match listed {
            LISTED => Ok(()),
            _ => Err(format!("a list of {listed} tools").into()),
        }
    }

    async fn whole(&mut self) -> Result<()> {
        let session = self.connection.initialize().await?;
        self.call(Some(session.clone())).await?;
        self.connection.send(messages::delete(&session)).await?;
        Ok(())
    }
}

fn next_cursor(page: &str) -> Option<&str> {
    let (_, rest) = page.rsplit_once("\"nextCursor\":\"")?;
    rest.split('"').next()
}

/// All clients at once; they come back with how long each operation took.
async fn together(clients: Vec<Client>, time: Duration) -> Result<(Vec<Client>, Vec<Duration>)> {
    let mut running = JoinSet::new();
    for mut client in clients {
        running.spawn(async move {
            let took = client.run(time).await?;
            Ok::<_, Error>((client, took))
        });
    }
    let (mut clients, mut all) = (Vec::new(), Vec::new());
    while let Some(done) = running.join_next().await {
        let (client, took) = done??;
        clients.push(client);
        all.extend(took);
    }
    Ok((clients, all))
}

async fn over_stdio(serve: Serve, time: Duration) -> Result<Sample> {
    let (process, input, output) = Process::over_stdio(serve)?;
    let mut stream = Stream::open(input, output).await?;
    stream.run(AT_ONCE, time / 10).await?;
    let (cpu, since) = (process.cpu(), now());
    let took = stream.run(AT_ONCE, time).await?;
    let sample = sample(took, since.elapsed(), cpu, process.cpu());
    process.end().await?;
    Ok(sample)
}

/// What sessions hold that were opened and left alone.
async fn idle(process: &Process, address: &str, sessions: usize) -> Result<Sample> {
    let mut connection = Connection::open(address).await?;
    // Some first, for what is made at first use.
    for _ in 0..sessions / 5 {
        connection.initialize().await?;
    }
    let before = process.resident();
    for _ in 0..sessions {
        connection.initialize().await?;
    }
    let grown = process.resident().zip(before);
    let grown = grown.map(|(now, before)| now.saturating_sub(before) as f64);
    Ok(Sample {
        bytes: grown.map(|bytes| bytes / sessions as f64),
        ..Sample::default()
    })
}

fn sample(
    mut took: Vec<Duration>,
    time: Duration,
    before: Option<Duration>,
    after: Option<Duration>,
) -> Sample {
    took.sort_unstable();
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    let at = |hundredth: usize| took.get(took.len() * hundredth / 100).copied();
    let count = took.len().max(1) as f64;
    let spent = after
        .zip(before)
        .map(|(now, before)| now.saturating_sub(before));
    Sample {
        cpu_us: spent.map(|spent| micros(spent) / count),
        per_second: Some(count / time.as_secs_f64()),
        p50_us: at(50).map(micros),
        p99_us: at(99).map(micros),
        bytes: None,
    }
}
