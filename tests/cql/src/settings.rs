//! What a cluster is started with, and the files and arguments that say so to the server.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::certificates::Certificates;
use crate::room::{Room, address};

/// What is to be there after a node has ended without notice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Nothing: no node may be started again. The quickest at changing schemas.
    Nothing,
    /// All that was acknowledged, when the server's process is killed. No fsync: not when the machine loses its power.
    #[default]
    Kill,
    /// All that was acknowledged, when the machine loses its power: as `Kill`, and an fsync for each group of writes.
    PowerLoss,
}

/// How a cluster is to be.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What survives a node's sudden end.
    pub durability: Durability,
    /// Clients must log in; there is one user, [`USER`](crate::USER) with [`PASSWORD`](crate::PASSWORD).
    pub authentication: bool,
    /// Clients must use TLS; [`Cluster::ca`](crate::Cluster::ca) signed the nodes' certificate.
    pub tls: bool,
    /// Lets the JVM compile what is hot a second time: more throughput after a minute, for half as much work again at the start. For
    /// benchmarks.
    pub optimised: bool,
    /// Heap of each node in MiB; by default 1024 for one node and 512 for each of several.
    pub heap: Option<u32>,
}

const YAML: &str = include_str!("../server/cassandra.yaml");
const LOGBACK: &str = include_str!("../server/logback.xml");

/// Modules of Java 17 that the server reaches into, as in its own start script.
const EXPORTS: [&str; 9] = [
    "java.base/jdk.internal.misc",
    "java.base/java.lang.ref",
    "java.management.rmi/com.sun.jmx.remote.internal.rmi",
    "java.rmi/sun.rmi.registry",
    "java.rmi/sun.rmi.server",
    "java.sql/java.sql",
    "jdk.unsupported/sun.misc",
    "jdk.compiler/com.sun.tools.javac.file",
    "jdk.attach/sun.tools.attach",
];
const OPENS: [&str; 14] = [
    "java.base/java.lang",
    "java.base/java.lang.module",
    "java.base/java.lang.reflect",
    "java.base/java.io",
    "java.base/java.util",
    "java.base/sun.nio.ch",
    "java.base/jdk.internal.loader",
    "java.base/jdk.internal.ref",
    "java.base/jdk.internal.reflect",
    "java.base/jdk.internal.math",
    "java.base/jdk.internal.module",
    "java.base/jdk.internal.util.jar",
    "jdk.management/com.sun.management.internal",
    "jdk.compiler/com.sun.tools.javac",
];

/// How one node is started, as often as it is.
pub struct Plan {
    java: PathBuf,
    jars: PathBuf,
    heap: u32,
    several: bool,
    options: Options,
    /// The node's own folder: its settings, its data, its log.
    pub folder: PathBuf,
}

impl Plan {
    /// Writes the settings of a node (counted from 0) into its folder.
    pub fn write(
        java: &Path,
        jars: &Path,
        room: &Room,
        nodes: u8,
        node: u8,
        options: &Options,
        certificates: Option<&Certificates>,
    ) -> io::Result<Self> {
        let several = nodes > 1;
        let heap = options.heap.unwrap_or(if several { 512 } else { 1024 });
        let folder = room.folder.join(format!("node{}", node + 1));
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("logback.xml"), LOGBACK)?;

