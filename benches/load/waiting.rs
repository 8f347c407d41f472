//! Many processes that wait: what they cost in memory, what they cost a start, and whether they wake up in time.

use std::{
    path::Path,
    rc::Rc,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use crate::{
    Failure, Options,
    client::Connection,
    machine,
    otp::{CREATION, create},
    server::{Server, machine_cpu},
    statistics::{Histogram, total},
};

/// Wake-ups that become due per second.
const RATE: u64 = 500;

/// Seconds for which they do.
const WINDOW_SECONDS: u64 = 20;

/// The first of them is due so long after the first process was created; until then the processes must be there.
const WINDOW_FROM: Duration = Duration::from_secs(12 * 3600);

/// The clock jumps to so long before the first is due.
const RUN_UP: Duration = Duration::from_secs(2);

/// Longest wait for processes to leave memory, and for wake-ups after the window.
const PATIENCE: Duration = Duration::from_secs(120);

const LAG: &str = "rubrica_wakeup_lag_seconds";

pub async fn run(options: &Options, program: &Path) -> Result<(), Failure> {
    let processes = u64::from(options.processes);
    println!("\n## {processes} processes waiting: {}\n", machine::name(program));
    println!("| what | figure |\n| --- | --: |");
    let folder = tempfile::tempdir_in(&options.folder)?;
    let server = Server::start(program, folder.path())?;
    println!("| RSS of the server before | {:.0} MB |", server.resident_mb()?);

    let started = Instant::now();
    let sample = create_all(options, &server, started).await?;
    let took = started.elapsed().as_secs_f64();
    println!("| creating them, {} connections | {:.0}/s |", options.connections, processes as f64 / took);
    println!("| RSS right after | {:.0} MB |", server.resident_mb()?);
    let mut connection = server.connect().await?;
    await_metric(&mut connection, "processes leave memory", |metrics| total(metrics, "rubrica_resident_processes") == 0.0)
        .await?;
    println!("| **RSS after they left memory** | **{:.0} MB** |", server.resident_mb()?);
    drop(connection);

    server.kill()?;
    let (server, after_kill) = first_answer(program, folder.path(), &sample).await?;
    server.stop()?;
    let (server, after_stop) = first_answer(program, folder.path(), &sample).await?;
    println!("| **start to first answer, after `kill -9`** | **{:.0} ms** |", after_kill.as_secs_f64() * 1e3);
    println!("| **start to first answer, after an orderly stop** | **{:.0} ms** |", after_stop.as_secs_f64() * 1e3);
    println!("| RSS after the start | {:.0} MB |", server.resident_mb()?);

    wake(&server, processes, started).await?;
    println!("| RSS after the wake-ups | {:.0} MB |", server.resident_mb()?);
    let mut connection = server.connect().await?;
    let answer = connection.call("GET", &format!("{CREATION}/{sample}"), "", "").await?;
    answer.expect(200)?;
    if !String::from_utf8_lossy(answer.body).contains("\"EXPIRED\"") {
        return Err("the first process has not expired".into());
    }
    server.stop()
}

/// Creates the processes; the first of them expire one after the other within the window, the others in 20 days. Gives the id of
/// the first.
async fn create_all(options: &Options, server: &Server, started: Instant) -> Result<String, Failure> {
    let processes = u64::from(options.processes);
    let next = Rc::new(AtomicU64::new(0));
    let local = tokio::task::LocalSet::new();
    let mut running = Vec::new();
    for _ in 0..options.connections {
        let mut connection = server.connect().await?;
        let next = next.clone();
        running.push(local.spawn_local(async move {
            let mut first = None;
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= processes {
                    return Ok::<_, Failure>(first);
                }
                let expires_in = match number < in_window(processes) {
                    true => {
                        let due = WINDOW_FROM + Duration::from_micros(number * 1_000_000 / RATE);
                        format!("PT{:.6}S", due.saturating_sub(started.elapsed()).as_secs_f64())
                    }
                    false => "P20D".to_owned(),
                };
                let id = create(&mut connection, 600_000_000 + number, &expires_in).await?;
                if number == 0 {
                    first = Some(id);
                }
            }
        }));
    }
    local
        .run_until(async {
            let mut first = None;
            for one in running {
                first = first.or(one.await??);
            }
            first.ok_or_else(|| "no process was created".into())
        })
        .await
}

fn in_window(processes: u64) -> u64 {
    (RATE * WINDOW_SECONDS).min(processes)
}

/// Starts the server on data that is there. Gives the time until the answer to a request for a process.
async fn first_answer(program: &Path, data: &Path, id: &str) -> Result<(Server, Duration), Failure> {
    let started = Instant::now();
    let server = Server::start(program, data)?;
    let mut connection = server.connect().await?;
    connection.call("GET", &format!("{CREATION}/{id}"), "", "").await?.expect(200)?;
    Ok((server, started.elapsed()))
}

/// Moves process time to shortly before the window and watches the wake-ups come due in real time.
async fn wake(server: &Server, processes: u64, started: Instant) -> Result<(), Failure> {
    let mut connection = server.connect().await?;
    let before = metrics(&mut connection).await?;
    let ahead = WINDOW_FROM.saturating_sub(started.elapsed()).saturating_sub(RUN_UP);
    let body = format!("{{\"advance\":\"PT{:.6}S\"}}", ahead.as_secs_f64());
    connection.call("POST", "/sandbox/clock", "", &body).await?.expect(200)?;
    let (began, server_cpu, machine) = (Instant::now(), server.cpu()?, machine_cpu()?);
    let wanted = in_window(processes) as f64;
    let fired = |metrics: &str| Histogram::read(metrics, LAG).since(&Histogram::read(&before, LAG)).count();
    let after = await_metric(&mut connection, "wake-ups fire", |metrics| fired(metrics) >= wanted).await?;
    let seconds = began.elapsed().as_secs_f64();
    let (server_cpu, machine) = (server.cpu()? - server_cpu, machine_cpu()? - machine);
    let lag = Histogram::read(&after, LAG).since(&Histogram::read(&before, LAG));
    println!("| wake-ups due at {RATE}/s that fired | {:.0} of {wanted:.0} |", lag.count());
    println!("| **wake-up lag, p99 at most** | **{:.0} ms** |", lag.bound(99.0) * 1e3);
    println!("| wake-up lag, p50 and p99.9 at most | {:.0} and {:.0} ms |", lag.bound(50.0) * 1e3, lag.bound(99.9) * 1e3);
    println!(
        "| server cores meanwhile, others' cores, load | {:.2}, {:.2}, {} |",
        server_cpu / seconds,
        (machine - server_cpu) / seconds,
        machine::load()
    );
    Ok(())
}

pub async fn metrics(connection: &mut Connection) -> Result<String, Failure> {
    let answer = connection.call("GET", "/metrics", "", "").await?;
    answer.expect(200)?;
    Ok(String::from_utf8(answer.body.to_vec())?)
}

/// Reads the metrics every half second until `holds`.
async fn await_metric(connection: &mut Connection, what: &str, holds: impl Fn(&str) -> bool) -> Result<String, Failure> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let metrics = metrics(connection).await?;
        if holds(&metrics) {
            return Ok(metrics);
        }
        if Instant::now() >= deadline {
            return Err(format!("waited in vain until {what}").into());
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
