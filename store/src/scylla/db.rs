//! The session with the servers: profiles, bounds, measures, and what an error means.
//!
//! Three ways to run a statement, and no others:
//! * reads and plain writes are idempotent: the driver may repeat them, and a slow read is tried on a second node;
//! * conditional (LWT) statements are never repeated by the driver: whoever sent one must know which attempt it was;
//! * serial reads finish what a conditional statement left half done, and cost as much as one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use scylla::{
    client::{
        execution_profile::{ExecutionProfile, ExecutionProfileBuilder},
        session::{Session, TlsContext},
        session_builder::SessionBuilder,
    },
    deserialize::row::DeserializeRow,
    errors::{DbError, ExecutionError, NewSessionError, PrepareError, RequestAttemptError, UseKeyspaceError},
    frame::types::{Consistency, SerialConsistency},
    policies::{
        load_balancing::DefaultPolicy, retry::FallthroughRetryPolicy, speculative_execution::SimpleSpeculativeExecutionPolicy,
    },
    response::query_result::QueryResult,
    serialize::{batch::BatchValues, row::SerializeRow},
    statement::{batch::Batch, prepared::PreparedStatement},
};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{metrics::Metrics, options::Options};
use crate::Error;

/// An idempotent read that takes longer is also sent to another node.
const SPECULATE_AFTER: Duration = Duration::from_millis(150);

/// Between two signs of life on an idle connection, and the longest wait for one.
const KEEPALIVE: Duration = Duration::from_secs(4);

/// Between two looks at whether the servers agree on the schema.
const AGREEMENT_POLL: Duration = Duration::from_millis(50);

/// Names of statements that keep leases begin so. They are few, and wait for nobody.
const LEASES: &str = "lease_";

/// Callers that may wait for room, for each that has it.
const WAITING_PER_ROOM: usize = 4;

/// A prepared statement and the name by which it is measured.
pub(super) struct Statement {
    pub name: &'static str,
    pub prepared: PreparedStatement,
}

pub(super) struct Db {
    pub session: Session,
    pub metrics: Metrics,
    room: Semaphore,
    waiting: AtomicUsize,
    most_waiting: usize,
    pub timeout: Duration,
    serial: ExecutionProfile,
    writes: ExecutionProfile,
}

/// What became of a conditional statement.
pub(super) enum Conditional {
    Applied,
    /// The condition did not hold; the old value of the column `head`, where the table has one.
    NotApplied {
        head: Option<i64>,
    },
    /// A time-out, a broken connection: nobody can tell.
    Unknown(String),
}

/// How a statement is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    /// Sees every acknowledged write.
    Quorum,
    /// Sees, and finishes, also what a writer had to leave.
    Serial,
}

impl Db {
    /// Connects, to the keyspace if it is named.
    pub async fn connect(options: &Options, keyspace: Option<&str>, metrics: Metrics) -> Result<Self, Error> {
        let plain = profile(options, false).build();
        let serial = profile(options, true).consistency(Consistency::Serial).build();
        let mut builder = SessionBuilder::new()
            .known_nodes(&options.hosts)
            .connection_timeout(options.timeout)
            // A node that stands still must not hold those up who have others to ask.
            .keepalive_interval(KEEPALIVE)
            .keepalive_timeout(KEEPALIVE)
            .tls_context(tls(options)?)
            // The driver needs to know how our keyspace is replicated, and nothing of others. What a migration changes, a later
            // connection sees.
            .keyspaces_to_fetch([&options.keyspace])
            .refresh_metadata_on_auto_schema_agreement(false)
            .schema_agreement_interval(AGREEMENT_POLL)
            .default_execution_profile_handle(plain.into_handle());
        if let (Some(username), Some(password)) = (&options.username, &options.password) {
            builder = builder.user(username, password);
        }
        if let Some(keyspace) = keyspace {
            builder = builder.use_keyspace(keyspace, false);
        }
        let servers = format!("the database servers {}", options.hosts.join(", "));
        let connecting = tokio::time::timeout(options.timeout.saturating_mul(4), builder.build());
        let session =
            connecting.await.map_err(|_| Error::Unavailable(format!("{servers} do not answer")))?.map_err(
                |error| match error {
                    NewSessionError::UseKeyspaceError(UseKeyspaceError::RequestError(error)) if is_invalid(&error) => {
                        Error::Refused(format!(
                            "there is no keyspace {} on {servers}; `rubrica migrate` makes it",
                            options.keyspace
                        ))
                    }
                    error => Error::Unavailable(format!("{servers}: {error}")),
                },
            )?;
        let room = options.max_in_flight.clamp(1, Semaphore::MAX_PERMITS / WAITING_PER_ROOM);
        Ok(Self {
            session,
            metrics,
            room: Semaphore::new(room),
            waiting: AtomicUsize::new(0),
            most_waiting: room * WAITING_PER_ROOM,
            timeout: options.timeout,
            serial,
            writes: profile(options, true).build(),
        })
    }

