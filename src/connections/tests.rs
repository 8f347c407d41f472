//! A small application on real connections.

use actix_web::{App, HttpResponse, middleware, web};
use prometheus::Registry;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// Serves one path on a free port, until the runtime ends.
fn serve(options: Options) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Connections::new(options, Metrics::new(&Registry::new()).unwrap(), crate::http::error::before_any_handler);
    let application = || {
        let echo = |body: web::Bytes| async move { HttpResponse::Ok().body(body) };
        App::new()
            .wrap(middleware::from_fn(exchange))
            .route("/echo", web::post().to(echo))
            .default_service(web::to(HttpResponse::Ok))
    };
    let builder = actix_server::Server::build().workers(1).disable_signals();
    actix_web::rt::spawn(listen(builder, listener, connections, application).unwrap().run());
    address
}

async fn read_to_end(stream: &mut tokio::net::TcpStream) -> String {
    let mut text = Vec::new();
    tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut text)).await.expect("in time").expect("read");
    String::from_utf8_lossy(&text).into_owned()
}

#[actix_web::test]
async fn a_later_head_that_does_not_end_is_refused_in_time() {
    let address = serve(Options { head_time: Duration::from_millis(200), ..Options::default() });
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\nGET / HTTP/1.1\r\nhos").await.unwrap();
    let answers = read_to_end(&mut stream).await;
    assert!(answers.starts_with("HTTP/1.1 200 ") && answers.contains("HTTP/1.1 408 "), "{answers}");
}

#[actix_web::test]
async fn bodies_of_any_size_and_framing_arrive_whole_however_they_are_cut() {
    let address = serve(Options::default());
    for size in [0, 1, 5_000, 70_000] {
        let body: String = (0..size).map(|at| if at % 97 == 0 { '\n' } else { 'x' }).collect();
        let declared = format!("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: {size}\r\n\r\n{body}");
        let mut chunked = "POST /echo HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n".to_owned();
        for chunk in body.as_bytes().chunks(1_000) {
            chunked.push_str(&format!("{:x}\r\n{}\r\n", chunk.len(), std::str::from_utf8(chunk).unwrap()));
        }
        chunked.push_str("0\r\n\r\n");
        let all = declared + &chunked;
        for piece in [all.len(), 4_096, 61] {
            let stream = tokio::net::TcpStream::connect(address).await.unwrap();
            let (mut read, mut write) = stream.into_split();
            let all = all.clone();
            let sending = actix_web::rt::spawn(async move {
                for piece in all.as_bytes().chunks(piece) {
                    write.write_all(piece).await.unwrap();
                }
                write
            });
            let mut answers = Vec::new();
            tokio::time::timeout(Duration::from_secs(20), read.read_to_end(&mut answers)).await.expect("in time").expect("read");
            let answers = String::from_utf8_lossy(&answers);
            assert_eq!(answers.matches("HTTP/1.1 200 ").count(), 2, "{size} in pieces of {piece}");
            assert!(answers.ends_with(&body) && answers.matches(&format!("content-length: {size}\r\n")).count() == 2);
            drop(sending.await);
        }
    }
}
