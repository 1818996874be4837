//! The machine that is measured on: which core is whose, what it is, how busy it was.
//!
//! Guards that server and clients do not take each other's time: the server has the first core to itself, what calls it
//! has the others; where there is one core only, the results say that they share it.

use std::path::{Path, PathBuf};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::common::{self, Server};

pub struct Machine {
    /// Cores of the server, cores of the clients; None where there is nothing to share out.
    cores: Option<(Vec<usize>, Vec<usize>)>,
}

impl Machine {
    /// Takes this process, and all that it starts from here on, off the server's core.
    pub fn share_out() -> anyhow::Result<Machine> {
        let may = sched_getaffinity(Pid::from_raw(0))?;
        let all: Vec<usize> = (0..CpuSet::count())
            .filter(|core| may.is_set(*core).unwrap_or(false))
            .collect();
        let Some((server, clients)) = all.split_first().filter(|(_, rest)| !rest.is_empty()) else {
            return Ok(Machine { cores: None });
        };
        let cores = (vec![*server], clients.to_vec());
        pin(Pid::from_raw(0), &cores.1)?;
        Ok(Machine { cores: Some(cores) })
    }

    /// A server with all its threads on the server's core, on a unix socket and on a port of loopback.
    pub fn server(&self, options: &[&str]) -> Server {
        let no_rewrites = ["--auto-aof-rewrite-percentage", "0"];
        let server = Server::start_tcp(&[options, &no_rewrites].concat());
        if let Some((cores, _)) = &self.cores {
            let threads = format!("/proc/{}/task", server.pid());
            let threads = std::fs::read_dir(threads).expect("a process that runs");
            for thread in threads.flatten() {
                let name = thread.file_name();
                let id = name.to_str().and_then(|name| name.parse().ok());
                let pinned = pin(Pid::from_raw(id.expect("a number")), cores);
                pinned.expect("a core of this process's own");
            }
        }
        server
    }

    pub fn json(&self) -> Value {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let line_of = |path: &str, name: &str| {
            let text = read(path);
            let line = text
                .lines()
                .find(|line| line.starts_with(name))
                .unwrap_or("");
            line.split_once(':')
                .map_or("", |(_, value)| value.trim())
                .to_owned()
        };
        let kib = line_of("/proc/meminfo", "MemTotal");
        let kib: u64 = kib.trim_end_matches(" kB").parse().unwrap_or(0);
        let (server, clients) = self.cores.clone().unwrap_or_default();
        json!({
            "cpu": line_of("/proc/cpuinfo", "model name"),
            "cores": server.len() + clients.len(),
            "server_cores": server,
            "client_cores": clients,
            "kernel": read("/proc/sys/kernel/osrelease").trim(),
            "memory_mib": kib / 1024,
        })
    }
}

fn pin(id: Pid, cores: &[usize]) -> nix::Result<()> {
    let mut set = CpuSet::new();
    for core in cores {
        set.set(*core)?;
    }
    sched_setaffinity(id, &set)
}

/// The load average of the last minute.
pub fn load() -> f64 {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let minute = load.split(' ').next().and_then(|load| load.parse().ok());
    minute.unwrap_or(f64::NAN)
}

/// A program that comes with the server: beside it, or on the PATH.
pub fn beside_the_server(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let beside = common::server().parent().map(Path::to_path_buf);
    let folders = beside.into_iter().chain(std::env::split_paths(&path));
    folders
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}
