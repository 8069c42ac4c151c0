//! A session's client that does one thing after the other, and knows what must come of it.

use std::{
    collections::VecDeque,
    fmt::Display,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use mcp_session_examples::Wire;
use mcp_session_tests::cluster::USERS;
use serde_json::{Value, json};

use crate::listener::Listener;
use crate::model::Expected;
use crate::random::Random;
use crate::replicas::Callers;
use crate::session::{Answer, Lost, Session};

/// How many steps are told when one goes wrong.
const REMEMBERED: usize = 25;

/// What a step ends with.
pub(crate) type Done = Result<(), String>;

/// What was counted for each user, by all their sessions.
#[derive(Debug, Default)]
pub(crate) struct Users {
    pub(crate) visits: [AtomicU64; USERS],
}

/// One session, from its opening to its end.
#[derive(Debug)]
pub(crate) struct Walk {
    pub(crate) session: Arc<Session>,
    pub(crate) user: Option<usize>,
    pub(crate) users: Arc<Users>,
    pub(crate) expected: Expected,
    pub(crate) listener: Listener,
    pub(crate) random: Random,
    steps: VecDeque<String>,
}

impl Walk {
    pub(crate) async fn begin(
        wire: &Wire,
        users: Arc<Users>,
        callers: Callers,
        mut random: Random,
    ) -> Result<Self, String> {
        let user = (callers == Callers::Users).then(|| random.below(USERS));
        let session = Session::open(wire, user).await;
        let session = Arc::new(session.map_err(|lost| format!("opening: {lost}"))?);
        Ok(Self {
            listener: Listener::new(Arc::clone(&session)),
            session,
            user,
            users,
            expected: Expected::default(),
            random,
            steps: VecDeque::new(),
        })
    }

    /// Goes on for so many steps, and ends the session.
    pub(crate) async fn finish(mut self, steps: usize) -> Result<String, String> {
        for _ in 0..steps {
            let done = self.step().await;
            done.map_err(|why| self.report(&why))?;
        }
        let ended = self.end().await;
        ended.map_err(|why| self.report(&why))?;
        Ok(self.session.id.clone())
    }

    /// Remembers what is done, for the case that it goes wrong.
    pub(crate) fn note(&mut self, what: impl Display) {
        if self.steps.len() == REMEMBERED {
            self.steps.pop_front();
        }
        self.steps.push_back(what.to_string());
    }

    pub(crate) async fn call(&mut self, tool: &str, arguments: Value) -> Result<String, String> {
        let answer = self.full(tool, arguments).await?;
        crate::session::said(&answer.result).map_err(|lost| lost.to_string())
    }

    pub(crate) async fn full(&mut self, tool: &str, arguments: Value) -> Result<Answer, String> {
        self.note(format_args!("{tool} {arguments}"));
        let answer = self.session.call_in_full(tool, arguments).await;
        self.noted(answer)
    }

    pub(crate) async fn ask(&mut self, method: &str, params: Value) -> Result<Answer, String> {
        self.note(format_args!("{method} {params}"));
        let answer = self.session.ask(method, params).await;
        self.noted(answer)
    }

    fn noted(&mut self, answer: Result<Answer, Lost>) -> Result<Answer, String> {
        let answer = answer.map_err(|lost| lost.to_string())?;
        self.note(format_args!("  by {}", answer.replica));
        Ok(answer)
    }

    /// Reads the list, as a client does that was told of a change.
    pub(crate) async fn lists(&mut self) -> Done {
        let listed = self.ask("tools/list", json!({})).await?;
        self.expected.lists(&listed.result)
    }

    /// Waits until everything was told that was to be told, and only that.
    pub(crate) async fn settles(&mut self) -> Done {
        self.note("settles");
        if !self.listener.is_open() {
            return Ok(());
        }
        self.listener
            .hears(|heard| self.expected.is_told(heard))
            .await?;
        self.expected.lists_before = None;
        self.listener.heard(|heard| self.expected.only_told(heard))
    }

    /// Counts what this session did for its user.
    pub(crate) fn visited(&self, user: usize) -> u64 {
        self.users.visits[user].fetch_add(1, Ordering::SeqCst) + 1
    }

    fn report(&self, why: &str) -> String {
        let steps: Vec<_> = self.steps.iter().map(String::as_str).collect();
        let (expected, user) = (&self.expected, self.user);
        format!(
            "{why}\n  user {user:?}, {expected:?}\n  steps:\n    {}",
            steps.join("\n    ")
        )
    }
}
