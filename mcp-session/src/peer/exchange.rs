//! One exchange: a request whose handler asks, and the retries that bring the answers.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, Waker},
};

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::peer::AskError;
use crate::protocol::{InputRequest, Raw};
use crate::random;
use crate::store::Scratch;

/// The secret name of one exchange, the same in all its rounds.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ExchangeId(pub(crate) [u8; 16]);

/// A secret as good as the answers it stands for.
impl fmt::Debug for ExchangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExchangeId")
    }
}

impl ExchangeId {
    fn random() -> Self {
        Self(random::bytes())
    }
}

/// What is known so far: it travels sealed with the questions, and comes back with the answers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Memory {
    /// Answers by the keys of their questions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) answers: BTreeMap<String, Raw>,
    /// What effects that happen once have given, by their keys.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) effects: BTreeMap<String, Raw>,
    /// The questions that were out: an answer to anything else was not asked for.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) asked: BTreeSet<String>,
    /// What the handler noted for its later runs.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(crate) scratch: Map<String, Value>,
    /// Something outside knows the exchange by a name that is made of its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) named: bool,
    /// What a handler that asks by hand wants to see again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<String>,
}

impl Memory {
    /// True when a retry could do without.
    pub(crate) fn is_empty(&self) -> bool {
        let known = self.answers.is_empty() && self.effects.is_empty() && self.scratch.is_empty();
        known && self.state.is_none() && !self.named
    }
}

/// The questions of one exchange and what is known of their answers. A handler and the tasks it
/// spawned share it with whoever drives the handler.
pub(crate) struct Exchange {
    /// Made when first asked for: most handlers that wait never ask.
    id: OnceLock<ExchangeId>,
    /// Whoever drives the handler: a task it spawned may ask, too.
    driver: AtomicWaker,
    scratch: Arc<Scratch>,
    // Held for table operations only, never across an await.
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    memory: Memory,
    /// Answers that came without being asked for: good for what is asked in this round.
    offered: BTreeMap<String, Raw>,
    open: BTreeMap<String, Open>,
    /// Keys of questions that are out as requests of the server's own (handshake era).
    out: BTreeSet<String>,
    /// Effects under way: the round does not end before they have.
    effecting: BTreeSet<String>,
    over: Option<Over>,
}

/// Why no answer comes any more.
#[derive(Debug, Clone, Copy)]
enum Over {
    /// The handler was put aside, to be run again.
    Suspended,
    /// Its request was answered or cancelled.
    Ended,
}

/// A question nobody has answered yet.
struct Open {
    request: InputRequest,
    waker: Waker,
}

/// What one round asks.
pub(crate) struct Asked {
    pub(crate) questions: BTreeMap<String, InputRequest>,
    pub(crate) memory: Memory,
}

impl Exchange {
    /// A new exchange.
    pub(crate) fn new() -> Self {
        Self::of(OnceLock::new(), Memory::default())
    }

    /// The next round of an exchange.
    pub(crate) fn resumed(id: ExchangeId, memory: Memory) -> Self {
        Self::of(OnceLock::from(id), memory)
    }

    fn of(id: OnceLock<ExchangeId>, mut memory: Memory) -> Self {
        let scratch = Arc::new(Scratch::of(std::mem::take(&mut memory.scratch)));
        let table = Table {
            memory,
            ..Table::default()
        };
        Self {
            id,
            driver: AtomicWaker::new(),
            scratch,
            table: Mutex::new(table),
        }
    }

    pub(crate) fn id(&self) -> ExchangeId {
        *self.id.get_or_init(ExchangeId::random)
    }

    /// What the handler notes for its later runs.
    pub(crate) fn scratch(&self) -> &Arc<Scratch> {
        &self.scratch
    }

