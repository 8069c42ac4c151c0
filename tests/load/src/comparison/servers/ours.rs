//! This project's server, with every limit and guard as it is by default.

use mcp_session_load::{Result, template};

use crate::servers::Serve;

pub(super) async fn serve(serve: Serve) -> Result<()> {
    let server = template::server(serve.tools)?;
    if serve.stdio {
        return Ok(server.serve_stdio().await?);
    }
    let http = server.bind_http("127.0.0.1:0").await?;
    let url = http.url();
    let address = url
        .strip_prefix("http://")
        .and_then(|url| url.split('/').next());
    println!("{}", address.ok_or("no address of HTTP")?);
    Ok(http.serve().await?)
}
