//! The life of a one-time-code identification: create, challenge, validate. Three calls, each answered when it is durable.

use std::{
    path::Path,
    rc::Rc,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use crate::{
    Failure, Options,
    client::Connection,
    code_reader::CodeReader,
    machine,
    server::{Server, machine_cpu, own_cpu},
    statistics::{Times, median},
};

pub const CREATION: &str = "/v1/orgs/acme/identifications/otp";
pub const DEVICE: &str = "x-installation_id: 7f0c\r\nx-fingerprint: 5a5a\r\nuser-agent: load\r\n";

/// Runs before the measurement: connections, token check, files, statistics of the allocator.
const WARM_UP: Duration = Duration::from_secs(3);

/// The first phone number; each life has its own, by which its code is found.
const FIRST_PHONE: u64 = 600_000_000;

/// Times of one connection.
#[derive(Default)]
struct Lives {
    create: Times,
    challenge: Times,
    validate: Times,
    life: Times,
}

impl Lives {
    fn extend(&mut self, other: Lives) {
        self.create.extend(other.create);
        self.challenge.extend(other.challenge);
        self.validate.extend(other.validate);
        self.life.extend(other.life);
    }
}

/// One measurement.
struct Measured {
    seconds: f64,
    lives: Lives,
    server_cpu: f64,
    client_cpu: f64,
    other_cpu: f64,
    resident_mb: f64,
}

impl Measured {
    fn lives_per_core_second(&self) -> f64 {
        self.lives.life.len() as f64 / self.server_cpu
    }
}

pub async fn run(options: &Options) -> Result<(), Failure> {
    println!("\n## OTP life: create, challenge, validate; {} connections, fsync on\n", options.connections);
    println!(
        "| server | round | lives/s | lives per core-second | server µs/life | server cores | client cores | others' cores | load | RSS MB |"
    );
    println!("| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: |");
    let mut all: Vec<(String, Vec<Measured>)> =
        options.servers.iter().map(|server| (machine::name(server), Vec::new())).collect();
    for round in 1..=options.rounds {
        for (server, (name, measured)) in options.servers.iter().zip(&mut all) {
            let one = measure(options, server).await?;
            let lives = one.lives.life.len() as f64;
            println!(
                "| {name} | {round} | {:.0} | {:.0} | {:.0} | {:.2} | {:.2} | {:.2} | {} | {:.0} |",
                lives / one.seconds,
                one.lives_per_core_second(),
                one.server_cpu / lives * 1e6,
                one.server_cpu / one.seconds,
                one.client_cpu / one.seconds,
                one.other_cpu / one.seconds,
                machine::load(),
                one.resident_mb,
            );
            measured.push(one);
        }
    }
    for (name, measured) in all {
        let per_second = median(measured.iter().map(|one| one.lives.life.len() as f64 / one.seconds).collect());
        let per_core = median(measured.iter().map(Measured::lives_per_core_second).collect());
        println!("\n{name}, median of {} rounds: {per_second:.0} lives/s, {per_core:.0} lives per core-second.", measured.len());
        println!("\n| ms | p50 | p90 | p99 | p99.9 | most |\n| --- | --: | --: | --: | --: | --: |");
        let mut lives = Lives::default();
        measured.into_iter().for_each(|one| lives.extend(one.lives));
        let rows = [("create", &mut lives.create), ("challenge", &mut lives.challenge), ("validate", &mut lives.validate)];
        for (name, times) in rows.into_iter().chain([("life, with the wait for the code", &mut lives.life)]) {
            let shown: Vec<String> =
                times.percentiles(&[50.0, 90.0, 99.0, 99.9, 100.0]).iter().map(|ms| format!("{ms:.1}")).collect();
            println!("| {name} | {} |", shown.join(" | "));
        }
    }
    Ok(())
}

async fn measure(options: &Options, program: &Path) -> Result<Measured, Failure> {
    let folder = tempfile::tempdir_in(&options.folder)?;
    let server = Server::start(program, folder.path())?;
    let codes = Rc::new(CodeReader::start([folder.path()]));
    let next_phone = Rc::new(AtomicU64::new(FIRST_PHONE));
    let from = Instant::now() + WARM_UP;
    let until = from + options.duration();
    let local = tokio::task::LocalSet::new();
    let mut running = Vec::new();
    for _ in 0..options.connections {
        let connection = server.connect().await?;
        running.push(local.spawn_local(live(connection, codes.clone(), next_phone.clone(), from, until)));
    }
    let readings = || Ok::<_, Failure>((Instant::now(), server.cpu()?, own_cpu()?, machine_cpu()?));
    local
        .run_until(async {
            tokio::time::sleep_until(from.into()).await;
            let begin = readings()?;
            tokio::time::sleep_until(until.into()).await;
            let end = readings()?;
            let mut lives = Lives::default();
            for one in running {
                lives.extend(one.await??);
            }
            let (server_cpu, client_cpu) = (end.1 - begin.1, end.2 - begin.2);
            let other_cpu = (end.3 - begin.3 - server_cpu - client_cpu).max(0.0);
            let seconds = (end.0 - begin.0).as_secs_f64();
            Ok(Measured { seconds, lives, server_cpu, client_cpu, other_cpu, resident_mb: server.resident_mb()? })
        })
        .await
}

/// One life after the other on one connection. Those that end between `from` and `until` count.
async fn live(
    mut connection: Connection,
    codes: Rc<CodeReader>,
    next_phone: Rc<AtomicU64>,
    from: Instant,
    until: Instant,
) -> Result<Lives, Failure> {
    let mut lives = Lives::default();
    while Instant::now() < until {
        let phone = next_phone.fetch_add(1, Ordering::Relaxed);
        let began = Instant::now();
        let id = create(&mut connection, phone, "P1D").await?;
        let created = Instant::now();
        let code = codes.expect(format!("+34{phone}"));
        connection.call("PUT", &format!("{CREATION}/{id}/challenge"), "", "{}").await?.expect(204)?;
        let challenged = Instant::now();
        let code = code.code().await?;
        let read = Instant::now();
        connection
            .call("PUT", &format!("{CREATION}/{id}/validate"), DEVICE, &format!("{{\"code\":\"{code}\"}}"))
            .await?
            .expect(204)?;
        let validated = Instant::now();
        if validated >= from && validated < until {
            lives.create.add(created - began);
            lives.challenge.add(challenged - created);
            lives.validate.add(validated - read);
            lives.life.add(validated - began);
        }
    }
    Ok(lives)
}

/// Creates an identification; gives its id.
pub async fn create(connection: &mut Connection, phone: u64, expires_in: &str) -> Result<String, Failure> {
    let body = format!(
        "{{\"actor\":{{\"name\":\"Ana\",\"last_name\":\"López\",\"language\":\"ES\",\
         \"msisdn\":{{\"country_code\":\"34\",\"phone_number\":{phone}}}}},\
         \"expires_in\":\"{expires_in}\",\"channel\":{{\"type\":\"SMS\"}}}}"
    );
    let answer = connection.call("POST", CREATION, "", &body).await?;
    answer.expect(201)?;
    let text = std::str::from_utf8(answer.body)?;
    let id = text.strip_prefix("{\"id\":\"").and_then(|rest| rest.get(..36)).ok_or("no id in the answer")?;
    Ok(id.to_owned())
}