    /// Takes what a retry brought along. What was not asked is ignored (2026-07-28, "Multi
    /// Round-Trip Requests", "Error Handling"), and an answer that is there already stays.
    pub(crate) fn deliver(&self, answers: BTreeMap<String, Raw>) {
        let mut table = self.table.lock();
        let Table { memory, open, .. } = &mut *table;
        let mut woken = Vec::new();
        for (key, answer) in answers {
            if memory.asked.contains(&key) && !memory.answers.contains_key(&key) {
                woken.extend(open.get(&key).map(|open| open.waker.clone()));
                memory.answers.insert(key, answer);
            }
        }
        drop(table);
        woken.into_iter().for_each(Waker::wake);
    }

    /// Takes answers of a client that was not given a state, to whatever is asked in this round.
    pub(crate) fn offer(&self, answers: BTreeMap<String, Raw>) {
        self.table.lock().offered = answers;
    }

    /// The answer to this question, if it is known.
    pub(crate) fn answer(&self, key: &str) -> Option<Raw> {
        self.table.lock().answer(key)
    }

    /// A name is made of its own, so all rounds must have it.
    pub(crate) fn remember_name(&self) {
        self.table.lock().memory.named = true;
    }

    /// Remembers an answer.
    pub(crate) fn learn(&self, key: &str, answer: Raw) {
        self.table
            .lock()
            .memory
            .answers
            .insert(key.to_owned(), answer);
    }

    /// Forgets an answer, to ask the same again.
    pub(crate) fn unlearn(&self, key: &str) {
        self.table.lock().memory.answers.remove(key);
    }

    /// What an effect has given, if it has happened.
    pub(crate) fn effect(&self, key: &str) -> Option<Raw> {
        self.table.lock().memory.effects.get(key).cloned()
    }

    pub(crate) fn keep_effect(&self, key: &str, given: Raw) {
        self.table
            .lock()
            .memory
            .effects
            .insert(key.to_owned(), given);
    }

    /// Keeps the round from ending while an effect is under way.
    pub(crate) fn effecting<'a>(&'a self, key: &'a str) -> Result<Effecting<'a>, Interrupted> {
        let mut table = self.table.lock();
        if matches!(table.over, Some(Over::Suspended)) {
            return Err(Interrupted::Over);
        }
        if !table.effecting.insert(key.to_owned()) {
            return Err(Interrupted::KeyTaken);
        }
        Ok(Effecting {
            exchange: self,
            key,
        })
    }

    /// Asks, once the future is polled.
    pub(crate) fn ask(self: &Arc<Self>, key: &str, request: InputRequest) -> Question {
        Question {
            exchange: Arc::clone(self),
            key: key.to_owned(),
            request: Some(request),
            open: false,
        }
    }

    /// Says who drives the handler, to be woken by questions of tasks that it spawned.
    pub(crate) fn driven_by(&self, waker: &Waker) {
        self.driver.register(waker);
    }

    /// True when somebody waits for an answer, and nothing else is to be waited for.
    pub(crate) fn is_stuck(&self) -> bool {
        let table = self.table.lock();
        !table.open.is_empty() && table.effecting.is_empty()
    }

    /// What is known, while the handler lives on.
    pub(crate) fn memory(&self) -> Memory {
        let memory = self.table.lock().memory.clone();
        Memory {
            scratch: self.scratch.export(),
            ..memory
        }
    }

    /// What is to be asked now. The handler may live on.
    pub(crate) fn asked(&self) -> Asked {
        let mut table = self.table.lock();
        table.memory.asked = table.open.keys().cloned().collect();
        let questions = table.open.iter();
        let questions = questions.map(|(key, open)| (key.clone(), open.request.clone()));
        let questions = questions.collect();
        drop(table);
        let memory = self.memory();
        Asked { questions, memory }
    }

    /// Takes what an earlier or later round of the same exchange knows.
    pub(crate) fn adopt(&self, known: Memory) {
        let mut table = self.table.lock();
        let Table { memory, open, .. } = &mut *table;
        let mut woken = Vec::new();
        for (key, answer) in known.answers {
            woken.extend(open.get(&key).map(|open| open.waker.clone()));
            memory.answers.entry(key).or_insert(answer);
        }
        for (key, given) in known.effects {
            memory.effects.entry(key).or_insert(given);
        }
        memory.named |= known.named;
        drop(table);
        woken.into_iter().for_each(Waker::wake);
    }

