//! What principals changed for good, as several replicas show it.

use std::sync::Arc;

use crate::random;
use crate::server::principal::Recalled;
use crate::server::replica::freshness::Look;
use crate::server::{Live, Server, ServerInner};
use crate::store::bus::Event;
use crate::store::{Key, Owner, StoreError};

/// What the records are that say who shows what a principal changed.
const HELD: &str = "changes/held";

/// What one principal changed of one variant, by its name on the bus.
pub(super) fn named(principal: &str, variant: &str) -> Arc<str> {
    format!("{principal}.{variant}").into()
}

/// Who shows a record is written under this owner.
fn holders_of(record: &Key) -> Owner {
    Owner::secret(HELD, &named(record.owner().id(), record.name()))
}

impl ServerInner {
    /// True when a principal's session shows what is in the store, or nothing is there to show.
    pub(crate) fn shows_the_newest(self: &Arc<Self>, live: &Live) -> bool {
        let recalled = live.principals().and_then(|shared| shared.recalled());
        let (Some(recalled), Some(_)) = (recalled, &self.replica) else {
            return true;
        };
        self.trusts(&recalled.freshness)
    }

    /// Others are told from here on that this replica shows a record, and it is about to look at
    /// it.
    pub(crate) async fn hold_principals(
        self: &Arc<Self>,
        recalled: &Recalled,
    ) -> Result<Look, StoreError> {
        let server = Server::from_inner(Arc::clone(self));
        server.begin_hearing().await;
        // Before the look: what is changed behind it is looked at once more.
        let times = self.times();
        let look = recalled.freshness.look(times);
        if !recalled.freshness.is_held_since(times) {
            server.hold(&holders_of(recalled.record())).await?;
        }
        Ok(look)
    }

    /// Sees to it that no other replica shows an older record than the one that was just saved.
    pub(crate) async fn tell_of_principal(
        self: &Arc<Self>,
        record: &Key,
    ) -> Result<(), StoreError> {
        let server = Server::from_inner(Arc::clone(self));
        let (principal, variant) = (record.owner().id(), record.name());
        let change = u64::from_be_bytes(random::bytes());
        let event = |to: Vec<Arc<str>>| Event::PrincipalChanged {
            principal: principal.into(),
            variant: variant.into(),
            change,
            from: server.own_id(),
            to,
        };
        let seen = (named(principal, variant), change);
        let owner = holders_of(record);
        server.tell_all_who_hold(&owner, seen, event).await
    }
}

impl Server {
    /// Another replica changed what a principal is offered for good.
    pub(super) fn principal_changed(&self, principal: &str, variant: &str) {
        let record = crate::server::principal::record_of(principal, variant);
        let Some(live) = self.inner().sessions.principals().showing(&record) else {
            return;
        };
        if let Some(recalled) = live.principals().and_then(|shared| shared.recalled()) {
            recalled.freshness.mark_stale();
        }
        let server = self.clone();
        self.inner().tasks.spawn(async move {
            // Its streams are told; a request that comes first looks for itself.
            if let Err(error) = server.inner().changed_elsewhere(&record).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(
                    error,
                    "a principal is told later of what it changed elsewhere"
                );
            }
        });
    }
}
