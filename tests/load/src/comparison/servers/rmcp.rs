//! A server made with rmcp, the official SDK.
//!
//! It has the configuration that its documentation shows, but for two things: small writes are not
//! held back (`TCP_NODELAY`), and where all clients are stateless it keeps no sessions and answers
//! in plain JSON, which it has settings for.

use std::sync::Arc;

use axum::serve::ListenerExt;
use mcp_session_load::{Result, template};
use rmcp::handler::server::router::tool::{ToolRoute, ToolRouter};
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{CallToolResult, ContentBlock, ServerCapabilities, ServerConfig, Tool};
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
};
use rmcp::{ServerHandler, ServiceExt, tool, tool_handler, tool_router};

use crate::servers::{Serve, listener};

#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
struct Add {
    a: i64,
    b: i64,
}

#[derive(Clone)]
struct Measured {
    router: Arc<ToolRouter<Self>>,
}

#[tool_router]
impl Measured {
    #[tool(description = "Add two numbers.")]
    async fn add(&self, Parameters(Add { a, b }): Parameters<Add>) -> String {
        a.saturating_add(b).to_string()
    }
}

#[tool_handler(router = self.router)]
impl ServerHandler for Measured {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }
}

pub(super) async fn serve(serve: Serve) -> Result<()> {
    let mut router = Measured::tool_router();
    let schema = template::schema();
    let schema = Arc::new(schema.as_object().cloned().unwrap_or_default());
    for number in 0..serve.tools {
        let (name, description) = (template::name(number), template::description(number));
        let tool = Tool::new(name, description, Arc::clone(&schema));
        router = router.with_route(ToolRoute::new_dyn(tool, |_| {
            let found = CallToolResult::success(vec![ContentBlock::text("nothing found")]);
            Box::pin(async { Ok(found.into()) })
        }));
    }
    let measured = Measured {
        router: Arc::new(router),
    };
    if serve.stdio {
        let running = measured.serve(rmcp::transport::stdio()).await?;
        running.waiting().await?;
        return Ok(());
    }
    let mut config = StreamableHttpServerConfig::default();
    if serve.stateless {
        config = config
            .with_legacy_session_mode(false)
            .with_json_response(true);
    }
    let sessions = LocalSessionManager::default().into();
    let service = StreamableHttpService::new(move || Ok(measured.clone()), sessions, config);
    let app = axum::Router::new().nest_service("/mcp", service);
    let listener = listener().await?.tap_io(|stream| {
        // Slower, but not wrong.
        let _ = stream.set_nodelay(true);
    });
    Ok(axum::serve(listener, app).await?)
}
