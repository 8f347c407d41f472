//! Clients that try to hold up the server, as raw connections on loopback. What each costs is bounded, and others are served meanwhile.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    NOBODY, contract, own,
    support::{Form, Journey, Options, PATIENCE, Server, wait_for},
};

/// Longest time for what a raw connection sends or gets.
const LOOK: Duration = Duration::from_secs(20);

/// A megabyte.
const MB: usize = 1024 * 1024;

/// A connection that speaks HTTP by hand.
fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.base().trim_start_matches("http://")).expect("a connection");
    stream.set_read_timeout(Some(LOOK)).unwrap();
    stream.set_write_timeout(Some(LOOK)).unwrap();
    stream
}

/// Sends as much as the other side takes without waiting.
fn send_what_goes(stream: &mut TcpStream, bytes: &[u8]) -> usize {
    stream.set_nonblocking(true).unwrap();
    let mut sent = 0;
    while sent < bytes.len() {
        match stream.write(&bytes[sent..]) {
            Ok(more) => sent += more,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(_) => break,
        }
    }
    stream.set_nonblocking(false).unwrap();
    sent
}

/// The head of an answer and its body as far as they come, to the end of the connection.
fn answer_of(mut stream: &TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => break,
            Ok(length) => bytes.extend_from_slice(&piece[..length]),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// An answer written by hand that is an error of the contract with this status.
fn expect_refusal(answer: &str, status: u16) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    let errors: serde_json::Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"));
    assert!(!errors["errors"][0]["details"].as_str().unwrap_or_default().is_empty(), "{answer}");
}

/// Resident memory of a server in bytes.
fn memory(server: &Server) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("the server runs on Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") * 1024
}

/// Processor time that a server has used.
fn processor_time(server: &Server) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.pid())).expect("the server runs on Linux");
    let fields: Vec<&str> = stat.rsplit_once(')').expect("a name").1.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    // A tick is a hundredth of a second wherever Linux runs.
    Duration::from_millis(ticks * 10)
}

/// Waits until the server rests: it uses less than a fifth of a processor for half a second.
fn wait_for_rest(server: &Server) {
    let mut before = (Instant::now(), processor_time(server));
    wait_for("the server to rest", PATIENCE, || {
        let now = Instant::now();
        if now - before.0 < Duration::from_millis(500) {
            return None;
        }
        let used = processor_time(server);
        let rests = (used - before.1) * 5 < now - before.0;
        before = (now, used);
        rests.then_some(())
    });
}

/// How many connections a server has cut off for a reason.
fn cut(server: &Server, reason: &str) -> u64 {
    let metrics = server.anonymous().get("/metrics").send().expect(200);
    let name = format!("rubrica_http_connections_cut_total{{reason=\"{reason}\"}} ");
    let text = String::from_utf8(metrics.body).unwrap();
    text.lines().find_map(|line| line.strip_prefix(&name)).expect("the metric").trim().parse().expect("a number")
}

#[test]
fn who_pipelines_and_does_not_read_takes_neither_processor_nor_memory() {
    let (server, _) = own(None);
    let before = memory(&server);
    let request = b"GET /openapi.json HTTP/1.1\r\nhost: a\r\n\r\n";
    let (first, all) = (request.repeat(100), request.repeat(140 * 1024 / request.len()));
    let mut streams: Vec<TcpStream> = (0..40).map(|_| connect(&server)).collect();
    // Enough for answers to wait, and only then more than a buffer holds.
    streams.iter_mut().for_each(|stream| assert!(send_what_goes(stream, &first) > 0));
    wait_for_rest(&server);
    let sent: usize = streams.iter_mut().map(|stream| send_what_goes(stream, &all)).sum();
    assert!(sent > 40 * 50 * 1024, "{sent}");
    wait_for_rest(&server);
    // And all at once.
    let mut more: Vec<TcpStream> = (0..40).map(|_| connect(&server)).collect();
    more.iter_mut().for_each(|stream| assert!(send_what_goes(stream, &all) > 0));
    wait_for_rest(&server);
    let grown = memory(&server).saturating_sub(before);
    assert!(grown < 60 * MB, "{} MB", grown / MB);
    assert_eq!(server.anonymous().get("/health/live").send().status, 200);
}

