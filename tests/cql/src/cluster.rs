//! Several nodes that are one database.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use crate::certificates::Certificates;
use crate::node::Node;
use crate::room::{Room, address};
use crate::settings::{Options, Plan};
use crate::{Error, jars, java};

/// Each node wants about 1 GB of memory and a share of the processors.
pub const MOST_NODES: usize = 9;

/// A running cluster on 127.0.0.1 and up, all nodes on one port. It ends with this value, and with the process in any case.
///
/// Nodes are counted from 0. All calls block.
pub struct Cluster {
    nodes: Vec<Node>,
    ca: Option<PathBuf>,
    // Last: the folder goes when the processes have ended.
    room: Room,
}

impl Cluster {
    /// Starts a cluster and waits until each of its nodes answers and sees all others.
    ///
    /// # Errors
    /// [`Error::Missing`] without Java 17 or Maven, [`Error::Start`] with the end of a node's log when it does not come up.
    ///
    /// # Panics
    /// With no nodes, or more than [`MOST_NODES`].
    pub fn start(nodes: usize, options: &Options) -> Result<Self, Error> {
        assert!((1..=MOST_NODES).contains(&nodes), "a cluster has 1 to {MOST_NODES} nodes");
        let count = nodes as u8;
        let java = java::find()?;
        let jars = jars::folder()?;
        let room = Room::take(count)?;
        let addresses: Vec<String> = (0..count).map(|node| address(node).to_string()).collect();
        let certificates = match options.tls {
            true => Some(Certificates::make(&java, &room.folder, &addresses)?),
            false => None,
        };
        let mut nodes = Vec::with_capacity(addresses.len());
        for node in 0..count {
            let plan = Plan::write(&java, &jars, &room, count, node, options, certificates.as_ref())?;
            nodes.push(Node::new(plan, address(node), room.native_port, options.tls));
        }
        for node in &mut nodes {
            // One after another: a node joins a ring that stands.
            node.start()?;
        }
        if options.authentication {
            // Made in the background, by the first node.
            nodes[0].await_log(&["Created default superuser role"])?;
        }
        for (place, node) in nodes.iter().enumerate() {
            for other in (0..count).filter(|other| usize::from(*other) != place) {
                // A node that answers may not know the others yet: there would be no quorum.
                node.await_log(&[&format!("InetAddress /{}:", address(other)), "is now UP"])?;
            }
        }
        Ok(Self { nodes, ca: certificates.map(|made| made.ca), room })
    }

    /// Where clients connect: `address:port` of each node.
    pub fn contact_points(&self) -> Vec<String> {
        (0..self.nodes.len()).map(|node| format!("{}:{}", self.address(node), self.port())).collect()
    }

    /// The address of a node.
    pub fn address(&self, node: usize) -> Ipv4Addr {
        assert!(node < self.nodes.len(), "the cluster has {} nodes", self.nodes.len());
        address(node as u8)
    }

    /// The port of all nodes for CQL.
    pub fn port(&self) -> u16 {
        self.room.native_port
    }

    /// The certificate, as a PEM file, that clients trust when the cluster speaks TLS.
    pub fn ca(&self) -> Option<&Path> {
        self.ca.as_deref()
    }

    /// The log file of a node.
    pub fn log(&self, node: usize) -> PathBuf {
        self.nodes[node].log()
    }

    /// Ends a node at once (SIGKILL).
    ///
    /// # Errors
    /// Those of the system.
    pub fn kill(&mut self, node: usize) -> Result<(), Error> {
        Ok(self.nodes[node].kill()?)
    }

    /// Ends a node as its operator would.
    ///
    /// # Errors
    /// Those of the system.
    pub fn stop(&mut self, node: usize) -> Result<(), Error> {
        Ok(self.nodes[node].stop()?)
    }

    /// Starts a node that was killed or stopped, on its own data, and waits until it answers.
    ///
    /// # Errors
    /// [`Error::Start`] with the end of its log when it does not come up.
    ///
    /// # Panics
    /// When it still runs.
    pub fn start_again(&mut self, node: usize) -> Result<(), Error> {
        self.nodes[node].start()
    }

    /// Lets a node stand still (SIGSTOP): its connections stay open, and nothing answers.
    ///
    /// # Errors
    /// When it does not run.
    pub fn pause(&mut self, node: usize) -> Result<(), Error> {
        Ok(self.nodes[node].pause()?)
    }

    /// Lets a node go on (SIGCONT).
    ///
    /// # Errors
    /// When it does not run.
    pub fn resume(&mut self, node: usize) -> Result<(), Error> {
        Ok(self.nodes[node].resume()?)
    }
}
