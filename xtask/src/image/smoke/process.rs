//! The container's process, seen from outside: whom it runs as, and where it listens.
//!
//! Linux alone shows it, and only where the engine runs on the same system. What cannot be seen is `None`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use super::engine::Container;

/// The folder in `/proc`, if it really is the container's: an engine in a virtual machine counts its own processes.
pub fn folder(container: &Container) -> Option<PathBuf> {
    let folder = Path::new("/proc").join(container.state.pid.to_string());
    let group = std::fs::read_to_string(folder.join("cgroup")).ok()?;
    (container.state.pid != 0 && group.contains(&container.id)).then_some(folder)
}

/// The effective user id.
pub fn user(folder: &Path) -> Option<u32> {
    user_in(&std::fs::read_to_string(folder.join("status")).ok()?)
}

/// Every address that a process in the container listens on for TCP.
pub fn listening(folder: &Path) -> Option<Vec<SocketAddr>> {
    let mut found = listening_in(&std::fs::read_to_string(folder.join("net/tcp")).ok()?);
    // Without IPv6 there is no such table.
    let six = std::fs::read_to_string(folder.join("net/tcp6")).unwrap_or_default();
    found.extend(listening_in(&six));
    // The engine's own name server, in the container's network.
    found.retain(|address| address.ip() != IpAddr::from([127, 0, 0, 11]));
    Some(found)
}

/// The most memory that the container has used so far, in bytes, by either version of control groups.
pub fn peak_memory(folder: &Path) -> Option<u64> {
    let groups = std::fs::read_to_string(folder.join("cgroup")).ok()?;
    let files = groups.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (_, controllers, group) =
            (fields.next()?, fields.next()?, fields.next()?.trim_start_matches('/'));
        match controllers {
            "" => Some(Path::new("/sys/fs/cgroup").join(group).join("memory.peak")),
            "memory" => {
                Some(Path::new("/sys/fs/cgroup/memory").join(group).join("memory.max_usage_in_bytes"))
            }
            _ => None,
        }
    });
    files.filter_map(|file| std::fs::read_to_string(file).ok()?.trim().parse().ok()).next()
}

fn user_in(status: &str) -> Option<u32> {
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// The kernel's table of sockets: a number, the local address, the remote one, and the state, where `0A` is LISTEN.
fn listening_in(table: &str) -> Vec<SocketAddr> {
    let rows = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| row.get(3) == Some(&"0A")).filter_map(|row| address(row.get(1)?)).collect()
}

/// `0100007F:1F90` for 127.0.0.1:8080: the address in words of four bytes, each printed as this machine's number.
fn address(text: &str) -> Option<SocketAddr> {
    let (host, port) = text.split_once(':')?;
    let mut bytes = Vec::new();
    for start in (0..host.len()).step_by(8) {
        bytes.extend(u32::from_str_radix(host.get(start..start + 8)?, 16).ok()?.to_ne_bytes());
    }
    let host: IpAddr = match bytes.len() {
        4 => Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).into(),
        16 => Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).to_canonical(),
        _ => return None,
    };
    Some(SocketAddr::new(host, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_effective_user_is_the_second() {
        let status = "Name:\tserver\nUid:\t0\t65532\t65532\t65532\nGid:\t0\t0\t0\t0\n";
        assert_eq!(user_in(status), Some(65532));
        assert_eq!(user_in("Name:\tserver\n"), None);
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn listening_sockets_of_both_tables() {
        let four = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n   \
            0: 0100007F:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000 65532        0 1 1\n   \
            1: 00000000:A86D 00000000:0000 0A 00000000:00000000 00:00000000 00000000 65532        0 1 1\n   \
            2: 020011AC:A86D 010011AC:C350 01 00000000:00000000 00:00000000 00000000 65532        0 1 1\n";
        let shown =
            |table: &str| -> Vec<String> { listening_in(table).iter().map(SocketAddr::to_string).collect() };
        assert_eq!(shown(four), ["127.0.0.1:3000", "0.0.0.0:43117"]);
        let six = "  sl  local_address                         remote_address                        st\n   \
            0: 00000000000000000000000000000000:A86D 00000000000000000000000000000000:0000 0A 0 0\n   \
            1: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 0 0\n   \
            2: 0000000000000000FFFF00000100007F:0051 00000000000000000000000000000000:0000 0A 0 0\n   \
            3: nonsense:0050 00000000:0000 0A\n";
        assert_eq!(shown(six), ["[::]:43117", "[::1]:80", "127.0.0.1:81"]);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_is_seen() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let own = Path::new("/proc/self");
        assert!(listening(own).unwrap().contains(&listener.local_addr().unwrap()));
        assert!(user(own).is_some());
    }
}
