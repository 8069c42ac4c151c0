//! Noticing that the process which started this one is gone.
//!
//! A client that is killed closes its end of standard input, but not the copies that other
//! processes inherited; so the server also watches its parent. On Linux a descriptor of that
//! process says when it is gone. Elsewhere, and where there is no such descriptor, the parent's id
//! is compared every second: a process whose parent dies gets another one. A parent-death signal
//! would follow the *thread* that started this process, which may well end before.

use std::os::fd::OwnedFd;

use rustix::event::Timespec;
use rustix::process::{Pid, getppid};

/// How often the parent's id is looked at where nothing says that it changed.
const INTERVAL: Timespec = Timespec {
    tv_sec: 1,
    tv_nsec: 0,
};

/// The process that started this one.
#[derive(Debug)]
pub(super) struct Parent {
    id: Pid,
    /// Readable when it is gone.
    exit: Option<OwnedFd>,
}

impl Parent {
    /// The parent as it is now; `None` where there is none that could go: in a container it may be
    /// outside, and the first process outlives all others.
    pub(super) fn watch() -> Option<Self> {
        let id = getppid().filter(|id| !id.is_init())?;
        let parent = Self { id, exit: exit(id) };
        // Gone just before: the descriptor may be somebody else's who has the same id now.
        let exit = parent.exit.filter(|_| getppid() == Some(id));
        Some(Self { id, exit })
    }

    /// Readable when the parent is gone, where the system has such a thing.
    pub(super) fn exit(&self) -> Option<&OwnedFd> {
        self.exit.as_ref()
    }

    /// How long to wait before looking again; `None` where [`exit`](Self::exit) says it.
    pub(super) fn interval(&self) -> Option<&'static Timespec> {
        self.exit.is_none().then_some(&INTERVAL)
    }

    /// True when this process has another parent now.
    pub(super) fn is_gone(&self) -> bool {
        getppid() != Some(self.id)
    }
}

/// An old kernel or a sandbox may refuse; then the id is compared.
#[cfg(target_os = "linux")]
fn exit(id: Pid) -> Option<OwnedFd> {
    rustix::process::pidfd_open(id, rustix::process::PidfdFlags::empty()).ok()
}

#[cfg(not(target_os = "linux"))]
fn exit(_id: Pid) -> Option<OwnedFd> {
    None
}
