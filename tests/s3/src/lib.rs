//! A server that speaks like Amazon S3 for the tests: moto, from the Python environment that `tests/all.sh` makes.
//!
//! Never part of the program that users get. `RUBRICA_TEST_S3` may name a server instead, which must take any access key.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::LazyLock,
    time::{Duration, Instant},
};

/// Names a running server instead: `http://host:port`.
pub const VARIABLE: &str = "RUBRICA_TEST_S3";

/// Longest time from the start of the server to its first answer, and to any other one: it is Python, and the machine may be busy.
const START: Duration = Duration::from_secs(60);

/// Between two tries to reach it.
const LOOK_EVERY: Duration = Duration::from_millis(50);

struct Server {
    endpoint: String,
    // Ends with the process.
    _child: Option<Child>,
}

/// Where the server of this test process is, `http://host:port`; the first call starts it.
///
/// # Panics
/// When there is none and none can be started; the message says what to do.
pub fn endpoint() -> &'static str {
    static SERVER: LazyLock<Server> = LazyLock::new(start);
    &SERVER.endpoint
}

/// Makes a bucket that no other test uses, and names it.
///
/// # Panics
/// When the server does not make it.
pub fn fresh_bucket() -> String {
    let bucket = format!("rubrica-test-{}", uuid::Uuid::new_v4().simple());
    let answer = request(endpoint(), &format!("PUT /{bucket}")).expect("the server of buckets answers");
    assert!(answer.starts_with("HTTP/1.1 200"), "the bucket was not made: {answer}");
    bucket
}

fn start() -> Server {
    if let Some(endpoint) = std::env::var(VARIABLE).ok().filter(|endpoint| !endpoint.trim().is_empty()) {
        return Server { endpoint: endpoint.trim().trim_end_matches('/').to_owned(), _child: None };
    }
    let program = venv().join("bin/moto_server");
    assert!(
        program.exists(),
        "{} is missing; the tests need a server that speaks like S3: run tests/all.sh once, which installs moto, or let {VARIABLE} \
         name a running one as http://host:port",
        program.display()
    );
    let address = free_address();
    let mut command = Command::new(program);
    command.args(["-H", "127.0.0.1", "-p", &address.port().to_string()]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = cql_server::spawn(command).expect("moto starts");
    let endpoint = format!("http://{address}");
    let until = Instant::now() + START;
    while request(&endpoint, "GET /").is_none() {
        let ended = child.try_wait().expect("moto can be looked at");
        assert!(ended.is_none() && Instant::now() < until, "moto at {endpoint} does not answer ({ended:?})");
        std::thread::sleep(LOOK_EVERY);
    }
    Server { endpoint, _child: Some(child) }
}

/// Where `tests/all.sh` keeps what it installs.
fn venv() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
    cache.expect("XDG_CACHE_HOME or HOME is set").join("rubrica/venv")
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address")
}

/// The head of an answer, `None` if there is none.
fn request(endpoint: &str, line: &str) -> Option<String> {
    let host = endpoint.strip_prefix("http://")?;
    let mut connection = TcpStream::connect(host).ok()?;
    // The first request of a kind is slow: only then does moto read that part of itself.
    connection.set_read_timeout(Some(START)).ok()?;
    write!(connection, "{line} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").ok()?;
    let mut head = [0; 64];
    let length = connection.read(&mut head).ok().filter(|length| *length > 0)?;
    Some(String::from_utf8_lossy(&head[..length]).into_owned())
}
