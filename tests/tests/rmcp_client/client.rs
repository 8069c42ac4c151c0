//! The client's end: what it answers, what it hears, and shorthands for what it asks.
#![expect(
    deprecated,
    reason = "roots, sampling and logging are deprecated, and still asked for by older servers"
)]

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use parking_lot::Mutex;
use rmcp::model::{
    CallToolRequestParams, CallToolResult, ClientCapabilities, ClientConfig,
    CreateMessageRequestParams, CreateMessageResult, ElicitRequestParams, ElicitResult,
    ElicitationAction, ElicitationCapability, ErrorData, Implementation, JsonObject,
    ListRootsResult, LoggingMessageNotificationParam, ProgressNotificationParam, ProtocolVersion,
    ResourceUpdatedNotificationParam, Root, RootsCapabilities, SamplingCapability, SamplingMessage,
    ServerPeerInfo,
};
use rmcp::service::{NotificationContext, RequestContext, RunningService, ServiceError};
use rmcp::{ClientHandler, RoleClient};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::rmcp_client::Way;

/// What the server said without being asked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Heard {
    Tools,
    Prompts,
    Resources,
    Updated(String),
    Progress(f64, Option<f64>),
    Log(Value),
    Elicitation(Value),
}

/// What the client answers.
#[derive(Debug)]
pub(crate) struct Handler {
    version: ProtocolVersion,
    heard: mpsc::Sender<Heard>,
    pub(crate) roots: Mutex<Vec<Root>>,
    /// The user declines whatever is asked.
    pub(crate) declines: AtomicBool,
}

impl Handler {
    pub(crate) fn new(version: ProtocolVersion) -> (Self, mpsc::Receiver<Heard>) {
        let (sender, heard) = mpsc::channel(64);
        let handler = Self {
            version,
            heard: sender,
            roots: Mutex::new(vec![Root::new("file:///work")]),
            declines: false.into(),
        };
        (handler, heard)
    }

    fn hear(&self, heard: Heard) {
        self.heard
            .try_send(heard)
            .expect("a test hears little, and listens to the end");
    }
}

impl ClientHandler for Handler {
    fn get_info(&self) -> ClientConfig {
        let mut capabilities = ClientCapabilities::default();
        capabilities.elicitation = Some(ElicitationCapability::default());
        capabilities.sampling = Some(SamplingCapability::default());
        capabilities.roots = Some(RootsCapabilities::default());
        ClientConfig::new(capabilities, Implementation::new("interop-client", "9.9.9"))
            .with_protocol_version(self.version.clone())
    }

    async fn create_elicitation(
        &self,
        request: ElicitRequestParams,
        _context: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        let ElicitRequestParams::FormElicitationParams {
            message,
            requested_schema,
            ..
        } = request
        else {
            return Ok(ElicitResult::new(ElicitationAction::Decline));
        };
        if self.declines.load(Ordering::SeqCst) {
            return Ok(ElicitResult::new(ElicitationAction::Decline));
        }
        let schema = serde_json::to_value(requested_schema).unwrap();
        self.hear(Heard::Elicitation(
            json!({"message": message, "schema": schema}),
        ));
        let seat = json!({"seat": "12C", "bags": 2, "meal": true, "side": "aisle"});
        Ok(ElicitResult::new(ElicitationAction::Accept).with_content(seat))
    }

    async fn create_message(
        &self,
        params: CreateMessageRequestParams,
        _context: RequestContext<RoleClient>,
    ) -> Result<CreateMessageResult, ErrorData> {
        assert_eq!(params.max_tokens, 20);
        let answer = SamplingMessage::assistant_text("Oslo");
        Ok(CreateMessageResult::new(answer, "model-1".to_owned()))
    }

    async fn list_roots(
        &self,
        _context: RequestContext<RoleClient>,
    ) -> Result<ListRootsResult, ErrorData> {
        Ok(ListRootsResult::new(self.roots.lock().clone()))
    }

