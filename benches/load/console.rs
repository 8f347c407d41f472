//! The lists and the search of the console over many sign processes of one organization: whether a page costs what it shows, or what there is.

use std::{
    cell::Cell,
    path::Path,
    rc::Rc,
    time::{Duration, Instant},
};

use documents::fixtures;

use crate::{
    Failure, Options,
    client::{Connection, MULTIPART, multipart},
    machine,
    server::Server,
    statistics::Times,
};

const ROOT: &str = "/v1/orgs/acme";

const CONSOLE: &str = "/console/orgs/acme";

/// Media type of the form by which one signs in.
const FORM: &str = "application/x-www-form-urlencoded";

/// One of so many is cancelled, so that there is a state of which few are.
const CANCELLED: u32 = 100;

/// Calls of a page at most, however quick it is.
const MAX_CALLS: usize = 20_000;

/// Chooses processes at random, the same in each run.
const STEP: u64 = 2_654_435_761;

/// The address of the next call of a page.
type Address<'a> = Box<dyn FnMut() -> String + 'a>;

pub async fn run(options: &Options, program: &Path) -> Result<(), Failure> {
    let listed = options.listed;
    println!("\n## The console over {listed} sign processes: {}\n", machine::name(program));
    let folder = tempfile::tempdir_in(&options.folder)?;
    let server = Server::start(program, folder.path())?;
    let (began, cpu) = (Instant::now(), server.cpu()?);
    let known = create_all(options, &server).await?;
    let (took, cpu) = (began.elapsed().as_secs_f64(), server.cpu()? - cpu);
    println!(
        "Made over HTTP on {} connections, one signer each and one document for all, 1 of {CANCELLED} cancelled: {:.0}/s, {:.0} µs of the server's \
         processor each. ",
        options.connections,
        f64::from(listed) / took,
        cpu * 1e6 / f64::from(listed),
    );
    server.stop()?;
    let megabytes = std::fs::metadata(folder.path().join("rubrica.db"))?.len() as f64 / 1e6;
    println!(
        "The store (SQLite) has {megabytes:.0} MB. The server is started anew; pages one after the other on one connection, {} s each.\n",
        options.seconds
    );

    let server = Server::start(program, folder.path())?;
    let mut connection = server.connect().await?;
    let cookie = sign_in(&mut connection).await?;
    println!("| page | calls | p50 ms | p99 ms | most ms | ms of the server's processor | kB | load |");
    println!("| --- | --: | --: | --: | --: | --: | --: | --: |");
    let list = format!("{CONSOLE}/processes");
    let first = page(&mut connection, &cookie, &list, 200).await?;
    let older = between(&first, "rel=\"next\" href=\"", "\"").unwrap_or_else(|| list.clone()).replace("&#38;", "&");
    let email = |number: u64| format!("{list}?q={}", address(number as u32).replace('@', "%40"));
    let mut place = 0;
    let mut random = || {
        place = (place + STEP) % u64::from(listed);
        place
    };
    let pages: Vec<(&str, u16, Address<'_>)> = vec![
        ("overview", 200, Box::new(|| CONSOLE.to_owned())),
        ("processes, newest", 200, Box::new(|| list.clone())),
        ("processes, the page after", 200, Box::new(|| older.clone())),
        ("of a state that most have", 200, Box::new(|| format!("{list}?status=CREATED"))),
        ("of a state that few have", 200, Box::new(|| format!("{list}?status=CANCELLED"))),
        ("of a type", 200, Box::new(|| format!("{list}?type=SIMPLE"))),
        ("of a type that none has", 200, Box::new(|| format!("{list}?type=BIOMETRIC"))),
        ("of a type and a state", 200, Box::new(|| format!("{list}?type=SIMPLE&status=CANCELLED"))),
        ("search: an e-mail address of one", 303, Box::new(|| email(random()))),
        ("search: an alias of all", 200, Box::new(|| format!("{list}?q=tenant"))),
        ("search: what nobody has", 200, Box::new(|| format!("{list}?q=nobody%40example.org"))),
        ("a process", 200, Box::new(|| format!("{list}/{known}"))),
        ("processes as a file (5,000 rows)", 200, Box::new(|| format!("{list}.csv"))),
        ("documents, newest", 200, Box::new(|| format!("{CONSOLE}/documents"))),
        ("deliveries", 200, Box::new(|| format!("{CONSOLE}/deliveries"))),
    ];
    for (name, status, mut next) in pages {
        measure(options, &server, &mut connection, &cookie, (name, status), &mut *next).await?;
    }
    println!("\nRSS of the server: {:.0} MB.", server.resident_mb()?);
    server.stop()
}

