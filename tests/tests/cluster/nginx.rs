//! nginx as it comes, before replicas that take turns.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    process::{Child, Command},
};

use crate::replicas::Folder;
use crate::setting::skipped;

/// How long it may take until it listens.
const STARTING: Duration = Duration::from_secs(10);

/// A running nginx, which ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Nginx {
    port: u16,
    _child: Child,
    _folder: Folder,
}

impl Nginx {
    /// Before these replicas; `None` where it is not installed, which is said.
    pub(crate) async fn start(replicas: &[SocketAddr]) -> Option<Self> {
        let Some(program) = program() else {
            skipped("nginx is not installed");
            return None;
        };
        let folder = Folder::new();
        // Nothing is bound twice: it is free again before nginx takes it.
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let path = folder.0.join("nginx.conf");
        std::fs::write(&path, configuration(&folder.0, port, replicas)).unwrap();
        let child = Command::new(program)
            .arg("-c")
            .arg(&path)
            .arg("-p")
            .arg(&folder.0)
            .arg("-e")
            .arg(folder.0.join("error.log"))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let listens = async {
            while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let listens = tokio::time::timeout(STARTING, listens).await;
        assert!(listens.is_ok(), "nginx does not listen");
        Some(Self {
            port,
            _child: child,
            _folder: folder,
        })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/mcp", self.port)
    }
}

/// Where the program is: administrators have it in a folder that others do not look into.
fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let administrators = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(administrators)
        .map(|folder| folder.join("nginx"))
        .find(|program| program.exists())
}

/// One process, so that ending it ends everything. The rest is what its manual says about event
/// streams; the turns are its default.
fn configuration(folder: &Path, port: u16, replicas: &[SocketAddr]) -> String {
    let folder = folder.display();
    let servers: String = replicas
        .iter()
        .map(|address| format!("        server {address} max_fails=0;\n"))
        .collect();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("    {kind}_temp_path {folder}/{kind};\n"))
        .collect();
    format!(
        "daemon off;\n\
         master_process off;\n\
         pid {folder}/nginx.pid;\n\
         events {{\n    worker_connections 2048;\n}}\n\
         http {{\n\
         {temporary}    \
             access_log off;\n    \
             upstream replicas {{\n{servers}    }}\n    \
             server {{\n        \
                 listen 127.0.0.1:{port};\n        \
                 location / {{\n            \
                     proxy_pass http://replicas;\n            \
                     proxy_http_version 1.1;\n            \
                     proxy_set_header Host $http_host;\n            \
                     proxy_set_header Connection \"\";\n            \
                     proxy_buffering off;\n            \
                     proxy_request_buffering off;\n            \
                     proxy_read_timeout 1h;\n        \
                 }}\n    \
             }}\n\
         }}\n"
    )
}
