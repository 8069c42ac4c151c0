//! Goes one path through a server so many times: `call_path PATH TIMES`. What is counted around
//! it, `costs` decides.

use mcp_session_load::Result;
use mcp_session_load::inside::Path;

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let path = args.next().as_deref().and_then(Path::named);
    let times: Option<usize> = args.next().and_then(|times| times.parse().ok());
    let (Some(path), Some(times)) = (path, times) else {
        return Err("usage: call_path PATH TIMES".into());
    };
    // One thread, so that what runs depends on nobody else.
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build()?.block_on(async {
        let mut prepared = path.prepare().await?;
        for _ in 0..times {
            prepared.once().await?;
        }
        Ok(())
    })
}
