//! This module finds out which process has a port that is taken, and which port is free instead.

use std::io::ErrorKind;
use std::net::{IpAddr, TcpListener};
use std::path::Path;

/// A free port is looked for among this many.
const LOOK_AHEAD: u16 = 1000;

/// Returns whether another process listens on this port at one of these addresses. Port 0 is never taken.
pub fn is_taken(hosts: &[IpAddr], port: u16) -> bool {
    port != 0
        && hosts.iter().any(|host| match TcpListener::bind((*host, port)) {
            Ok(_) => false,
            Err(error) => error.kind() == ErrorKind::AddrInUse,
        })
}

/// Returns the first port from this one on that is free at all these addresses.
pub fn next_free(hosts: &[IpAddr], port: u16) -> Option<u16> {
    (port..port.saturating_add(LOOK_AHEAD)).find(|port| !is_taken(hosts, *port))
}

/// Returns a sentence that says that a port is taken, and by which process if that can be found out.
pub fn taken(port: u16) -> String {
    match holder(port) {
        Some(process) => format!("port {port} is taken by {process}"),
        None => format!("port {port} is taken by another process"),
    }
}

/// Returns the process that listens on a port, such as `node (pid 4711)`. It works on Linux only, and only
/// for processes whose file descriptors we may see.
fn holder(port: u16) -> Option<String> {
    let inodes: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| std::fs::read_to_string(table).ok())
        .flat_map(|table| listeners(&table, port))
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    if inodes.is_empty() {
        return None;
    }
    let holds = |process: &Path| {
        std::fs::read_dir(process.join("fd")).is_ok_and(|files| {
            files.flatten().any(|file| {
                std::fs::read_link(file.path())
                    .is_ok_and(|to| to.to_str().is_some_and(|to| inodes.iter().any(|i| i == to)))
            })
        })
    };
    let process = std::fs::read_dir("/proc").ok()?.flatten().find(|entry| {
        entry.file_name().to_str().is_some_and(|name| name.parse::<u32>().is_ok())
            && holds(&entry.path())
    })?;
    let name = std::fs::read_to_string(process.path().join("comm")).ok()?;
    Some(format!("{} (pid {})", name.trim(), process.file_name().to_str()?))
}

/// Returns the inodes of the sockets that listen on a port, from a table of `/proc/net`.
fn listeners(table: &str, port: u16) -> Vec<String> {
    const LISTEN: &str = "0A";
    let address = format!(":{port:04X}");
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<_> = line.split_whitespace().collect();
            let listens = fields.get(1)?.ends_with(&address) && *fields.get(3)? == LISTEN;
            listens.then(|| fields.get(9).map(ToString::to_string))?
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn a_taken_port_is_noticed_and_another_found() {
        let hosts = [IpAddr::from(Ipv4Addr::LOCALHOST)];
        let listener = TcpListener::bind((hosts[0], 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(is_taken(&hosts, port));
        assert_ne!(next_free(&hosts, port), Some(port));
        #[cfg(target_os = "linux")]
        assert!(taken(port).contains(&format!("(pid {})", std::process::id())), "{}", taken(port));
        drop(listener);
        assert!(!is_taken(&hosts, port));
    }

    #[test]
    fn only_listeners_of_the_port_are_found() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
             0: 0100007F:1388 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1\n\
             1: 0100007F:1388 0100007F:AAAA 01 00000000:00000000 00:00000000 00000000     0        0 12 1\n\
             2: 0100007F:1389 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 13 1\n";
        assert_eq!(listeners(table, 5000), ["11"]);
    }
}
