//! The replicas of one server, with what they share and what they write down.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use mcp_session_examples::{Member, Plan, Proxy};

use crate::nginx::Nginx;
use crate::setting::random;
use crate::space::Space;

/// Names of replicas.
const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

/// Replicas that run. They end when this is dropped, and nothing is left of them.
#[derive(Debug)]
pub(crate) struct Replicas {
    // Dropped before what they use.
    pub(crate) members: Vec<Member>,
    pub(crate) folder: Folder,
    _space: Space,
}

/// A folder that goes with this.
#[derive(Debug)]
pub(crate) struct Folder(pub(crate) PathBuf);

/// Whom replicas let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Callers {
    Users,
    Anybody,
}

/// What stands before the replicas.
#[derive(Debug)]
pub(crate) enum Front {
    Own(Proxy),
    Nginx(Nginx),
}

/// What hooks wrote about one session.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) opened: usize,
    pub(crate) resumed: usize,
    pub(crate) closed: usize,
}

impl Replicas {
    /// Starts them, for users who are known by their tokens, or for anybody.
    pub(crate) async fn start(space: Space, count: usize, callers: Callers) -> Self {
        let folder = Folder::new();
        let journal = folder.0.join("journal");
        let key = "5e".repeat(32);
        let journal = journal.to_str().unwrap();
        let args = [
            ["--store", &space.url],
            ["--space", &space.name],
            ["--seal-key", &key],
            ["--journal", journal],
        ];
        let args = args.into_iter().flatten();
        let args = args.chain((callers == Callers::Anybody).then_some("--open"));
        let plan = Plan {
            program: env!("CARGO_BIN_EXE_cluster_replica").into(),
            args: args.map(str::to_owned).collect(),
        };
        let mut members = Vec::new();
        for name in &NAMES[..count] {
            members.push(Member::start(plan.clone(), *name).await.unwrap());
        }
        Self {
            members,
            folder,
            _space: space,
        }
    }

    /// A proxy of our own before them.
    pub(crate) async fn front(&self) -> Front {
        let proxy = Proxy::start(self.members.iter().map(Member::address)).await;
        Front::Own(proxy.unwrap())
    }

    /// What hooks wrote so far, by session.
    pub(crate) fn journal(&self) -> BTreeMap<String, Life> {
        let text = std::fs::read_to_string(self.folder.0.join("journal")).unwrap_or_default();
        let mut lives = BTreeMap::<String, Life>::new();
        for line in text.lines() {
            let mut words = line.split(' ');
            let (what, session) = (words.next().unwrap(), words.next().unwrap());
            let life = lives.entry(session.to_owned()).or_default();
            match what {
                "open" => life.opened += 1,
                "resume" => life.resumed += 1,
                "close" => life.closed += 1,
                other => panic!("the journal says {other}"),
            }
        }
        lives
    }
}

impl Front {
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Own(proxy) => proxy.url(),
            Self::Nginx(nginx) => nginx.url(),
        }
    }
}

impl fmt::Display for Front {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Own(_) => "our proxy",
            Self::Nginx(_) => "nginx",
        })
    }
}

impl Folder {
    pub(crate) fn new() -> Self {
        let path = std::env::temp_dir().join(format!("mcp-session-cluster-{:016x}", random()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}