#[test]
fn pipelined_requests_are_all_answered_in_order() {
    let (server, _) = own(None);
    let bodies = [r#"{"advance":"PT1S"}"#, r#"{"advance":"PT2S"}"#];
    let mut stream = connect(&server);
    let mut all = Vec::new();
    for round in 0..50 {
        let body = bodies[round % 2];
        all.extend_from_slice(format!("GET /nothing/{round} HTTP/1.1\r\nhost: a\r\n\r\n").as_bytes());
        let length = body.len();
        all.extend_from_slice(
            format!("POST /sandbox/clock HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
                .as_bytes(),
        );
        let chunked = "POST /sandbox/clock HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
        all.extend_from_slice(format!("{chunked}1\r\n{{\r\n{:x}\r\n{}\r\n0\r\n\r\n", length - 1, &body[1..]).as_bytes());
    }
    all.extend_from_slice(b"GET /health/live HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    stream.write_all(&all).expect("sent");
    let answers = answer_of(&stream);
    let found: Vec<usize> = (0..50).map(|round| answers.find(&format!("/nothing/{round}\"")).expect("an answer")).collect();
    assert!(found.is_sorted());
    assert_eq!((answers.matches("HTTP/1.1 404").count(), answers.matches("HTTP/1.1 200").count()), (50, 101), "{answers}");
}

/// A link to a document that no client's buffers hold.
fn large_link(server: &Server, journey: &Journey) -> String {
    let content = format!("\"{}\"", "x".repeat(12 * MB));
    let form = Form::new().part("name", "large.json").part("extension", "json").file("content", "large.json", content);
    let id = journey.client.post(&journey.path("documents")).form(form).send().expect(201).text("documentId");
    let url = journey.client.post(&journey.path(&format!("documents/{id}/public_url"))).json(&json!({})).send().expect(200);
    url.text("publicUrl").trim_start_matches(server.base()).to_owned()
}

#[test]
fn who_reads_a_public_link_slowly_holds_up_nobody_and_is_cut_off() {
    let (server, journey) = own(Some("[server]\nslow_after = \"PT2S\"\n"));
    let link = large_link(&server, &journey);
    let before = memory(&server);
    // Each once reserved the whole document of 512 MB that all tenants shared.
    let request = format!("GET {link} HTTP/1.1\r\nhost: a\r\n\r\n");
    let mut slow: Vec<TcpStream> = (0..48).map(|_| connect(&server)).collect();
    slow.iter_mut().for_each(|stream| stream.write_all(request.as_bytes()).expect("sent"));
    let id = journey.upload("contract.pdf", &crate::pdf());
    for _ in 0..5 {
        assert!(journey.download(&id).starts_with(b"%PDF"));
        assert_eq!(server.anonymous().get(&link).send().expect(200).body.len(), 12 * MB + 2);
    }
    assert!(memory(&server).saturating_sub(before) < 100 * MB, "{} MB", memory(&server).saturating_sub(before) / MB);
    wait_for("the slow readers to be cut off", PATIENCE, || (cut(&server, "slow_reader") == 48).then_some(()));
    assert!(server.log().contains("slow_reader"));
}

#[test]
fn an_answer_has_its_time_however_fast_it_is_read() {
    let (server, journey) = own(Some("[server]\nslow_after = \"PT1M\"\nanswer_time = \"PT1S\"\n"));
    let link = large_link(&server, &journey);
    let mut stream = connect(&server);
    stream.write_all(format!("GET {link} HTTP/1.1\r\nhost: a\r\n\r\n").as_bytes()).expect("sent");
    wait_for("the reader to be cut off", PATIENCE, || (cut(&server, "answer_time") == 1).then_some(()));
}

#[test]
fn uploads_that_stall_keep_no_others_out_and_are_refused() {
    let (server, journey) = own(Some("[server]\nslow_after = \"PT3S\"\n"));
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\ncontent-type: multipart/form-data; boundary=XX\r\ncontent-length: {}\r\n\r\n--XX\r\n",
        journey.path("documents"),
        server.bearer(),
        50 * MB
    );
    let mut stalled: Vec<TcpStream> = (0..62).map(|_| connect(&server)).collect();
    stalled.iter_mut().for_each(|stream| stream.write_all(head.as_bytes()).expect("sent"));
    let other = Journey::of(server.client_with(&server.token("other", &[])), "other");
    for journey in [&journey, &other] {
        journey.upload("contract.pdf", &crate::pdf());
    }
    for stream in &stalled {
        expect_refusal(&answer_of(stream), 408);
    }
}

#[test]
fn json_bodies_that_never_end_take_a_bounded_room() {
    let (server, _) = own(Some("[server]\nslow_after = \"PT3S\"\njson_memory = 16777216\n"));
    let before = memory(&server);
    let post = |organization: &str, token: &str| {
        format!(
            "POST /v1/orgs/{organization}/documents/{NOBODY}/public_url HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            2 * MB
        )
    };
    let head = post("acme", server.bearer());
    let body = vec![b' '; 2 * MB - 1];
    let mut open: Vec<TcpStream> = (0..100).map(|_| connect(&server)).collect();
    for stream in &mut open {
        stream.write_all(head.as_bytes()).expect("sent");
        // Those that find no room are refused while they send.
        let _ = stream.write_all(&body);
    }
    wait_for_rest(&server);
    let grown = memory(&server).saturating_sub(before);
    assert!(grown < 60 * MB, "{} MB", grown / MB);
    let other = Journey::of(server.client_with(&server.token("other", &[])), "other");
    let path = other.path(&format!("documents/{NOBODY}/public_url"));
    other.client.post(&path).json(&json!({"downloadDisposition": "inline"})).send().expect_problem(404, "RESOURCE_NOT_FOUND");
}

#[test]
fn an_address_has_its_number_of_connections() {
    let (server, _) = own(Some("[server]\nconnections_per_address = 8\n"));
    let mut open: Vec<TcpStream> = Vec::new();
    let refused = wait_for("a connection to be refused", PATIENCE, || {
        let mut stream = connect(&server);
        stream.write_all(b"GET /health/live HTTP/1.1\r\nhost: a\r\n\r\n").expect("sent");
        let mut start = [0; 12];
        stream.read_exact(&mut start).expect("an answer");
        if &start == b"HTTP/1.1 503" {
            return Some(stream);
        }
        open.push(stream);
        assert!(open.len() <= 8, "more than are allowed");
        None
    });
    let rest = answer_of(&refused);
    expect_refusal(&format!("HTTP/1.1 503{rest}"), 503);
    drop(open);
    wait_for("there to be room again", PATIENCE, || {
        let mut stream = connect(&server);
        stream.write_all(b"GET /health/live HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").ok()?;
        answer_of(&stream).starts_with("HTTP/1.1 200").then_some(())
    });
    wait_for("the refusal to be counted", PATIENCE, || (cut(&server, "address_limit") >= 1).then_some(()));
}

#[test]
fn what_is_refused_before_any_operation_has_a_body_of_the_contract() {
    let options = Options { observer: Some(contract::check), ..Options::default() };
    let server = Server::start_with(options);
    for (request, status) in [
        (format!("GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "x".repeat(400_000)), 431),
        ("GET / HTTP/1.1\r\nno header\r\n\r\n".to_owned(), 400),
        ("nothing at all\r\n\r\n".to_owned(), 400),
    ] {
        let mut stream = connect(&server);
        let _ = stream.write_all(request.as_bytes());
        expect_refusal(&answer_of(&stream), status);
    }
}

#[test]
fn a_refused_upload_is_read_on_so_that_its_client_sees_the_refusal() {
    let (server, journey) = own(Some("[documents]\nlimit = 1048576\n"));
    for declared in [true, false] {
        let framing = if declared { format!("content-length: {}", 20 * MB) } else { "transfer-encoding: chunked".to_owned() };
        let head = format!(
            "POST {} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\ncontent-type: multipart/form-data; boundary=XX\r\n{framing}\r\n\r\n",
            journey.path("documents"),
            server.bearer()
        );
        let mut stream = connect(&server);
        stream.write_all(head.as_bytes()).expect("sent");
        // A client that sends everything before it looks for an answer.
        let piece =
            if declared { vec![b'x'; MB] } else { [format!("{MB:x}\r\n").into_bytes(), vec![b'x'; MB], b"\r\n".into()].concat() };
        for number in 0..20 {
            stream.write_all(&piece).unwrap_or_else(|error| panic!("piece {number} of {framing}: {error}"));
        }
        let mut start = [0; 12];
        stream.read_exact(&mut start).expect("an answer");
        assert_eq!(&start, b"HTTP/1.1 413", "{framing}");
    }
}
