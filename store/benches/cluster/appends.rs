//! Appends a second, of the engine and of the driver alone, in turn on the same servers.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use store::scylla::Scylla;

use crate::{
    Failure, Options, Setting,
    conditions::{Foreign, load},
    lives,
    raw::{How, Raw},
    times::{median, percentile},
};

/// Each variant before the first measurement: it takes the server's virtual machine minutes to compile what is hot.
const WARM_UP: Duration = Duration::from_secs(20);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Variant {
    Raw(How),
    Engine { wakes: bool },
}

impl Variant {
    const ALL: [Self; 5] = [
        Self::Raw(How::Batch),
        Self::Engine { wakes: false },
        Self::Raw(How::Update),
        Self::Engine { wakes: true },
        Self::Raw(How::All),
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Raw(How::Batch) => "driver alone: conditional batch",
            Self::Raw(How::Update) => "driver alone: conditional UPDATE (batch for the first)",
            Self::Raw(How::All) => "driver alone: the same, and the plain writes before it",
            Self::Engine { wakes: false } => "engine, without wake-ups",
            Self::Engine { wakes: true } => "engine, 3 of 4 appends with a wake-up",
        }
    }
}

/// One measurement.
struct Measured {
    rate: f64,
    times: Vec<Duration>,
    foreign: f64,
    /// Microseconds of processor time per append: hardly moved by what else the machine does.
    client_micros: f64,
    server_micros: f64,
}

struct Clients {
    raw: Raw,
    engine: Scylla,
}

pub async fn run(options: &Options, setting: &Setting) -> Result<(), Failure> {
    let clients = Arc::new(Clients { raw: Raw::connect(setting).await?, engine: setting.open().await? });
    for variant in Variant::ALL {
        measure(&clients, variant, 64, WARM_UP).await?;
    }
    for &tasks in &options.tasks {
        println!("\n## Appends, {}; {tasks} tasks\n", setting.name());
        let mut all: Vec<Vec<Measured>> = Variant::ALL.iter().map(|_| Vec::new()).collect();
        let before = Counts::of(&clients.engine);
        for _ in 0..options.rounds {
            for (variant, measured) in Variant::ALL.into_iter().zip(&mut all) {
                measured.push(measure(&clients, variant, tasks, options.duration()).await?);
            }
        }
        print(&mut all);
        let appends = |variant: Variant| -> usize {
            let place = Variant::ALL.iter().position(|other| *other == variant);
            place.map_or(0, |place| all[place].iter().map(|one| one.times.len()).sum())
        };
        let (with, without) = (appends(Variant::Engine { wakes: true }), appends(Variant::Engine { wakes: false }));
        println!("\n{}", Counts::of(&clients.engine).since(&before).describe((with + without) as f64));
        println!("Load average {}; median of {} rounds of {} s.", load(), options.rounds, options.seconds);
    }
    clients.engine.close().await;
    Ok(())
}

fn print(all: &mut [Vec<Measured>]) {
    println!(
        "| what | appends/s (least, most) | p50 ms | p99 ms | of the batch | of the UPDATE | client's µs per append | database's | others' cores |"
    );
    println!("| --- | --: | --: | --: | --: | --: | --: | --: | --: |");
    let rates = |variant: Variant| -> Vec<f64> {
        let place = Variant::ALL.iter().position(|other| *other == variant).unwrap_or(0);
        all[place].iter().map(|one| one.rate).collect()
    };
    let bases = [rates(Variant::Raw(How::Batch)), rates(Variant::Raw(How::Update))];
    for (variant, measured) in Variant::ALL.into_iter().zip(all) {
        let rates: Vec<f64> = measured.iter().map(|one| one.rate).collect();
        // Each round with what was measured beside it: what else the machine did hit both.
        let part = |base: &[f64]| median(rates.iter().zip(base).map(|(rate, base)| rate / base * 100.0).collect());
        let mut times: Vec<Duration> = measured.iter().flat_map(|one| one.times.iter().copied()).collect();
        println!(
            "| {} | {:.0} ({:.0}, {:.0}) | {:.1} | {:.1} | {:.0} % | {:.0} % | {:.0} | {:.0} | {:.2} |",
            variant.name(),
            median(rates.clone()),
            rates.iter().copied().fold(f64::INFINITY, f64::min),
            rates.iter().copied().fold(0.0, f64::max),
            percentile(&mut times, 50.0),
            percentile(&mut times, 99.0),
            part(&bases[0]),
            part(&bases[1]),
            median(measured.iter().map(|one| one.client_micros).collect()),
            median(measured.iter().map(|one| one.server_micros).collect()),
            median(measured.iter().map(|one| one.foreign).collect()),
        );
    }
}

async fn measure(clients: &Arc<Clients>, variant: Variant, tasks: usize, duration: Duration) -> Result<Measured, Failure> {
    let foreign = Foreign::begin();
    let began = Instant::now();
    let until = began + duration;
    let running: Vec<_> = (0..tasks).map(|_| tokio::spawn(live(clients.clone(), variant, until))).collect();
    let mut times = Vec::new();
    for one in running {
        times.extend(one.await??);
    }
    let rate = times.len() as f64 / began.elapsed().as_secs_f64();
    let (own, children) = foreign.ours();
    let micros = |seconds: f64| seconds / times.len().max(1) as f64 * 1e6;
    let (client_micros, server_micros) = (micros(own), micros(children));
    Ok(Measured { rate, times, foreign: foreign.cores(), client_micros, server_micros })
}

/// One life after the other; how long each append took.
async fn live(clients: Arc<Clients>, variant: Variant, until: Instant) -> Result<Vec<Duration>, Failure> {
    let mut times = Vec::new();
    while Instant::now() < until {
        let entity = lives::entity();
        for head in 0..lives::APPENDS {
            let began = Instant::now();
            match variant {
                Variant::Raw(how) => clients.raw.append(how, &entity, head).await?,
                Variant::Engine { wakes } => {
                    let at = lives::now();
                    let wake = lives::wake(head, at).filter(|_| wakes);
                    lives::append(&clients.engine, lives::commit(&entity, head, at, wake)).await?;
                }
            }
            times.push(began.elapsed());
        }
    }
    Ok(times)
}

/// Statements of the engine.
struct Counts {
    conditional: u64,
    serial_reads: u64,
    plain_writes: u64,
    reads: u64,
}

impl Counts {
    fn of(engine: &Scylla) -> Self {
        let sum = |names: &[&str]| names.iter().map(|name| engine.statements(name)).sum();
        Self {
            conditional: sum(&["append", "append_one"]),
            serial_reads: sum(&["serial_read"]),
            plain_writes: sum(&["wake_put", "wake_bucket_put", "listing_write", "listing_day_write", "spill_write"]),
            reads: sum(&["load", "entries", "standing", "snapshot", "commit_at", "lease_read", "wake_head"]),
        }
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            conditional: self.conditional - before.conditional,
            serial_reads: self.serial_reads - before.serial_reads,
            plain_writes: self.plain_writes - before.plain_writes,
            reads: self.reads - before.reads,
        }
    }

    fn describe(&self, appends: f64) -> String {
        format!(
            "Statements of the engine per append: {:.4} conditional, {:.4} serial reads, {:.4} plain writes, {:.4} reads.",
            self.conditional as f64 / appends,
            self.serial_reads as f64 / appends,
            self.plain_writes as f64 / appends,
            self.reads as f64 / appends
        )
    }
}
