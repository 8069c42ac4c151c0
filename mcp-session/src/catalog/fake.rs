//! A context for tests of handlers.

use std::{sync::Arc, time::Duration};

use crate::auth::{Granted, Principal};
use crate::catalog::{CheckedTool, Tool};
use crate::context::{CallParts, Cancel, Context, Deps, Host};
use crate::protocol::{ClientCapabilities, Era, Preamble, ProtocolVersion, RequestId, method};
use crate::session::{Client, Core, Opening, Outbox, OutboxLimits};

struct Fake {
    core: Core,
    deps: Deps,
}

impl Host for Fake {
    fn core(&self) -> &Core {
        &self.core
    }

    fn deps(&self) -> &Deps {
        &self.deps
    }

    fn logs(&self) -> bool {
        true
    }
}

/// What the template provides: 42 as a `u64`.
pub(crate) fn deps() -> Deps {
    let mut deps = Deps::default();
    deps.provide(Arc::new(42_u64));
    deps
}

/// The tool as a catalog holds it.
pub(crate) fn checked(tool: &Tool) -> CheckedTool {
    CheckedTool::check(tool, &deps()).expect("a tool without mistakes")
}

/// The context of a call by Ann.
pub(crate) fn context() -> Context {
    let ann = Principal::new("https://issuer.example", "ann");
    let deps = deps();
    let core = Core::new(Opening::new(Era::Stateless, Some(ann)));
    let version = ProtocolVersion::V2026_07_28;
    Context::new(CallParts {
        host: Arc::new(Fake { core, deps }),
        id: RequestId::Number(1),
        method: method::TOOLS_CALL.into(),
        client: Arc::new(Client::new(version, None, ClientCapabilities::default())),
        meta: Preamble::default(),
        outlet: Outbox::new(OutboxLimits {
            notices: 10,
            notice_bytes: 1_000,
            window: Duration::ZERO,
            replay: None,
        }),
        cancel: Cancel::default(),
        subject: None,
        input_responses: None,
        request_state: None,
        granted: Granted::Everything,
        opening: None,
        patience: Duration::from_secs(1),
    })
}
