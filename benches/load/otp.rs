//! The life of a one-time-code identification: create, challenge, validate. Three calls, each answered when it is durable.

use std::{cell::Cell, path::Path, rc::Rc, time::Duration};

use crate::{
    Failure, Options,
    client::Connection,
    code_reader::CodeReader,
    machine,
    measured::{self, Life, Lives, Measured, Window},
    server::Server,
    statistics::median,
};

pub const CREATION: &str = "/v1/orgs/acme/identifications/otp";
pub const DEVICE: &str = "x-installation_id: 7f0c\r\nx-fingerprint: 5a5a\r\nuser-agent: load\r\n";

/// Runs before the measurement: connections, token check, files, statistics of the allocator.
const WARM_UP: Duration = Duration::from_secs(3);

/// The first phone number.
const FIRST_PHONE: u64 = 600_000_000;

/// Phone numbers; each life has its own, by which its code is found.
#[derive(Clone, Default)]
pub struct Phones(Rc<Cell<u64>>);

impl Phones {
    pub fn next(&self) -> u64 {
        let given = self.0.get();
        self.0.set(given + 1);
        FIRST_PHONE + given
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
            println!(
                "| {name} | {round} | {:.0} | {:.0} | {:.0} | {:.2} | {:.2} | {:.2} | {} | {:.0} |",
                one.per_second(),
                one.per_core_second(),
                one.server_cpu / one.lives.len() * 1e6,
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
        let per_second = median(measured.iter().map(Measured::per_second).collect());
        let per_core = median(measured.iter().map(Measured::per_core_second).collect());
        println!("\n{name}, median of {} rounds: {per_second:.0} lives/s, {per_core:.0} lives per core-second.", measured.len());
        let mut lives = Lives::default();
        measured.into_iter().for_each(|one| lives.extend(one.lives));
        lives.print("life, with the wait for the code");
    }
    Ok(())
}

async fn measure(options: &Options, program: &Path) -> Result<Measured, Failure> {
    let folder = tempfile::tempdir_in(&options.folder)?;
    let server = Server::start(program, folder.path())?;
    let codes = Rc::new(CodeReader::start([folder.path()]));
    let phones = Phones::default();
    measured::measure(options, &server, WARM_UP, |connection, window| live(connection, codes.clone(), phones.clone(), window))
        .await
}

/// One life after the other on one connection.
pub async fn live(mut connection: Connection, codes: Rc<CodeReader>, phones: Phones, window: Window) -> Result<Lives, Failure> {
    let mut lives = Lives::default();
    while !window.is_over() {
        let phone = phones.next();
        let mut life = Life::begin();
        let id = create(&mut connection, phone, "P1D").await?;
        life.answered("create");
        identify(&mut connection, &codes, phone, &id, &mut life, ["challenge", "validate"]).await?;
        lives.count(window, life);
    }
    Ok(lives)
}

/// Asks for the code of an identification and gives it: two calls, which are called so.
pub async fn identify(
    connection: &mut Connection,
    codes: &CodeReader,
    phone: u64,
    id: &str,
    life: &mut Life,
    [challenge, validate]: [&'static str; 2],
) -> Result<(), Failure> {
    let code = codes.expect(format!("+34{phone}"));
    connection.call("PUT", &format!("{CREATION}/{id}/challenge"), "", "{}").await?.expect(204)?;
    life.answered(challenge);
    let code = code.code().await?;
    life.waited();
    let body = format!("{{\"code\":\"{code}\"}}");
    connection.call("PUT", &format!("{CREATION}/{id}/validate"), DEVICE, &body).await?.expect(204)?;
    life.answered(validate);
    Ok(())
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