    /// Prepares a statement that may be repeated.
    pub async fn idempotent(&self, name: &'static str, text: &str) -> Result<Statement, Error> {
        let mut statement = self.prepare(name, text).await?;
        statement.prepared.set_is_idempotent(true);
        if !text.starts_with("SELECT") {
            // Sent twice when it is slow, every write would double an overload.
            statement.prepared.set_execution_profile_handle(Some(self.writes.clone().into_handle()));
        }
        Ok(statement)
    }

    /// Prepares a conditional statement.
    pub async fn conditional(&self, name: &'static str, text: &str) -> Result<Statement, Error> {
        let mut statement = self.prepare(name, text).await?;
        statement.prepared.set_is_idempotent(false);
        statement.prepared.set_retry_policy(Some(Arc::new(FallthroughRetryPolicy)));
        Ok(statement)
    }

    /// [`Error::Refused`]: a table or a column is not there.
    async fn prepare(&self, name: &'static str, text: &str) -> Result<Statement, Error> {
        let mut prepared = self.session.prepare(text).await.map_err(|error| match error {
            PrepareError::AllAttemptsFailed { first_attempt } if is_invalid(&first_attempt) => {
                Error::Refused(format!("the schema of the store does not fit this program ({name}: {first_attempt})"))
            }
            error => Error::Unavailable(format!("{name}: {error}")),
        })?;
        // Cassandra does not tell when a table's columns have changed under a cached description of them.
        prepared.set_use_cached_result_metadata(false);
        Ok(Statement { name, prepared })
    }

    /// Rows of an idempotent read.
    pub async fn read<R>(&self, statement: &Statement, how: Read, values: impl SerializeRow) -> Result<Vec<R>, Error>
    where
        R: for<'frame, 'metadata> DeserializeRow<'frame, 'metadata>,
    {
        let result = match how {
            Read::Quorum => self.run(statement.name, self.session.execute_unpaged(&statement.prepared, values)).await,
            Read::Serial => {
                let mut serial = statement.prepared.clone();
                serial.set_execution_profile_handle(Some(self.serial.clone().into_handle()));
                self.run("serial_read", self.session.execute_unpaged(&serial, values)).await
            }
        };
        let result = result?.map_err(|error| unavailable(statement.name, &error))?;
        rows(statement.name, result)
    }

    /// A plain write that may be repeated. An error says nothing about whether it happened.
    pub async fn write(&self, statement: &Statement, values: impl SerializeRow) -> Result<(), Error> {
        let result = self.run(statement.name, self.session.execute_unpaged(&statement.prepared, values)).await?;
        result.map(drop).map_err(|error| unavailable(statement.name, &error))
    }

    /// A conditional statement.
    ///
    /// # Errors
    /// Nothing was written.
    pub async fn decide(&self, statement: &Statement, values: impl SerializeRow) -> Result<Conditional, Error> {
        let result = self.run(statement.name, self.session.execute_unpaged(&statement.prepared, values)).await?;
        self.decided(statement.name, result)
    }

    /// A conditional batch on one partition, its first statement conditional.
    ///
    /// # Errors
    /// Nothing was written.
    pub async fn decide_all(&self, name: &'static str, batch: &Batch, values: impl BatchValues) -> Result<Conditional, Error> {
        let result = self.run(name, self.session.batch(batch, values)).await?;
        self.decided(name, result)
    }