/// Makes the processes; the answer is one of them.
async fn create_all(options: &Options, server: &Server) -> Result<String, Failure> {
    let mut connection = server.connect().await?;
    let pdf = fixtures::contract(&["A"]);
    let parts: [(&str, &[u8]); 3] = [("name=\"name\"", b"lease.pdf"), ("name=\"extension\"", b"pdf"), ("name=\"content\"", &pdf)];
    let uploaded = connection.send("POST", &format!("{ROOT}/documents"), "", MULTIPART, &multipart(&parts)).await?;
    uploaded.expect(201)?;
    let document: Rc<str> = uploaded.text("/documentId")?.into();
    let (next, listed, local) = (Rc::new(Cell::new(0)), options.listed, tokio::task::LocalSet::new());
    let mut running = Vec::new();
    for _ in 0..options.connections {
        let (mut connection, next, document) = (server.connect().await?, next.clone(), document.clone());
        running.push(local.spawn_local(async move {
            let mut made = None;
            loop {
                let number = next.get();
                if number >= listed {
                    return Ok::<_, Failure>(made);
                }
                next.set(number + 1);
                made = Some(create(&mut connection, &document, number).await?);
            }
        }));
    }
    local
        .run_until(async {
            let mut made = None;
            for one in running {
                made = one.await??.or(made);
            }
            made.ok_or_else(|| "no process was made".into())
        })
        .await
}

fn address(number: u32) -> String {
    format!("signer{number}@example.org")
}

async fn create(connection: &mut Connection, document: &str, number: u32) -> Result<String, Failure> {
    let email = address(number);
    let body = serde_json::json!({
        "signers": [{"alias": "tenant", "name": "Ana", "last_name": "López", "email": email, "language": "EN"}],
        "sign": {"type": "SIMPLE", "documents": [{"id": document}]},
        "identification": {"type": "OTP"},
    });
    let made = connection.call("POST", &format!("{ROOT}/sign_process"), "", &body.to_string()).await?;
    made.expect(201)?;
    let id = made.text("/id")?;
    if number.is_multiple_of(CANCELLED) {
        let reason = "{\"reason\":\"a measurement\"}";
        let cancelled = connection.call("POST", &format!("{ROOT}/sign_process/{id}/cancel"), "", reason).await?;
        cancelled.expect(200).or_else(|_| cancelled.expect(204))?;
    }
    Ok(id)
}

/// Signs in by the form for development; the answer is the line of the cookie.
async fn sign_in(connection: &mut Connection) -> Result<String, Failure> {
    let form = b"organization=acme&role=console&next=";
    let path = "/console/sign-in/development";
    let answer = connection.send("POST", path, "sec-fetch-site: same-origin\r\n", FORM, form).await?;
    answer.expect(303)?;
    let cookie = answer.header("set-cookie")?.split(';').next().unwrap_or_default().to_owned();
    Ok(format!("cookie: {cookie}\r\naccept-language: en\r\n"))
}

async fn page(connection: &mut Connection, cookie: &str, path: &str, status: u16) -> Result<String, Failure> {
    let answer = connection.call("GET", path, cookie, "").await?;
    answer.expect(status).map_err(|error| format!("{path}: {error}"))?;
    Ok(String::from_utf8_lossy(answer.body).into_owned())
}

/// What stands between two marks.
fn between(text: &str, before: &str, after: &str) -> Option<String> {
    let rest = &text[text.find(before)? + before.len()..];
    rest.find(after).map(|end| rest[..end].to_owned())
}

/// Calls a page for the time of a measurement and prints its line.
async fn measure(
    options: &Options,
    server: &Server,
    connection: &mut Connection,
    cookie: &str,
    (name, status): (&str, u16),
    next: &mut dyn FnMut() -> String,
) -> Result<(), Failure> {
    let (mut times, mut bytes) = (Times::default(), 0);
    let (began, cpu) = (Instant::now(), server.cpu()?);
    while times.len() == 0 || (began.elapsed() < options.duration() && times.len() < MAX_CALLS) {
        let path = next();
        let called = Instant::now();
        let answer = connection.call("GET", &path, cookie, "").await?;
        times.add(called.elapsed());
        answer.expect(status).map_err(|error| format!("{path}: {error}"))?;
        bytes += answer.body.len();
    }
    let calls = times.len();
    let cpu = Duration::from_secs_f64(server.cpu()? - cpu).as_secs_f64() * 1e3 / calls as f64;
    let percentiles = times.percentiles(&[50.0, 99.0, 100.0]);
    let [middle, high, most] = percentiles[..] else { return Err("three percentiles were asked for".into()) };
    let kilobytes = bytes as f64 / 1e3 / calls as f64;
    println!("| {name} | {calls} | {middle:.2} | {high:.2} | {most:.2} | {cpu:.2} | {kilobytes:.1} | {} |", machine::load());
    Ok(())
}
