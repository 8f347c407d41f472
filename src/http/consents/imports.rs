//! Imports: choices that another system captured, one line of JSON each, answered line by line.
//!
//! The body is read whole before the first line is taken, so that a request that is refused has changed nothing. Lines of one customer are taken in
//! their order, those of different customers beside each other; an answer comes as soon as all lines before it have theirs. A client that goes away
//! stops what was not begun; as a repeated line changes nothing, it sends the same again.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::dev::Payload;
use actix_web::web::{Bytes, BytesMut};
use futures::stream::{self, LocalBoxStream, StreamExt};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Timestamp;
use utoipa::ToSchema;
use uuid::Uuid;
use workflows::values::Problems;

use super::customers::{Selection, caller_of, date, ip, reference, sell_channel};
use super::{Segment, request};
use crate::catalogue::consents::ConsentId;
use crate::consents::import::Imported;
use crate::consents::service::{Customers, Recorded};
use crate::http::call::{Admitted, Answer, Body, Call, Described, Schemas, referred, status};
use crate::http::error::{ApiError, Error, Family};
use crate::http::intake::{Intake, Options};
use crate::http::json;
use crate::http::openapi;
use crate::http::operation::Success;
use crate::room::Share;

/// Maximum number of lines of one import.
pub const MAX_LINES: usize = 10_000;
/// Maximum size of an import, in bytes.
const MAX_BYTES: usize = 16 * 1024 * 1024;
/// Maximum size of one line, in bytes.
const MAX_LINE: usize = 64 * 1024;
/// Maximum length of the name of a source, in bytes.
const MAX_SOURCE: usize = 200;
/// Maximum time that an import may take to arrive.
const READ_TIMEOUT: Duration = Duration::from_secs(300);
/// Lines that are recorded beside each other.
const LANES: usize = 64;
/// Lines that are read before other requests get their turn.
const STRETCH: usize = 250;
/// Answers that go out together, at most.
const CHUNK: usize = 256;

const MEDIA_TYPES: &[&str] = &["application/x-ndjson"];

/// One line of an import.
#[derive(Deserialize, ToSchema)]
pub struct ConsentImportLine {
    /// Id of the customer in the CRM.
    #[serde(default)]
    #[schema(schema_with = super::customer_schema, required = true)]
    customer_id: Value,
    /// Segment whose tree applies.
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 1, max_length = 64)]
    segment: Value,
    /// The choices made.
    #[serde(default)]
    #[schema(required = true, min_items = 1, max_items = 256)]
    selections: Vec<Selection>,
    #[serde(default)]
    #[schema(required = true)]
    evidence: ConsentImportEvidence,
    /// Where the choices come from, such as the name of the system before.
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 1, max_length = 200)]
    source: Value,
}

/// What the system before knows of the capture.
#[derive(Default, Deserialize, ToSchema)]
pub struct ConsentImportEvidence {
    /// Agent, system or user that set the consents.
    #[serde(default)]
    #[schema(schema_with = reference, required = true)]
    actor_id: Value,
    /// When the choices were made. What is older than a deletion of the customer here is recorded without effect.
    #[serde(default)]
    #[schema(schema_with = date, required = true)]
    capture_date: Value,
    /// IP address (v4 or v6) of the actor.
    #[serde(default)]
    #[schema(schema_with = ip, required = false)]
    ip: Value,
    /// Where the capture started.
    #[serde(default)]
    #[schema(schema_with = sell_channel, required = false)]
    sell_channel: Value,
    /// Reference for tracing the capture.
    #[serde(default)]
    #[schema(schema_with = reference, required = false)]
    trace_id: Value,
}

/// The answer to one line.
#[derive(Serialize, ToSchema)]
pub struct ConsentImportResult {
    /// Number of the line, from 1.
    line: u32,
    /// As the capture of these choices alone would be answered: 201, or 400, 404, 429, 500, 503 with `errors`. What is not 201 has changed
    /// nothing; 429 and 503 are worth another try.
    status: u16,
    /// Id of the customer's consents in the segment.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    id: Option<Uuid>,
    /// Consents whose choice was recorded and took no effect.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>, required = false)]
    superseded: Vec<ConsentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = errors, required = false)]
    errors: Option<Vec<Error>>,
}

/// Errors of a line have the codes of this API.
fn errors() -> utoipa::openapi::Array {
    utoipa::openapi::ArrayBuilder::new().items(openapi::error_reference(Family::Consents)).build()
}

/// A body of lines of JSON (NDJSON), read whole.
pub struct Lines {
    bytes: Bytes,
    /// The room that it takes until all is answered.
    share: Share,
}

impl Body for Lines {
    fn described(schemas: &mut Schemas) -> Option<Described> {
        Some(Described::new(MEDIA_TYPES, referred::<ConsentImportLine>(schemas)))
    }