    fn decided(&self, name: &'static str, result: Result<QueryResult, ExecutionError>) -> Result<Conditional, Error> {
        let reason = match result.map(|result| is_applied(name, result)) {
            Ok(Ok(decided)) => return Ok(decided),
            // An answer that cannot be read says nothing.
            Ok(Err(error)) => error.to_string(),
            Err(error) if nothing_was_sent(&error) => return Err(unavailable(name, &error)),
            Err(error) => error.to_string(),
        };
        self.metrics.unknown.inc();
        Ok(Conditional::Unknown(reason))
    }

    /// Runs a request when there is room, and measures it.
    async fn run<T>(
        &self,
        name: &'static str,
        request: impl Future<Output = Result<T, ExecutionError>>,
    ) -> Result<Result<T, ExecutionError>, Error> {
        // A lease must not lapse because others wait: that would make an overload worse.
        let _room = if name.starts_with(LEASES) { None } else { Some(self.enter().await?) };
        let began = Instant::now();
        let _in_flight = self.metrics.in_flight();
        let result = request.await;
        self.metrics.statement(name, began.elapsed(), result.as_ref().err());
        Ok(result)
    }

    /// Waits for room, not longer than for a statement, and not where too many wait already.
    async fn enter(&self) -> Result<SemaphorePermit<'_>, Error> {
        if let Ok(permit) = self.room.try_acquire() {
            return Ok(permit);
        }
        let _waiting = Waiting::enter(&self.waiting, self.most_waiting)
            .ok_or_else(|| Error::Unavailable("too many statements wait for the store".into()))?;
        match tokio::time::timeout(self.timeout, self.room.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Error::Unavailable("the store has too much to do".into())),
        }
    }
}

struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn enter(count: &'a AtomicUsize, most: usize) -> Option<Self> {
        let before = count.fetch_add(1, Ordering::AcqRel);
        let waiting = Self(count);
        (before < most).then_some(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Quorum in all data centers: evidence must not depend on which one a node asked.
fn profile(options: &Options, once: bool) -> ExecutionProfileBuilder {
    let mut balancing = DefaultPolicy::builder().token_aware(true);
    if let Some(datacenter) = &options.datacenter {
        balancing = balancing.prefer_datacenter(datacenter.clone()).permit_dc_failover(true);
    }
    let builder = ExecutionProfile::builder()
        .consistency(Consistency::Quorum)
        // Never mixed with LOCAL_SERIAL: the two do not see each other.
        .serial_consistency(Some(SerialConsistency::Serial))
        .request_timeout(Some(options.timeout))
        .load_balancing_policy(balancing.build());
    if once {
        return builder;
    }
    let speculation = SimpleSpeculativeExecutionPolicy { max_retry_count: 1, retry_interval: SPECULATE_AFTER };
    builder.speculative_execution_policy(Some(Arc::new(speculation)))
}

fn tls(options: &Options) -> Result<Option<TlsContext>, Error> {
    let Some(path) = &options.ca else { return Ok(None) };
    let refused =
        |error: &dyn std::fmt::Display| Error::Refused(format!("the authority of the database, {}: {error}", path.display()));
    let mut roots = rustls::RootCertStore::empty();
    let certificates = <rustls::pki_types::CertificateDer as rustls::pki_types::pem::PemObject>::pem_file_iter(path);
    for certificate in certificates.map_err(|error| refused(&error))? {
        let certificate = certificate.map_err(|error| refused(&error))?;
        roots.add(certificate).map_err(|error| refused(&error))?;
    }
    if roots.is_empty() {
        return Err(refused(&"it holds no certificate"));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| refused(&error))?.with_root_certificates(roots).with_no_client_auth();
    Ok(Some(TlsContext::Rustls023(Arc::new(config))))
}

/// Rows as values. An empty answer of a statement that gives rows has none.
fn rows<R>(name: &'static str, result: QueryResult) -> Result<Vec<R>, Error>
where
    R: for<'frame, 'metadata> DeserializeRow<'frame, 'metadata>,
{
    let unreadable = |error: &dyn std::fmt::Display| Error::Corrupt(format!("an answer to {name}: {error}"));
    let result = result.into_rows_result().map_err(|error| unreadable(&error))?;
    let rows = result.rows::<R>().map_err(|error| unreadable(&error))?;
    rows.collect::<Result<_, _>>().map_err(|error| unreadable(&error))
}

/// Reads `[applied]` by its name: ScyllaDB answers with a row for each condition and its old values, Cassandra with one, and
/// with the old values only where a condition did not hold.
fn is_applied(name: &'static str, result: QueryResult) -> Result<Conditional, Error> {
    use scylla::value::{CqlValue, Row};
    let unreadable = |error: &dyn std::fmt::Display| Error::Corrupt(format!("an answer to {name}: {error}"));
    let rows = result.into_rows_result().map_err(|error| unreadable(&error))?;
    let place = |column: &str| rows.column_specs().get_by_name(column).map(|(place, _)| place);
    let (applied, head) = (place("[applied]"), place("head"));
    let first: Row = rows.first_row().map_err(|error| unreadable(&error))?;
    let value = |place: Option<usize>| place.and_then(|place| first.columns.get(place)?.as_ref());
    match value(applied) {
        Some(CqlValue::Boolean(true)) => Ok(Conditional::Applied),
        Some(CqlValue::Boolean(false)) => Ok(Conditional::NotApplied { head: value(head).and_then(CqlValue::as_bigint) }),
        _ => Err(unreadable(&"it does not say whether it was applied")),
    }
}

/// Whether a conditional statement that failed cannot have been seen by any server. Everything else may have been carried out, in
/// part or later: also `Unavailable` and `Overloaded`, which can befall the last phase of a Paxos round.
fn nothing_was_sent(error: &ExecutionError) -> bool {
    match error {
        ExecutionError::BadQuery(_)
        | ExecutionError::EmptyPlan
        | ExecutionError::PrepareError(_)
        | ExecutionError::ConnectionPoolError(_) => true,
        ExecutionError::LastAttemptError(error) => matches!(
            error,
            RequestAttemptError::SerializationError(_)
                | RequestAttemptError::CqlRequestSerialization(_)
                | RequestAttemptError::UnableToAllocStreamId
                | RequestAttemptError::DbError(
                    DbError::SyntaxError
                        | DbError::Invalid
                        | DbError::Unauthorized
                        | DbError::AuthenticationError
                        | DbError::ConfigError
                        | DbError::IsBootstrapping
                        | DbError::Unprepared { .. }
                        | DbError::RateLimitReached { .. },
                    _
                )
        ),
        _ => false,
    }
}

/// Whether the server says that what a statement names is not there.
fn is_invalid(error: &RequestAttemptError) -> bool {
    matches!(error, RequestAttemptError::DbError(DbError::Invalid, _))
}

/// The driver's errors say what failed and where, never the values of a statement.
pub(super) fn unavailable(name: &'static str, error: &ExecutionError) -> Error {
    Error::Unavailable(format!("{name}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_wait_than_there_is_room_for_and_who_leaves_makes_room() {
        let count = AtomicUsize::new(0);
        let waiting: Vec<_> = (0..3).filter_map(|_| Waiting::enter(&count, 2)).collect();
        assert_eq!(waiting.len(), 2, "the third is refused");
        assert_eq!(count.load(Ordering::Acquire), 2, "who was refused does not count");
        drop(waiting);
        assert_eq!(count.load(Ordering::Acquire), 0);
        assert!(Waiting::enter(&count, 2).is_some());
    }

    #[test]
    fn only_what_no_server_can_have_seen_wrote_nothing() {
        let timeout = ExecutionError::RequestTimeout(Duration::from_secs(5));
        let unavailable = DbError::Unavailable { consistency: Consistency::Quorum, required: 2, alive: 1 };
        let unavailable = ExecutionError::LastAttemptError(RequestAttemptError::DbError(unavailable, String::new()));
        let overloaded = ExecutionError::LastAttemptError(RequestAttemptError::DbError(DbError::Overloaded, String::new()));
        for may_have_written in [timeout, unavailable, overloaded] {
            assert!(!nothing_was_sent(&may_have_written), "{may_have_written}");
        }
        let invalid = ExecutionError::LastAttemptError(RequestAttemptError::DbError(DbError::Invalid, String::new()));
        for surely_not in [ExecutionError::EmptyPlan, invalid] {
            assert!(nothing_was_sent(&surely_not), "{surely_not}");
        }
    }
}