    async fn on_progress(
        &self,
        params: ProgressNotificationParam,
        _context: NotificationContext<RoleClient>,
    ) {
        self.hear(Heard::Progress(params.progress, params.total));
    }

    async fn on_logging_message(
        &self,
        params: LoggingMessageNotificationParam,
        _context: NotificationContext<RoleClient>,
    ) {
        self.hear(Heard::Log(params.data));
    }

    async fn on_resource_updated(
        &self,
        params: ResourceUpdatedNotificationParam,
        _context: NotificationContext<RoleClient>,
    ) {
        self.hear(Heard::Updated(params.uri));
    }

    async fn on_resource_list_changed(&self, _context: NotificationContext<RoleClient>) {
        self.hear(Heard::Resources);
    }

    async fn on_tool_list_changed(&self, _context: NotificationContext<RoleClient>) {
        self.hear(Heard::Tools);
    }

    async fn on_prompt_list_changed(&self, _context: NotificationContext<RoleClient>) {
        self.hear(Heard::Prompts);
    }
}

/// A connected client.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) way: Way,
    pub(crate) rmcp: RunningService<RoleClient, Handler>,
    heard: mpsc::Receiver<Heard>,
}

impl Client {
    pub(crate) fn new(
        way: Way,
        rmcp: RunningService<RoleClient, Handler>,
        heard: mpsc::Receiver<Heard>,
    ) -> Self {
        Self { way, rmcp, heard }
    }

    pub(crate) async fn close(self) {
        self.rmcp.cancel().await.unwrap();
    }

    /// What the server said of itself.
    pub(crate) fn server(&self) -> Arc<ServerPeerInfo> {
        self.rmcp.peer_info().expect("the lifecycle has begun")
    }

    /// The next thing the server says without being asked.
    pub(crate) async fn next_heard(&mut self) -> Heard {
        self.heard
            .recv()
            .await
            .expect("the handler lives as long as the client")
    }

    pub(crate) fn heard_nothing_else(&self) -> bool {
        self.heard.is_empty()
    }

    /// Calls a tool, and answers what the server asks on the way.
    pub(crate) async fn call(
        &self,
        tool: &'static str,
        arguments: Value,
    ) -> Result<CallToolResult, ServiceError> {
        self.rmcp.call_tool(request(tool, arguments)).await
    }

    /// The text of a call that works.
    pub(crate) async fn text(&self, tool: &'static str, arguments: Value) -> String {
        let result = self.call(tool, arguments).await.unwrap();
        assert_ne!(result.is_error, Some(true), "{result:?}");
        text_of(&result)
    }

    /// The text of a call that the tool fails.
    pub(crate) async fn failure(&self, tool: &'static str, arguments: Value) -> String {
        let result = self.call(tool, arguments).await.unwrap();
        assert_eq!(result.is_error, Some(true), "{result:?}");
        text_of(&result)
    }

    /// The code of a call that is no call.
    pub(crate) async fn refusal(&self, tool: &'static str, arguments: Value) -> i32 {
        match self.call(tool, arguments).await {
            Err(ServiceError::McpError(error)) => error.code.0,
            other => panic!("{other:?}"),
        }
    }

    /// The names of the tools on offer.
    pub(crate) async fn tools(&self) -> Vec<String> {
        let tools = self.rmcp.list_all_tools().await.unwrap();
        tools
            .into_iter()
            .map(|tool| tool.name.into_owned())
            .collect()
    }
}

/// The request that calls a tool.
pub(crate) fn request(tool: &'static str, arguments: Value) -> CallToolRequestParams {
    CallToolRequestParams::new(tool).with_arguments(object(arguments))
}

/// The one text block of a result.
pub(crate) fn text_of(result: &CallToolResult) -> String {
    match result.content.as_slice() {
        [block] => block.as_text().expect("a text block").text.clone(),
        blocks => panic!("{blocks:?}"),
    }
}

pub(crate) fn object(value: Value) -> JsonObject {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}