    async fn read(admitted: &mut Admitted) -> Result<Self, ApiError> {
        let request = &admitted.request;
        if !json::media_type(request).is_some_and(|media| MEDIA_TYPES.contains(&media.as_str())) {
            return Err(ApiError::unsupported_media_type(
                "the body must be sent as application/x-ndjson: one JSON object a line",
            ));
        }
        let over = || ApiError::too_large(format!("the body may have {MAX_BYTES} bytes; send the lines in several requests"));
        if json::declared_length(request).is_some_and(|length| length > MAX_BYTES as u64) {
            return Err(over());
        }
        let options = Options::of(request);
        let organization = admitted.tenant.as_ref().map_or("", |tenant| &tenant.organization);
        let share = options.json_room.share(organization);
        let mut intake = Intake::new(Payload::take(&mut admitted.payload), share, READ_TIMEOUT, options.slow_after);
        let mut bytes = BytesMut::new();
        while let Some(chunk) = intake.next().await? {
            if bytes.len() + chunk.len() > MAX_BYTES {
                return Err(over());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Self { bytes: bytes.freeze(), share: intake.into_share() })
    }
}

/// Answers to lines, in their order.
pub struct Results(LocalBoxStream<'static, Bytes>);

impl Answer for Results {
    fn described(schemas: &mut Schemas) -> Vec<Option<Described>> {
        vec![Some(Described::new(MEDIA_TYPES, referred::<ConsentImportResult>(schemas)))]
    }

    fn respond(self, answers: &'static [Success]) -> Result<HttpResponse, ApiError> {
        let body = self.0.map(Ok::<_, actix_web::Error>);
        Ok(HttpResponse::build(status(answers, 0)?).content_type(MEDIA_TYPES[0]).streaming(body))
    }
}

/// A line that was read: what it asks for, or why it cannot be taken.
type Read = Result<Imported, ApiError>;

pub async fn import(call: Call<(), Lines>) -> Result<Results, ApiError> {
    let Lines { bytes, share } = call.body;
    let lines = lines(&bytes);
    if lines.is_empty() {
        return Err(ApiError::input("the body has no lines; send one JSON object a line"));
    }
    if lines.len() > MAX_LINES {
        return Err(ApiError::too_large(format!("an import may have {MAX_LINES} lines; send them in several requests")));
    }
    let (customers, now) = (call.engine.customers.clone(), call.engine.clock.now());
    let (organization, caller) = (call.organization, caller_of(&call.caller));
    let mut lanes: Vec<Vec<(usize, u32, Read)>> = (0..LANES).map(|_| Vec::new()).collect();
    for (place, (number, line)) in lines.into_iter().enumerate() {
        if place % STRETCH == STRETCH - 1 {
            tokio::task::yield_now().await;
        }
        let read = read(line, now);
        let lane = read.as_ref().map_or(place, |line| lane_of(&customers, &organization, line));
        lanes[lane % LANES].push((place, number, read));
    }
    let lanes = lanes.into_iter().map(|lane| {
        let (customers, organization, caller) = (customers.clone(), organization.clone(), caller.clone());
        stream::iter(lane)
            .then(move |(place, number, read)| {
                let (customers, organization, caller) = (customers.clone(), organization.clone(), caller.clone());
                async move {
                    let recorded = match read {
                        Ok(line) => customers.import(&organization, &caller, line).await.map_err(ApiError::from),
                        Err(refused) => Err(refused),
                    };
                    count(&customers, &organization, &recorded);
                    (place, encoded(number, recorded))
                }
            })
            .boxed_local()
    });
    Ok(Results(in_order(stream::select_all(lanes).boxed_local(), share)))
}

/// The lines that are not blank, with their numbers from 1.
fn lines(bytes: &[u8]) -> Vec<(u32, &[u8])> {
    let lines = bytes.split(|byte| *byte == b'\n').zip(1_u32..).map(|(line, number)| (number, line.trim_ascii()));
    // One more than may be, to be refused.
    lines.filter(|(_, line)| !line.is_empty()).take(MAX_LINES + 1).collect()
}

/// Lines of one customer in one segment have one lane, and so their order.
fn lane_of(customers: &Customers, organization: &str, line: &Imported) -> usize {
    usize::from(customers.id(&line.subject(organization)).as_bytes()[0])
}

fn read(line: &[u8], now: Timestamp) -> Read {
    if line.len() > MAX_LINE {
        return Err(ApiError::input(format!("a line may have {MAX_LINE} bytes")));
    }
    let line: ConsentImportLine = json::parse(line)?;
    Ok(imported(&line, now)?)
}

/// What a line asks for, or everything that is wrong with it.
fn imported(line: &ConsentImportLine, now: Timestamp) -> Result<Imported, Problems> {
    let mut problems = Problems::default();
    let evidence = &line.evidence;
    let customer_id = problems.take("customer_id", request::customer_id(&line.customer_id));
    let segment = problems.take("segment", request::segment(&line.segment));
    let sent = line.selections.iter().map(Selection::sent);
    let selections = request::selections("selections", sent, &mut problems);
    let actor_id = problems.take("evidence.actor_id", request::reference(&evidence.actor_id));
    let date = problems.take("evidence.capture_date", request::capture_date(&evidence.capture_date, now));
    let ip = optional("evidence.ip", &evidence.ip, request::ip, &mut problems);
    let sell_channel = optional("evidence.sell_channel", &evidence.sell_channel, request::sell_channel, &mut problems);
    let trace_id = optional("evidence.trace_id", &evidence.trace_id, request::reference, &mut problems);
    let origin = problems.take("source", request::name(&line.source, MAX_SOURCE));
    let (Some(customer_id), Some(segment), Some(actor_id)) = (customer_id, segment, actor_id) else { return Err(problems) };
    let (Some(date), Some(origin)) = (date, origin) else { return Err(problems) };
    if !problems.is_empty() {
        return Err(problems);
    }
    let segment = Segment::as_str(&segment).to_owned();
    Ok(Imported { customer_id, segment, selections, date, actor_id, ip, sell_channel, trace_id, origin })
}

/// A member that may be left out.
fn optional<T>(path: &str, value: &Value, read: impl Fn(&Value) -> Result<T, String>, problems: &mut Problems) -> Option<T> {
    if value.is_null() { None } else { problems.take(path, read(value)) }
}

fn count(customers: &Customers, organization: &str, recorded: &Result<Recorded, ApiError>) {
    let outcome = match recorded {
        Ok(_) => "recorded",
        Err(error) if error.status().is_server_error() => "failed",
        Err(_) => "refused",
    };
    customers.metrics().imported.with_label_values(&[organization, outcome]).inc();
}

fn encoded(line: u32, recorded: Result<Recorded, ApiError>) -> Vec<u8> {
    let result = match recorded {
        Ok(Recorded { id, superseded }) => ConsentImportResult { line, status: 201, id: Some(id), superseded, errors: None },
        Err(error) => {
            let error = error.of(Family::Consents);
            let (status, errors) = (error.status().as_u16(), Some(error.body().errors));
            ConsentImportResult { line, status, id: None, superseded: Vec::new(), errors }
        }
    };
    let mut bytes = serde_json::to_vec(&result).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// Puts answers, which come as they are ready, in the order of their lines. At most all of one import wait.
fn in_order(results: LocalBoxStream<'static, (usize, Vec<u8>)>, share: Share) -> LocalBoxStream<'static, Bytes> {
    let start = (results.ready_chunks(CHUNK), BTreeMap::new(), 0, share);
    stream::unfold(start, |(mut results, mut waiting, mut next, share)| async move {
        loop {
            let ready: Vec<(usize, Vec<u8>)> = results.next().await?;
            waiting.extend(ready);
            let mut out = Vec::new();
            while let Some(bytes) = waiting.remove(&next) {
                out.extend_from_slice(&bytes);
                next += 1;
            }
            if !out.is_empty() {
                return Some((Bytes::from(out), (results, waiting, next, share)));
            }
        }
    })
    .boxed_local()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_are_skipped_and_counted() {
        let found = lines(b"{}\r\n\n  \n[]\n");
        assert_eq!(found, [(1, b"{}".as_slice()), (4, b"[]".as_slice())]);
        assert_eq!(lines(&b"1\n".repeat(MAX_LINES + 5)).len(), MAX_LINES + 1);
        assert!(lines(b"\n\n").is_empty());
    }

    #[test]
    fn everything_that_is_wrong_with_a_line_is_told_at_once() {
        let now = "2026-11-26T12:00:00Z".parse().unwrap();
        let refused = read(br#"{"selections":[{"id":"C01","choice":9}],"evidence":{"ip":"x"}}"#, now).err().expect("a refusal");
        let details: Vec<String> = refused.body().errors.into_iter().map(|error| error.details).collect();
        for path in [
            "customer_id: ",
            "segment: ",
            "selections[0].choice: ",
            "evidence.actor_id: ",
            "evidence.capture_date: ",
            "evidence.ip: ",
            "source: ",
        ] {
            assert!(details.iter().any(|details| details.starts_with(path)), "{path}: {details:?}");
        }
        assert!(read(b"[1]", now).is_err() && read(b"nonsense", now).is_err());
        assert!(read(&vec![b' '; MAX_LINE + 1], now).is_err());
    }

    #[actix_web::test]
    async fn answers_come_in_the_order_of_their_lines() {
        let results = [(2, b"c".to_vec()), (0, b"a".to_vec()), (3, b"d".to_vec()), (1, b"b".to_vec())];
        let room = crate::room::Room::new(100);
        let ordered = in_order(stream::iter(results).boxed_local(), room.share("acme"));
        assert_eq!(ordered.collect::<Vec<_>>().await.concat(), b"abcd");
    }
}
