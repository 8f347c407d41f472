//! The calls that are measured, each for itself.

use std::{cell::RefCell, rc::Rc};

use chrono::{SecondsFormat, Utc};
use serde_json::{Value, json};

use super::{ROOT, SEGMENT, SharedChance, WARM_UP, customer};
use crate::{
    Failure, Options,
    client::Connection,
    measured::{self, Life, Lives, Measured, Window},
    server::Server,
};

/// Customers in one check.
const CHECKED: u32 = 10_000;

/// Connections that capture: more than read, as each waits for the disk.
const CAPTURING: u32 = 64;

/// Captures in a second for which x-keys are fetched beforehand; when there are more, the keys begin anew.
const KEYS_PER_SECOND: u32 = 5_000;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Call {
    Read,
    Capture,
    Check,
}

impl Call {
    pub const ALL: [Self; 3] = [Self::Read, Self::Capture, Self::Check];

    pub fn label(self) -> &'static str {
        match self {
            Self::Read => "GET of a known customer at random",
            Self::Capture => "capture for a known customer at random",
            Self::Check => "check of 10,000 customers at random",
        }
    }

    pub fn connections(self, options: &Options) -> u32 {
        match self {
            Self::Read => options.connections,
            Self::Capture => options.connections.max(CAPTURING),
            Self::Check => 1,
        }
    }

    /// Customers of one call.
    pub fn customers(self) -> u32 {
        if self == Self::Check { CHECKED } else { 1 }
    }
}

pub async fn measure(
    options: &Options,
    server: &Server,
    call: Call,
    customers: u32,
    chance: &SharedChance,
) -> Result<Measured, Failure> {
    let keys = match call {
        Call::Capture => keys(options, server, customers, chance).await?,
        Call::Read | Call::Check => Vec::new(),
    };
    let keys = Rc::new(Keys { all: keys, next: RefCell::new(0) });
    let connections = call.connections(options);
    measured::measure_on(connections, options.duration(), server, WARM_UP, |connection, window| {
        live(connection, call, customers, chance.clone(), keys.clone(), window)
    })
    .await
}

/// Customers and the keys of what was displayed to them.
struct Keys {
    all: Vec<(u32, String)>,
    next: RefCell<usize>,
}

impl Keys {
    fn next(&self) -> Result<&(u32, String), Failure> {
        let mut next = self.next.borrow_mut();
        let given = self.all.get(*next % self.all.len().max(1)).ok_or("no keys")?;
        *next += 1;
        Ok(given)
    }
}

/// Fetches the keys of customers at random, as many as captures will need.
async fn keys(options: &Options, server: &Server, customers: u32, chance: &SharedChance) -> Result<Vec<(u32, String)>, Failure> {
    let seconds = options.seconds.saturating_add(WARM_UP.as_secs() as u32);
    let wanted = customers.min(seconds.saturating_mul(KEYS_PER_SECOND));
    let local = tokio::task::LocalSet::new();
    let mut running = Vec::new();
    for lane in 0..options.connections {
        let (mut connection, chance) = (server.connect().await?, chance.clone());
        let share = (lane..wanted).step_by(options.connections as usize).count();
        running.push(local.spawn_local(async move {
            let mut keys = Vec::with_capacity(share);
            for _ in 0..share {
                let number = chance.borrow_mut().below(customers);
                let answer = connection.call("GET", &path(number), &headers(), "").await?;
                answer.expect(202)?;
                keys.push((number, answer.header("x-key")?.to_owned()));
            }
            Ok::<_, Failure>(keys)
        }));
    }
    local
        .run_until(async {
            let mut keys = Vec::new();
            for one in running {
                keys.extend(one.await??);
            }
            Ok(keys)
        })
        .await
}

fn path(number: u32) -> String {
    format!("{ROOT}/customers/{}/consents", customer(number))
}

fn headers() -> String {
    format!("{SEGMENT}accept-language: es-ES\r\n")
}

/// One call after the other on one connection.
async fn live(
    mut connection: Connection,
    call: Call,
    customers: u32,
    chance: SharedChance,
    keys: Rc<Keys>,
    window: Window,
) -> Result<Lives, Failure> {
    let mut lives = Lives::default();
    while !window.is_over() {
        let life = match call {
            Call::Read => {
                let number = chance.borrow_mut().below(customers);
                read(&mut connection, number).await?
            }
            Call::Capture => {
                let choices = chance.borrow_mut().next();
                let (number, key) = keys.next()?;
                capture(&mut connection, *number, key, choices).await?
            }
            Call::Check => {
                // Made before, as the client shares the machine.
                let body = question(&chance, customers);
                check(&mut connection, &body).await?
            }
        };
        lives.count(window, life);
    }
    Ok(lives)
}

async fn read(connection: &mut Connection, number: u32) -> Result<Life, Failure> {
    let (path, headers) = (path(number), headers());
    let mut life = Life::begin();
    // 202: the customer is known.
    connection.call("GET", &path, &headers, "").await?.expect(202)?;
    life.answered("GET");
    Ok(life)
}

async fn capture(connection: &mut Connection, number: u32, key: &str, choices: u64) -> Result<Life, Failure> {
    let headers = format!("{}x-key: {key}\r\n", headers());
    let now = Utc::now();
    let body = json!({
        "actor_id": "AG000123",
        "selections": [{"id": "C01", "choice": choices % 2 * 2}, {"id": "C07", "choice": choices / 2 % 2 * 2}],
        "ip": "203.0.113.10",
        "sell_channel": "eshop",
        "trace_id": format!("TR-{number}"),
        "capture_date": now.to_rfc3339_opts(SecondsFormat::Micros, true),
    });
    let (path, body) = (path(number), body.to_string());
    let mut life = Life::begin();
    connection.call("POST", &path, &headers, &body).await?.expect(201)?;
    life.answered("POST");
    Ok(life)
}

fn question(chance: &SharedChance, customers: u32) -> String {
    let mut chance = chance.borrow_mut();
    let asked: Vec<String> = (0..CHECKED).map(|_| customer(chance.below(customers))).collect();
    json!({"segment": "telco", "customers": asked, "consents": ["C01", "C05"], "require": "all"}).to_string()
}

async fn check(connection: &mut Connection, body: &str) -> Result<Life, Failure> {
    let mut life = Life::begin();
    let answer = connection.call("POST", &format!("{ROOT}/consent-checks"), "", body).await?;
    life.answered("POST");
    answer.expect(200)?;
    let verdicts: Value = serde_json::from_slice(answer.body)?;
    // A list, or an object that holds it.
    let list = verdicts.as_array().or_else(|| verdicts.get("customers").and_then(Value::as_array));
    match list.map(Vec::len) {
        Some(count) if count == CHECKED as usize => Ok(life),
        count => Err(format!("a check of {CHECKED} customers is answered with {count:?}").into()),
    }
}
