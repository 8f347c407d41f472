//! The connections of the HTTP side: how many there may be, and that none holds up the server.
//!
//! actix-http reads what a client sends as fast as it comes, decodes all requests of it at once, and polls itself without end while its
//! buffer is full (`h1::dispatcher`, 3.20). So its stream is ours ([`Guarded`]): it hands over one request at a time, of a body no more than
//! its handler takes, and nothing while an answer waits for the client; and it cuts off a client that takes its answers too slowly.

mod admission;
mod exchange;
mod stream;
#[cfg(test)]
mod tests;

use std::{net::SocketAddr, time::Duration};

use actix_http::{HttpService, Request, Response, error::DispatchError};
use actix_server::ServerBuilder;
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::{Error, body::MessageBody, dev::AppConfig, rt::net::TcpStream};

pub use admission::{Connections, Cut, Metrics, Options, counted_as};
use exchange::Exchange;
pub use exchange::{InParts, PART, exchange};
pub use stream::{Guarded, MAX_HEAD, SLOWEST};

/// Maximum time for the head of a connection's first request.
const FIRST_HEAD: Duration = Duration::from_secs(5);

/// How long a connection is read on after an answer that came before the end of its request, so that the client sees the answer.
const READ_ON: Duration = Duration::from_secs(2);

/// Serves an application on a listener, each of whose connections is a [`Guarded`] one. The application's outermost middleware must be
/// [`exchange()`].
///
/// # Errors
/// If the listener cannot be used.
pub fn listen<F, I, S, B>(
    builder: ServerBuilder,
    listener: std::net::TcpListener,
    connections: Connections,
    application: F,
) -> std::io::Result<ServerBuilder>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Future: 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: std::fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    <S::Service as actix_service::Service<Request>>::Future: 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    let address: SocketAddr = listener.local_addr()?;
    let down = builder.graceful_shutdown_signal();
    builder.listen("http", listener, move || {
        let down = down.clone();
        let connections = connections.clone();
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let down = down.clone();
                async move { down.notified().await }
            })
            .client_request_timeout(FIRST_HEAD)
            .client_disconnect_timeout(READ_ON)
            .local_addr(address)
            .on_connect_ext(|stream: &Guarded, data: &mut actix_http::Extensions| {
                data.insert::<Exchange>(stream.exchange());
            })
            .h1(map_config(application().into_factory().map_err(|error| error.into().error_response()), |()| {
                AppConfig::default()
            }));
        fn_service(move |stream: TcpStream| {
            let guarded = Guarded::accept(stream, &connections).ok_or(DispatchError::Upgrade);
            std::future::ready(guarded)
        })
        .and_then(http)
    })
}