        let seeds: Vec<String> = (0..nodes).map(|node| address(node).to_string()).collect();
        let (authenticator, authorizer) = match options.authentication {
            true => ("PasswordAuthenticator", "CassandraAuthorizer"),
            false => ("AllowAllAuthenticator", "AllowAllAuthorizer"),
        };
        let commitlog_sync = match options.durability {
            Durability::Nothing => "periodic\ncommitlog_sync_period: 10s",
            Durability::Kill | Durability::PowerLoss => "batch",
        };
        let yaml = YAML
            .replace("@CLUSTER@", &format!("tests {}", room.native_port))
            .replace("@TOKEN@", &token(node, nodes).to_string())
            .replace("@SEEDS@", &seeds.join(","))
            .replace("@ADDRESS@", &address(node).to_string())
            .replace("@STORAGE_PORT@", &room.storage_port.to_string())
            .replace("@NATIVE_PORT@", &room.native_port.to_string())
            .replace("@FOLDER@", &folder.display().to_string())
            .replace("@COMMITLOG_SYNC@", commitlog_sync)
            .replace("@MEMTABLE@", &(heap / 8).to_string())
            .replace("@AUTHENTICATOR@", authenticator)
            .replace("@AUTHORIZER@", authorizer)
            .replace("@ENCRYPTION@", &certificates.map(Certificates::yaml).unwrap_or_default());
        fs::write(folder.join("cassandra.yaml"), yaml)?;

        let (java, jars) = (java.to_owned(), jars.to_owned());
        Ok(Self { java, jars, heap, several, options: options.clone(), folder })
    }

    /// The node's log, of all its starts.
    pub fn log(&self) -> PathBuf {
        self.folder.join("system.log")
    }

    /// The command that runs the node until it is told to end; its output goes to the log.
    pub fn command(&self) -> io::Result<Command> {
        let log = fs::File::options().create(true).append(true).open(self.log())?;
        let mut command = Command::new(&self.java);
        command
            .current_dir(&self.folder)
            .args([format!("-Xms{}m", self.heap / 2), format!("-Xmx{}m", self.heap)])
            .args([
                "-Xss512k",
                "-XX:+UseG1GC",
                "-XX:+UseStringDeduplication",
                "-XX:-UsePerfData",
                "-Djava.net.preferIPv4Stack=true",
            ])
            .args(["-Djdk.attach.allowAttachSelf=true", "-Dio.netty.tryReflectionSetAccessible=true"])
            .args(EXPORTS.map(|package| format!("--add-exports={package}=ALL-UNNAMED")))
            .args(OPENS.map(|package| format!("--add-opens={package}=ALL-UNNAMED")))
            .arg(format!("-Dcassandra.config=file://{}", self.folder.join("cassandra.yaml").display()))
            .arg(format!("-Dlogback.configurationFile={}", self.folder.join("logback.xml").display()))
            .arg(format!("-Dcassandra.storagedir={}", self.folder.display()))
            .args(["-Dcassandra-foreground=yes", "-Dcassandra.superuser_setup_delay_ms=0"])
            .args(["-Dcassandra.skip_wait_for_gossip_to_settle=0", "-Dcassandra.jmx.local.port=0"])
            .arg(format!("-Dcassandra.ring_delay_ms={}", if self.several { 2_000 } else { 0 }))
            .args(if self.options.optimised { None } else { Some("-XX:TieredStopAtLevel=1") })
            .args(self.durability_flags())
            .arg("-cp")
            .arg(format!("{}/*", self.jars.display()))
            .arg("org.apache.cassandra.service.CassandraDaemon")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        Ok(command)
    }

    fn durability_flags(&self) -> &'static [&'static str] {
        match self.options.durability {
            // Without the flush a table's definition is in the commit log alone, and its rows beside it are not replayed.
            Durability::Nothing => &[
                "-Dcassandra.skip_sync=true",
                "-Dcassandra.unsafesystem=true",
                "-Dcassandra.test.flush_local_schema_changes=false",
            ],
            // Files and mapped pages outlive the process that wrote them; fsync is for the machine's end.
            Durability::Kill => &["-Dcassandra.skip_sync=true"],
            Durability::PowerLoss => &[],
        }
    }
}

/// Spreads the nodes evenly over the ring.
fn token(node: u8, nodes: u8) -> i64 {
    let step = (1_i128 << 64) / i128::from(nodes);
    (i128::from(i64::MIN) + 1 + step * i128::from(node)) as i64
}
