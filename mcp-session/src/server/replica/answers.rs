//! Answers of clients, and what else they say to one replica and mean for another.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::protocol::{Raw, RequestId, RpcError};
use crate::server::replica::stored::Stored;
use crate::server::{Live, Server};
use crate::store::bus::Event;
use crate::store::{Draft, Key, Quota, StoreError};

/// How many answers of one session wait to be taken.
const WAITING: usize = 256;

/// What a client answered.
#[derive(Serialize, Deserialize)]
enum Answer {
    #[serde(rename = "result")]
    Result(Raw),
    #[serde(rename = "error")]
    Error(RpcError),
}

impl Stored {
    fn answer_to(&self, question: i64) -> Key {
        self.owner().key(format!("answer/{question}"))
    }
}

impl Server {
    /// Lays down an answer to a question that another replica asked, and tells that one.
    ///
    /// # Errors
    ///
    /// When it could not be laid down: the client may send it again.
    pub(crate) async fn pass_on(
        &self,
        live: &Live,
        id: &RequestId,
        outcome: Result<Raw, RpcError>,
    ) -> Result<(), StoreError> {
        let (Some(stored), RequestId::Number(question)) = (live.stored(), id) else {
            return Ok(());
        };
        if live.core().questions.may_have_asked(*question) {
            // Its own, and nobody waits for it any more.
            return Ok(());
        }
        let answer = match outcome {
            Ok(result) => Answer::Result(result),
            Err(error) => Answer::Error(error),
        };
        let text = serde_json::to_vec(&answer).map_err(StoreError::unavailable)?;
        let limits = self.limits();
        let quota = Quota::records(WAITING).bytes(limits.message_bytes.saturating_mul(4));
        let draft = Draft::new(text).ttl(limits.answer);
        let key = stored.answer_to(*question);
        match self.inner().store().create(&key, draft, quota).await {
            // Answered before: the first answer counts.
            Ok(_) | Err(StoreError::Conflict) => {}
            Err(StoreError::Full(_)) => {
                tracing::debug!("ignored an answer: too many wait to be taken");
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        self.say(Event::Answered {
            session: stored.session(),
            question: *question,
        });
        Ok(())
    }

    /// As [`pass_on`](Self::pass_on), in a task: nobody hears of it when it fails.
    pub(crate) fn pass_on_soon(
        &self,
        live: &Arc<Live>,
        id: RequestId,
        outcome: Result<Raw, RpcError>,
    ) {
        let (server, live) = (self.clone(), Arc::clone(live));
        self.inner().tasks.spawn(async move {
            if let Err(error) = server.pass_on(&live, &id, outcome).await {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "an answer was not passed on");
            }
        });
    }

    /// A client cancelled a request that does not run here.
    pub(crate) fn cancelled_here(&self, live: &Live, id: &RequestId) {
        if let Some(stored) = live.stored() {
            self.say(Event::Cancelled {
                session: stored.session(),
                request: serde_json::to_string(id).unwrap_or_default(),
                reason: None,
            });
        }
    }

    /// Takes an answer that was given at another replica, if it is there.
    async fn take_answer(&self, live: &Live, question: i64) -> Result<(), StoreError> {
        let Some(stored) = live.stored() else {
            return Ok(());
        };
        let (store, key) = (self.inner().store(), stored.answer_to(question));
        let Some(record) = store.load(&key).await? else {
            return Ok(());
        };
        match read(&record.value) {
            Ok(Answer::Result(result)) => {
                let id = RequestId::Number(question);
                live.core().questions.answer(&id, Ok(result)).ok();
            }
            Ok(Answer::Error(error)) => {
                let id = RequestId::Number(question);
                live.core().questions.answer(&id, Err(error)).ok();
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "an answer is not understood");
            }
        }
        store.delete(&key, None).await?;
        Ok(())
    }

    /// Looks for answers to what this replica asked.
    pub(super) fn look_for_answers(&self, live: &Arc<Live>) {
        let pending = live.core().questions.pending();
        if pending.is_empty() {
            return;
        }
        let (server, live) = (self.clone(), Arc::clone(live));
        self.inner().tasks.spawn(async move {
            for question in pending {
                server.look_for_answer(&live, question).await;
            }
        });
    }

    /// An answer is there, as another replica says.
    pub(super) fn answered(&self, live: &Arc<Live>, question: i64) {
        if !live.core().questions.pending().contains(&question) {
            return;
        }
        let (server, live) = (self.clone(), Arc::clone(live));
        self.inner().tasks.spawn(async move {
            server.look_for_answer(&live, question).await;
        });
    }

    async fn look_for_answer(&self, live: &Live, question: i64) {
        if let Err(error) = self.take_answer(live, question).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "an answer is looked for later");
        }
    }
}

fn read(text: &Bytes) -> Result<Answer, serde_json::Error> {
    serde_json::from_slice(text)
}
