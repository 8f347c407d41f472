//! Calls over real sockets on this machine.

use std::sync::Arc;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;

fn local() -> Reach {
    Reach { plain_http: true, networks: Arc::new(["127.0.0.0/8".parse().unwrap()]) }
}

/// A server that answers one request with `answer`, and then waits for the client to leave.
async fn server(answer: String) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 4096];
        let _ = stream.read(&mut buffer).await;
        let _ = stream.write_all(answer.as_bytes()).await;
        while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
    });
    url.parse().unwrap()
}

async fn get(reach: Reach, url: Url, timeout: Duration) -> Result<Answer, Error> {
    let http = Http::new(reach, Duration::from_secs(10)).unwrap();
    let request = http.request(Method::GET, url)?;
    http.send(request, Instant::now() + timeout, 16).await
}

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn an_answer_is_read_whole_and_redirects_are_not_followed() {
    let url = server("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 2\r\n\r\nok".into()).await;
    let answer = get(local(), url, LONG).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.body.as_slice()), (302, b"ok".as_slice()));
}

#[tokio::test]
async fn a_body_is_bounded_whether_it_says_its_length_or_not() {
    let said = "HTTP/1.1 200 OK\r\ncontent-length: 999999999999\r\n\r\n".to_owned();
    let unsaid = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n20\r\n{}\r\n", "x".repeat(32));
    for answer in [said, unsaid] {
        assert_eq!(get(local(), server(answer).await, LONG).await.err(), Some(Error::TooLong(16)));
    }
}

#[tokio::test]
async fn an_answer_that_does_not_end_ends_at_the_deadline() {
    for answer in ["", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"] {
        let failed = get(local(), server(answer.into()).await, Duration::from_millis(200)).await;
        assert_eq!(failed.err(), Some(Error::Timeout), "{answer:?}");
    }
}

#[tokio::test]
async fn a_name_that_leads_to_this_machine_is_not_called() {
    let url = server("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".into()).await;
    let named: Url = format!("http://localhost:{}/", url.port().unwrap()).parse().unwrap();
    let public = Reach { plain_http: true, ..Reach::default() };
    assert_eq!(get(public.clone(), named.clone(), LONG).await.err(), Some(Error::NotAllowed(NotAllowed::Network)));
    assert_eq!(get(public, url, LONG).await.err(), Some(Error::NotAllowed(NotAllowed::Network)));
    assert!(get(local(), named, LONG).await.is_ok(), "where the configuration allows it");
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_no_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let failed = get(local(), url, LONG).await.err();
    assert_eq!(failed, Some(Error::Connect("the connection was refused")));
}

#[test]
fn a_pause_is_in_seconds_or_a_date_and_has_a_maximum() {
    use reqwest::header::{HeaderMap, RETRY_AFTER};
    let now = chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    let date = (now + chrono::TimeDelta::seconds(90)).format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    for (value, expected) in [("7", Some(7)), (date.as_str(), Some(90)), ("999999999", Some(3600)), ("soon", None)] {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
        assert_eq!(retry_after(&headers, now).map(|pause| pause.as_secs()), expected, "{value}");
    }
}
