//! The folder and the ports of one cluster, told apart from those of every other cluster on this machine.
//!
//! A process that ends without dropping its cluster (a test binary never drops its statics) leaves a folder behind. Each folder has a
//! lock file held by its owner for as long as it lives; whoever takes a room next removes the folders whose owner is gone.

use std::fs::{self, File, TryLockError};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::{Error, jars};

/// Below the ports that Linux gives to outgoing connections (32768 and above by default).
const PORTS: std::ops::Range<u16> = 10_000..32_000;
const TRIES: usize = 200;

/// A folder and two ports that no other cluster has. The folder goes when this is dropped.
pub struct Room {
    pub folder: PathBuf,
    pub native_port: u16,
    pub storage_port: u16,
    _owned: File,
}

impl Room {
    /// Takes a room for nodes at 127.0.0.1 and up.
    ///
    /// # Errors
    /// [`Error::NoPort`] when no port is free on all addresses.
    pub fn take(nodes: u8) -> Result<Self, Error> {
        let rooms = jars::cache()?.join("cassandra").join("run");
        fs::create_dir_all(&rooms)?;
        // Held until the folder is locked and its ports are written.
        let door = File::create(rooms.join("lock"))?;
        door.lock()?;
        let mut taken = sweep(&rooms)?;
        let native_port = free_port(nodes, &taken)?;
        taken.push(native_port);
        let storage_port = free_port(nodes, &taken)?;

        let folder = rooms.join(Uuid::new_v4().simple().to_string());
        fs::create_dir(&folder)?;
        let owned = File::create(folder.join("lock"))?;
        owned.lock()?;
        fs::write(folder.join("ports"), format!("{native_port} {storage_port}"))?;
        Ok(Self { folder, native_port, storage_port, _owned: owned })
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next one to take a room.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The address of a node, counted from 0.
pub fn address(node: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 0, node + 1)
}

/// Removes the folders whose owner is gone; the ports of the others.
fn sweep(rooms: &Path) -> Result<Vec<u16>, Error> {
    let mut taken = Vec::new();
    for entry in fs::read_dir(rooms)? {
        let folder = entry?.path();
        if !folder.is_dir() {
            continue;
        }
        let alive = match File::open(folder.join("lock")).map(|lock| lock.try_lock()) {
            Ok(Err(TryLockError::WouldBlock)) => true,
            Ok(Err(TryLockError::Error(error))) => return Err(error.into()),
            // Nobody has it, or its owner was killed before it made the lock file: we hold the door, so nobody is making it now.
            Ok(Ok(())) | Err(_) => false,
        };
        if alive {
            let ports = fs::read_to_string(folder.join("ports")).unwrap_or_default();
            taken.extend(ports.split_whitespace().filter_map(|port| port.parse::<u16>().ok()));
        } else {
            // Its owner may be removing it at this moment.
            let _ = fs::remove_dir_all(&folder);
        }
    }
    Ok(taken)
}

/// A port that is free on the addresses of all nodes.
fn free_port(nodes: u8, taken: &[u16]) -> Result<u16, Error> {
    for _ in 0..TRIES {
        let drawn = Uuid::new_v4().as_u128() % u128::from(PORTS.end - PORTS.start);
        let port = PORTS.start + drawn as u16;
        let free = || (0..nodes).all(|node| TcpListener::bind((address(node), port)).is_ok());
        if !taken.contains(&port) && free() {
            return Ok(port);
        }
    }
    Err(Error::NoPort)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_share_no_port_and_those_left_behind_are_removed() {
        let room = Room::take(3).expect("a room");
        let left = room.folder.with_file_name(Uuid::new_v4().simple().to_string());
        fs::create_dir(&left).expect("a folder");
        File::create(left.join("lock")).expect("a lock that nobody holds");

        let other = Room::take(3).expect("another room");
        let ports = [room.native_port, room.storage_port, other.native_port, other.storage_port];
        let different: std::collections::HashSet<u16> = ports.into_iter().collect();
        assert_eq!(different.len(), ports.len(), "{ports:?}");
        assert!(!left.exists(), "the folder without an owner is gone");
        assert!(room.folder.exists(), "the one with an owner is not");

        let folder = room.folder.clone();
        drop(room);
        assert!(!folder.exists());
    }
}
