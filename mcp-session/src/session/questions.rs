//! Requests of the server's own to a client of the handshake era, waiting for their answers.

use std::{collections::BTreeMap, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::protocol::{Raw, RequestId, RpcError};

/// What a client answered.
pub(crate) type Answer = Result<Raw, RpcError>;

/// The questions of one session that wait for answers.
#[derive(Debug, Default)]
pub(crate) struct Questions {
    // Held to look at two fields, never across an await.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Made with the first question: most sessions never ask.
    table: Option<Arc<Table>>,
    /// Nobody can answer any more.
    closed: bool,
}

#[derive(Debug, Default)]
struct Table {
    // Held for a map operation only, never across an await.
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// The number before the first question's.
    #[cfg(feature = "http")]
    begun: i64,
    asked: i64,
    questions: BTreeMap<i64, oneshot::Sender<Answer>>,
}

impl Questions {
    /// A new question, with an id no other question of this session has.
    pub(crate) fn ask(&self) -> Question {
        let (sender, answer) = oneshot::channel();
        let mut state = self.state.lock();
        let table = Arc::clone(state.table.get_or_insert_default());
        let mut waiting = table.waiting.lock();
        waiting.asked += 1;
        let id = waiting.asked;
        if !state.closed {
            waiting.questions.insert(id, sender);
        }
        drop(waiting);
        Question { table, id, answer }
    }

    /// Hands an answer to whoever asked.
    ///
    /// # Errors
    ///
    /// The answer, when nobody waits for this id.
    pub(crate) fn answer(&self, id: &RequestId, answer: Answer) -> Result<(), Answer> {
        let RequestId::Number(id) = id else {
            return Err(answer);
        };
        let table = self.state.lock().table.clone();
        let asked = table.and_then(|table| table.waiting.lock().questions.remove(id));
        match asked {
            Some(sender) => sender.send(answer),
            None => Err(answer),
        }
    }

    /// Numbers questions from here on, so that no other process of this session asks with the same.
    #[cfg(feature = "http")]
    pub(crate) fn begin_at(&self, number: i64) {
        let mut state = self.state.lock();
        let mut waiting = state.table.get_or_insert_default().waiting.lock();
        (waiting.begun, waiting.asked) = (number, number);
    }

    /// True for a number that a question of this process had or has.
    #[cfg(feature = "http")]
    pub(crate) fn may_have_asked(&self, id: i64) -> bool {
        let table = self.state.lock().table.clone();
        table.is_some_and(|table| {
            let waiting = table.waiting.lock();
            (waiting.begun..=waiting.asked).contains(&id)
        })
    }

    /// The questions that wait.
    #[cfg(feature = "http")]
    pub(crate) fn pending(&self) -> Vec<i64> {
        let table = self.state.lock().table.clone();
        table.map_or_else(Vec::new, |table| {
            table.waiting.lock().questions.keys().copied().collect()
        })
    }

    /// Fails every question that still waits, and every later one: nobody can answer any more.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        if let Some(table) = &state.table {
            table.waiting.lock().questions.clear();
        }
    }
}

/// One question; dropping it withdraws it.
#[derive(Debug)]
pub(crate) struct Question {
    table: Arc<Table>,
    id: i64,
    answer: oneshot::Receiver<Answer>,
}

impl Question {
    /// The id to ask with.
    pub(crate) fn id(&self) -> RequestId {
        RequestId::Number(self.id)
    }

    /// The answer; `None` when none can come any more.
    pub(crate) async fn answer(&mut self) -> Option<Answer> {
        (&mut self.answer).await.ok()
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.table.waiting.lock().questions.remove(&self.id);
    }
}
