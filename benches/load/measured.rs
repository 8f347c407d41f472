//! One measurement: connections that do the same over and over, and what that took the server, the client and others meanwhile.

use std::{
    future::Future,
    net::SocketAddr,
    time::{Duration, Instant},
};

use crate::{
    Failure, Options,
    client::Connection,
    server::{Server, machine_cpu, own_cpu},
    statistics::Times,
};

/// When what ends counts.
#[derive(Clone, Copy)]
pub struct Window {
    from: Instant,
    until: Instant,
}

impl Window {
    pub fn is_over(self) -> bool {
        Instant::now() >= self.until
    }
}

/// One life that is under way: its calls and how long each took.
pub struct Life {
    began: Instant,
    last: Instant,
    calls: Vec<(&'static str, Duration)>,
}

impl Life {
    pub fn begin() -> Self {
        let now = Instant::now();
        Self { began: now, last: now, calls: Vec::new() }
    }

    /// A call is answered: the time since the one before it is its own.
    pub fn answered(&mut self, call: &'static str) {
        let now = Instant::now();
        self.calls.push((call, now - self.last));
        self.last = now;
    }

    /// What was waited for belongs to the life, but to no call.
    pub fn waited(&mut self) {
        self.last = Instant::now();
    }
}

/// Times of many lives, and of their calls in the order of a life.
#[derive(Default)]
pub struct Lives {
    pub calls: Vec<(&'static str, Times)>,
    pub whole: Times,
}

impl Lives {
    /// Counts a life that ends now, if it ends within the window.
    pub fn count(&mut self, window: Window, life: Life) {
        let now = Instant::now();
        if now < window.from || now >= window.until {
            return;
        }
        self.whole.add(now - life.began);
        for (call, time) in life.calls {
            self.of(call).add(time);
        }
    }

    pub fn extend(&mut self, other: Self) {
        self.whole.extend(other.whole);
        for (call, times) in other.calls {
            self.of(call).extend(times);
        }
    }

    pub fn len(&self) -> f64 {
        self.whole.len() as f64
    }

    fn of(&mut self, call: &'static str) -> &mut Times {
        let place = self.calls.iter().position(|(name, _)| *name == call).unwrap_or_else(|| {
            self.calls.push((call, Times::default()));
            self.calls.len() - 1
        });
        &mut self.calls[place].1
    }

    /// Prints a row for each call and one for whole lives, below the head of a table.
    pub fn print(&mut self, whole: &'static str) {
        println!("\n| ms | p50 | p90 | p99 | p99.9 | most |\n| --- | --: | --: | --: | --: | --: |");
        for (name, times) in self.calls.iter_mut().map(|(name, times)| (*name, times)).chain([(whole, &mut self.whole)]) {
            let shown: Vec<String> =
                times.percentiles(&[50.0, 90.0, 99.0, 99.9, 100.0]).iter().map(|ms| format!("{ms:.1}")).collect();
            println!("| {name} | {} |", shown.join(" | "));
        }
    }
}

/// What a measurement found. Processor times are in seconds, memory in MB (10^6 bytes).
pub struct Measured {
    pub seconds: f64,
    pub lives: Lives,
    /// Of the server and its workers.
    pub server_cpu: f64,
    pub client_cpu: f64,
    pub other_cpu: f64,
    /// Of the server alone, at the end.
    pub resident_mb: f64,
    /// Memory of each worker at the end.
    pub workers_mb: Vec<f64>,
}

impl Measured {
    pub fn per_second(&self) -> f64 {
        self.lives.len() / self.seconds
    }

    pub fn per_core_second(&self) -> f64 {
        self.lives.len() / self.server_cpu
    }
}

/// Has `work` done on each of the connections that the options say, from now on; what ends after `warm_up`, within the time that the options say, counts.
pub async fn measure<F>(
    options: &Options,
    server: &Server,
    warm_up: Duration,
    work: impl Fn(Connection, Window) -> F,
) -> Result<Measured, Failure>
where
    F: Future<Output = Result<Lives, Failure>> + 'static,
{
    measure_on(options.connections, options.duration(), server, warm_up, work).await
}

/// What is measured.
pub trait Target {
    fn address(&self) -> SocketAddr;

    /// Goes with every request.
    fn token(&self) -> &str;

    /// Seconds of processor time so far, of all of its processes and in the kernel for them.
    fn cpu(&self) -> Result<f64, Failure>;

    /// Resident memory now, in MB, without its workers; not a number: not measured.
    fn resident_mb(&self) -> Result<f64, Failure> {
        Ok(f64::NAN)
    }

    /// Resident memory of each worker, in MB.
    fn workers_mb(&self) -> Result<Vec<f64>, Failure> {
        Ok(Vec::new())
    }
}

impl Target for Server {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn token(&self) -> &str {
        &self.token
    }

    fn cpu(&self) -> Result<f64, Failure> {
        self.cpu()
    }

    fn resident_mb(&self) -> Result<f64, Failure> {
        self.resident_mb()
    }

    fn workers_mb(&self) -> Result<Vec<f64>, Failure> {
        self.workers_mb()
    }
}

/// As [`measure`], on so many connections and for so long.
pub async fn measure_on<F>(
    connections: u32,
    duration: Duration,
    server: &impl Target,
    warm_up: Duration,
    work: impl Fn(Connection, Window) -> F,
) -> Result<Measured, Failure>
where
    F: Future<Output = Result<Lives, Failure>> + 'static,
{
    let from = Instant::now() + warm_up;
    let window = Window { from, until: from + duration };
    let local = tokio::task::LocalSet::new();
    let mut running = Vec::new();
    for _ in 0..connections {
        running.push(local.spawn_local(work(Connection::open(server.address(), server.token()).await?, window)));
    }
    let readings = || Ok::<_, Failure>((Instant::now(), server.cpu()?, own_cpu()?, machine_cpu()?));
    local
        .run_until(async {
            tokio::time::sleep_until(window.from.into()).await;
            let begin = readings()?;
            tokio::time::sleep_until(window.until.into()).await;
            let end = readings()?;
            let mut lives = Lives::default();
            for one in running {
                lives.extend(one.await??);
            }
            let (server_cpu, client_cpu) = (end.1 - begin.1, end.2 - begin.2);
            let other_cpu = (end.3 - begin.3 - server_cpu - client_cpu).max(0.0);
            let seconds = (end.0 - begin.0).as_secs_f64();
            let (resident_mb, workers_mb) = (server.resident_mb()?, server.workers_mb()?);
            Ok(Measured { seconds, lives, server_cpu, client_cpu, other_cpu, resident_mb, workers_mb })
        })
        .await
}