    /// True when every answer that is known here is known there, and the same.
    pub(crate) fn agrees(&self, there: &Memory) -> bool {
        let table = self.table.lock();
        let mut here = table.memory.answers.iter();
        here.all(|(key, answer)| there.answers.get(key) == Some(answer))
    }

    /// Keeps a key while its question is out as a request of the server's own.
    pub(crate) fn hold(self: &Arc<Self>, key: &str) -> Result<Out, AskError> {
        let mut table = self.table.lock();
        if let Some(over) = table.over {
            return Err(over.into());
        }
        if !table.out.insert(key.to_owned()) {
            return Err(AskError::AskedTwice(key.to_owned()));
        }
        Ok(Out {
            exchange: Arc::clone(self),
            key: key.to_owned(),
        })
    }

    /// The handler is about to be let go, to be run again.
    pub(crate) fn suspend(&self) {
        self.table.lock().over.get_or_insert(Over::Suspended);
    }

    /// The handler is gone, and no answer comes any more: tells whoever still waits for one.
    pub(crate) fn end(&self) {
        let mut table = self.table.lock();
        table.over.get_or_insert(Over::Ended);
        let waiting: Vec<_> = table.open.values().map(|open| open.waker.clone()).collect();
        drop(table);
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl From<Over> for AskError {
    fn from(over: Over) -> Self {
        match over {
            Over::Suspended => Self::Suspended,
            Over::Ended => Self::Gone,
        }
    }
}

impl Table {
    fn answer(&mut self, key: &str) -> Option<Raw> {
        if let Some(answer) = self.offered.remove(key) {
            self.memory.answers.entry(key.to_owned()).or_insert(answer);
        }
        self.memory.answers.get(key).cloned()
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exchange")
    }
}

/// A key that is taken, as long as this lives.
pub(crate) struct Out {
    exchange: Arc<Exchange>,
    key: String,
}

impl Drop for Out {
    fn drop(&mut self) {
        self.exchange.table.lock().out.remove(&self.key);
    }
}

/// Says that an effect is under way, as long as this lives.
pub(crate) struct Effecting<'a> {
    exchange: &'a Exchange,
    key: &'a str,
}

/// Why an effect cannot begin.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Interrupted {
    /// Another one with its key is under way.
    KeyTaken,
    /// The round is over.
    Over,
}

impl Drop for Effecting<'_> {
    fn drop(&mut self) {
        self.exchange.table.lock().effecting.remove(self.key);
        // What waited for this effect is the driver's to look at.
        self.exchange.driver.wake();
    }
}

/// One question: out from its first poll on, withdrawn when it is dropped.
///
/// It is a pending future and not an error, so a handler cannot mistake it for a failure.
pub(crate) struct Question {
    exchange: Arc<Exchange>,
    key: String,
    request: Option<InputRequest>,
    open: bool,
}

impl Future for Question {
    type Output = Result<Raw, AskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let mut table = this.exchange.table.lock();
        if let Some(answer) = table.answer(&this.key) {
            table.close(this.key.as_str(), &mut this.open);
            return Poll::Ready(Ok(answer));
        }
        if let Some(over) = table.over {
            return Poll::Ready(Err(over.into()));
        }
        if let Some(open) = table.open.get_mut(&this.key) {
            if !this.open {
                return Poll::Ready(Err(AskError::AskedTwice(this.key.clone())));
            }
            open.waker.clone_from(cx.waker());
            return Poll::Pending;
        }
        let Some(request) = this.request.take() else {
            return Poll::Ready(Err(AskError::Gone));
        };
        let waker = cx.waker().clone();
        table.open.insert(this.key.clone(), Open { request, waker });
        this.open = true;
        drop(table);
        this.exchange.driver.wake();
        Poll::Pending
    }
}

impl Table {
    fn close(&mut self, key: &str, open: &mut bool) {
        if std::mem::take(open) {
            self.open.remove(key);
        }
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        let mut table = self.exchange.table.lock();
        table.close(&self.key, &mut self.open);
    }
}
