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
    // Held for a map operation only, never across an await.
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    asked: i64,
    /// Nobody can answer any more.
    closed: bool,
    waiting: BTreeMap<i64, oneshot::Sender<Answer>>,
}

impl Questions {
    /// A new question, with an id no other question of this session has.
    pub(crate) fn ask(self: &Arc<Self>) -> Question {
        let (sender, answer) = oneshot::channel();
        let mut table = self.table.lock();
        table.asked += 1;
        let id = table.asked;
        if !table.closed {
            table.waiting.insert(id, sender);
        }
        Question {
            questions: Arc::clone(self),
            id,
            answer,
        }
    }

    /// Hands an answer to whoever asked; false when nobody waits for this id.
    pub(crate) fn answer(&self, id: &RequestId, answer: Answer) -> bool {
        let RequestId::Number(id) = id else {
            return false;
        };
        let waiting = self.table.lock().waiting.remove(id);
        waiting.is_some_and(|sender| sender.send(answer).is_ok())
    }

    /// Fails every question that still waits, and every later one: nobody can answer any more.
    pub(crate) fn close(&self) {
        let mut table = self.table.lock();
        table.closed = true;
        table.waiting.clear();
    }
}

/// One question; dropping it withdraws it.
#[derive(Debug)]
pub(crate) struct Question {
    questions: Arc<Questions>,
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
        self.questions.table.lock().waiting.remove(&self.id);
    }
}
