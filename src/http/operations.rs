//! For those who operate the server: health, metrics, and the log line of each request.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use actix_web::{
    Error, HttpMessage, HttpResponse,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{HeaderName, HeaderValue},
    middleware::Next,
    web,
};
use prometheus::{Encoder, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry, TextEncoder};
use serde_json::json;
use tracing::Instrument;
use uuid::Uuid;

use super::{ApiError, api::Route, error::only, readiness::Readiness};

/// Maximum length of a request id that is taken over from a caller, in bytes.
const MAX_REQUEST_ID: usize = 128;

/// Metrics of the HTTP side.
#[derive(Clone, Debug)]
pub struct HttpMetrics {
    requests: IntCounterVec,
    seconds: HistogramVec,
}

impl HttpMetrics {
    /// # Errors
    /// If the registry holds metrics of these names already.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let buckets = vec![0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
        let requests = IntCounterVec::new(
            Opts::new("rubrica_http_requests_total", "Requests by route and status"),
            &["method", "route", "status"],
        )?;
        let seconds = HistogramVec::new(
            HistogramOpts::new("rubrica_http_request_seconds", "Time of requests by route").buckets(buckets),
            &["method", "route"],
        )?;
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(seconds.clone()))?;
        Ok(Self { requests, seconds })
    }
}

/// What the operations' handlers need.
#[derive(Clone)]
pub struct Operations {
    pub readiness: Readiness,
    /// Whether the server was told to end.
    pub going_down: Arc<AtomicBool>,
    pub registry: Registry,
    /// Runs before each scrape: gauges that are counted rather than kept.
    pub collect: Arc<dyn Fn() + Send + Sync>,
}

/// Registers the operations.
pub fn configure(service: &mut web::ServiceConfig) {
    service
        .service(web::resource("/health/live").route(web::get().to(live)).default_service(only("GET")))
        .service(web::resource("/health/ready").route(web::get().to(ready)).default_service(only("GET")))
        .service(web::resource("/metrics").route(web::get().to(metrics)).default_service(only("GET")));
}

/// The process runs.
async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "UP"}))
}

/// The server can serve: store and files take writes, and it is not going down.
async fn ready(operations: web::Data<Operations>) -> HttpResponse {
    if operations.going_down.load(Ordering::Acquire) {
        return HttpResponse::ServiceUnavailable().json(json!({"status": "DOWN", "server": "is going down"}));
    }
    match operations.readiness.check().await {
        Ok(()) => HttpResponse::Ok().json(json!({"status": "UP"})),
        Err(part) => {
            HttpResponse::ServiceUnavailable().json(json!({"status": "DOWN", part: "does not answer or takes no writes"}))
        }
    }
}

/// Metrics in the text format of Prometheus.
async fn metrics(operations: web::Data<Operations>) -> Result<HttpResponse, ApiError> {
    (operations.collect)();
    let mut text = Vec::new();
    TextEncoder::new().encode(&operations.registry.gather(), &mut text).map_err(ApiError::internal)?;
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(text))
}

/// The id of a request: in its log lines and its answer.
#[derive(Clone, Debug)]
struct RequestId(HeaderValue);

/// The caller's `x-request-id` if it is plain, else a new one.
fn request_id(request: &ServiceRequest) -> RequestId {
    let given = request.headers().get("x-request-id").filter(|id| {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte);
        !id.is_empty() && id.len() <= MAX_REQUEST_ID && id.as_bytes().iter().all(plain)
    });
    let new = || HeaderValue::from_str(&Uuid::now_v7().to_string()).unwrap_or(HeaderValue::from_static("-"));
    RequestId(given.cloned().unwrap_or_else(new))
}

/// Counts, times and logs each request, by its route and never by its path: paths of public URLs are secrets.
pub async fn observe(
    metrics: web::Data<HttpMetrics>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let started = Instant::now();
    let id = request_id(&request);
    request.extensions_mut().insert(id.clone());
    let method = request.method().clone();
    let span = tracing::info_span!("request", id = id.0.to_str().unwrap_or_default());
    let mut response = next.call(request).instrument(span.clone()).await?;
    let operation = response.request().extensions().get::<Route>().map(|route| route.0.to_owned());
    let route = operation.or_else(|| response.request().match_pattern()).unwrap_or_else(|| "unknown".to_owned());
    let status = response.status();
    let elapsed = started.elapsed();
    // Anybody can invent methods; the metrics know these.
    let label = match method.as_str() {
        known @ ("GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD" | "OPTIONS") => known,
        _ => "other",
    };
    metrics.requests.with_label_values(&[label, &route, status.as_str()]).inc();
    metrics.seconds.with_label_values(&[label, &route]).observe(elapsed.as_secs_f64());
    span.in_scope(|| {
        let (status, micros) = (status.as_u16(), elapsed.as_micros() as u64);
        match status {
            500.. => tracing::warn!(%method, route, status, micros, "request"),
            _ => tracing::debug!(%method, route, status, micros, "request"),
        }
    });
    response.headers_mut().insert(HeaderName::from_static("x-request-id"), id.0);
    Ok(response)
}
