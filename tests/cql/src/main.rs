//! Runs a CQL server for several test programs at once, until standard input closes or a signal comes.
//!
//! `cql-server [--nodes N]` prints one line, `RUBRICA_TEST_CQL=127.0.0.1:PORT[,...]`, once every node answers.
//! `cql-server --resolve` fetches the server's jars and ends.

use std::io::{self, Read, Write};
use std::process::ExitCode;

use cql_server::{Cluster, Durability, Options, VARIABLE};
use tokio::signal::unix::{SignalKind, signal};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["--resolve"] => cql_server::resolve().map_err(|error| error.to_string()),
        [] => serve(1),
        ["--nodes", nodes] => match nodes.parse::<usize>() {
            Ok(nodes @ 1..=cql_server::MOST_NODES) => serve(nodes),
            _ => Err(format!("--nodes takes a number from 1 to {}", cql_server::MOST_NODES)),
        },
        _ => Err("usage: cql-server [--nodes N] | cql-server --resolve".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(nodes: usize) -> Result<(), String> {
    let options = Options { durability: Durability::Nothing, ..Options::default() };
    let cluster = Cluster::start(nodes, &options).map_err(|error| error.to_string())?;
    println!("{VARIABLE}={}", cluster.contact_points().join(","));
    io::stdout().flush().map_err(|error| error.to_string())?;
    await_end().map_err(|error| error.to_string())?;
    // Nothing of it is wanted any more; dropping it kills the nodes and removes the folder.
    drop(cluster);
    Ok(())
}

/// Waits for SIGTERM, SIGINT or the end of standard input.
fn await_end() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let (closed, input_closed) = tokio::sync::oneshot::channel();
        // A thread of its own, which may stay in its read when a signal comes first.
        std::thread::spawn(move || {
            let mut ignored = [0_u8; 1024];
            while matches!(io::stdin().read(&mut ignored), Ok(1..)) {}
            let _ = closed.send(());
        });
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = input_closed => {}
        }
        Ok(())
    })
}
