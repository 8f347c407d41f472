//! Bringing a keyspace up to date: numbered additive files, one migrating node at a time, schema agreement awaited.

use std::time::Duration;

use scylla::{
    errors::{DbError, ExecutionError, RequestAttemptError},
    statement::unprepared::Statement as Unprepared,
};
use uuid::Uuid;

use super::{
    db::{Conditional, Db, Read},
    metrics::Metrics,
    options::Options,
};
use crate::Error;

/// Additive migrations in order. An entry here is never changed.
const MIGRATIONS: &[(&str, &str)] = &[
    ("journals and records", include_str!("../../../schema/cql/0001_journals_and_records.cql")),
    ("keys and listings", include_str!("../../../schema/cql/0002_keys_and_listings.cql")),
    ("marks", include_str!("../../../schema/cql/0003_marks.cql")),
];

/// How long a node that died while it migrated keeps others from it, in seconds. Renewed before each change, which takes less: 30 s, and
/// the 60 s that the driver waits for agreement.
const LOCK_SECONDS: i32 = 120;

/// Between two tries to get the lock.
const LOCK_POLL: Duration = Duration::from_millis(500);

/// Tries until the lock of a dead node must have expired.
const LOCK_POLLS: u32 = 2 * LOCK_SECONDS as u32 * 2;

/// Between two tries to use a keyspace that is being made, and how many there are: 5 s in all.
const KEYSPACE_POLL: Duration = Duration::from_millis(100);
const KEYSPACE_TRIES: u32 = 50;

/// Tries to have all servers agree on the schema; each waits as long as the driver does.
const AGREEMENT_TRIES: u32 = 3;

/// What a migration did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// Whether the keyspace was made.
    pub created: bool,
    /// Names of the migrations that were carried out.
    pub applied: Vec<&'static str>,
}

/// Makes the keyspace if it is not there, and carries out the migrations that it has not seen. Safe to run again and by several
/// nodes at once: one does the work, the others wait for it.
///
/// # Errors
/// [`Error::Unavailable`] when the cluster does not answer or does not come to agree; running it again goes on where it ended.
pub async fn migrate(options: &Options) -> Result<Migrated, Error> {
    let plain = Db::connect(options, None, Metrics::new(&prometheus::Registry::new())?).await?;
    let created = create_keyspace(&plain, options).await?;
    let db = connect(options).await?;
    // What the lock itself needs. Several may create these at once; the text is the same, and agreement is awaited before they are used.
    change(&db, "CREATE TABLE IF NOT EXISTS migration_lock (part tinyint PRIMARY KEY, owner uuid)").await?;
    change(&db, "CREATE TABLE IF NOT EXISTS migration (part tinyint, number int, name text, PRIMARY KEY ((part), number))")
        .await?;
    if seen(&db).await? >= MIGRATIONS.len() {
        return Ok(Migrated { created, applied: Vec::new() });
    }
    let owner = Uuid::new_v4();
    lock(&db, owner).await?;
    let applied = apply(&db, owner, &options.keyspace).await;
    let unlock = db.conditional("migration_unlock", "DELETE FROM migration_lock WHERE part = 0 IF owner = ?").await?;
    if let Err(error) = db.decide(&unlock, (owner,)).await {
        // It expires by itself.
        tracing::warn!(%error, "the lock of the migrations could not be given back");
    }
    Ok(Migrated { created, applied: applied? })
}

/// Connects to the keyspace. Where another node has made it a moment ago, it is listed before it can be used.
async fn connect(options: &Options) -> Result<Db, Error> {
    let mut tries = 0;
    loop {
        tries += 1;
        match Db::connect(options, Some(&options.keyspace), Metrics::new(&prometheus::Registry::new())?).await {
            Err(Error::Refused(reason)) if tries < KEYSPACE_TRIES => {
                tracing::debug!(reason, "the keyspace cannot be used yet");
                tokio::time::sleep(KEYSPACE_POLL).await;
            }
            connected => return connected,
        }
    }
}

/// Whether the schema has seen every migration that this program has.
///
/// # Errors
/// [`Error::Refused`] when there is no schema or an older one.
pub(super) async fn check(db: &Db) -> Result<(), Error> {
    match seen(db).await {
        Ok(seen) if seen >= MIGRATIONS.len() => Ok(()),
        Ok(seen) => Err(Error::Refused(format!(
            "the schema of the store has {seen} of {} migrations; `rubrica migrate` brings it up to date",
            MIGRATIONS.len()
        ))),
        Err(Error::Refused(_)) => Err(Error::Refused("the store has no schema yet; `rubrica migrate` makes it".into())),
        Err(error) => Err(error),
    }
}

/// How many migrations the keyspace has seen.
async fn seen(db: &Db) -> Result<usize, Error> {
    let numbers = db.idempotent("migrations", "SELECT number FROM migration WHERE part = 0").await?;
    let numbers: Vec<(i32,)> = db.read(&numbers, Read::Quorum, ()).await?;
    Ok(numbers.iter().map(|(number,)| usize::try_from(*number).unwrap_or(0)).max().unwrap_or(0))
}

async fn create_keyspace(db: &Db, options: &Options) -> Result<bool, Error> {
    let find = db.idempotent("keyspace", "SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = ?").await?;
    if !db.read::<(String,)>(&find, Read::Quorum, (&options.keyspace,)).await?.is_empty() {
        return Ok(false);
    }
    let replication = options.replication;
    let strategy = match &options.datacenter {
        Some(name) => format!("{{'class': 'NetworkTopologyStrategy', '{name}': {replication}}}"),
        None => format!("{{'class': 'NetworkTopologyStrategy', 'replication_factor': {replication}}}"),
    };
    let keyspace = &options.keyspace;
    change(db, &format!("CREATE KEYSPACE IF NOT EXISTS {keyspace} WITH replication = {strategy}")).await?;
    Ok(true)
}

/// Waits until no other node migrates.
async fn lock(db: &Db, owner: Uuid) -> Result<(), Error> {
    let text = format!("INSERT INTO migration_lock (part, owner) VALUES (0, ?) IF NOT EXISTS USING TTL {LOCK_SECONDS}");
    let lock = db.conditional("migration_lock", &text).await?;
    let holder = db.idempotent("migration_holder", "SELECT owner FROM migration_lock WHERE part = 0").await?;
    for _ in 0..LOCK_POLLS {
        match db.decide(&lock, (owner,)).await? {
            Conditional::Applied => return Ok(()),
            Conditional::Unknown(reason) => tracing::warn!(reason, "whether the migrations are ours is not known; asking again"),
            // An earlier try whose end was not known may have been applied.
            Conditional::NotApplied { .. }
                if db.read(&holder, Read::Serial, ()).await.is_ok_and(|rows: Vec<(Uuid,)>| rows.contains(&(owner,))) =>
            {
                return Ok(());
            }
            Conditional::NotApplied { .. } => {}
        }
        tokio::time::sleep(LOCK_POLL).await;
    }
    Err(Error::Unavailable(
        "another `rubrica migrate`, or a server that starts, has held the lock of the migrations for too long".into(),
    ))
}

async fn apply(db: &Db, owner: Uuid, keyspace: &str) -> Result<Vec<&'static str>, Error> {
    let text = format!("UPDATE migration_lock USING TTL {LOCK_SECONDS} SET owner = ? WHERE part = 0 IF owner = ?");
    let hold = db.conditional("migration_hold", &text).await?;
    let note = db.idempotent("migration_note", "INSERT INTO migration (part, number, name) VALUES (0, ?, ?)").await?;
    let columns = "SELECT column_name FROM system_schema.columns WHERE keyspace_name = ? AND table_name = ? AND column_name = ?";
    let columns = db.idempotent("migration_columns", columns).await?;
    let mut applied = Vec::new();
    for (number, (name, text)) in (1_i32..).zip(MIGRATIONS).skip(seen(db).await?) {
        for statement in statements(text) {
            let Conditional::Applied = db.decide(&hold, (owner, owner)).await? else {
                return Err(Error::Unavailable("the lock of the migrations was lost; run it again".into()));
            };
            // Of an earlier run that did not come to its end. Not every server knows "ADD IF NOT EXISTS".
            if let Some((table, column)) = added_column(&statement)
                && !db.read::<(String,)>(&columns, Read::Quorum, (keyspace, table, column)).await?.is_empty()
            {
                continue;
            }
            change(db, &statement).await?;
        }
        agree(db).await?;
        db.write(&note, (number, name)).await?;
        applied.push(*name);
    }
    Ok(applied)
}

/// One change of the schema. The driver waits for agreement after each.
async fn change(db: &Db, text: &str) -> Result<(), Error> {
    let mut statement = Unprepared::new(text);
    // Schema changes take their time, above all on a cluster under load.
    statement.set_request_timeout(Some(Duration::from_secs(30)));
    let changed = db.session.query_unpaged(statement, ()).await;
    changed.map(drop).map_err(|error| match error {
        ExecutionError::LastAttemptError(RequestAttemptError::DbError(DbError::Unauthorized, said)) => {
            Error::Refused(format!("the user of the database may not change the schema: {said}"))
        }
        error => super::db::unavailable("schema", &error),
    })
}

async fn agree(db: &Db) -> Result<(), Error> {
    let mut last = String::new();
    for _ in 0..AGREEMENT_TRIES {
        match db.session.await_schema_agreement().await {
            Ok(_) => return Ok(()),
            Err(error) => last = error.to_string(),
        }
    }
    Err(Error::Unavailable(format!("the servers do not agree on the schema: {last}")))
}

/// The statements of a file: comments away, parted by semicolons. No statement of ours has either within quotes.
fn statements(text: &str) -> Vec<String> {
    let code: Vec<&str> = text.lines().map(|line| line.split("--").next().unwrap_or_default()).collect();
    code.join("\n").split(';').map(|statement| statement.trim().to_owned()).filter(|statement| !statement.is_empty()).collect()
}

/// Table and name of the column that a statement adds.
fn added_column(statement: &str) -> Option<(&str, &str)> {
    let mut words = statement.strip_prefix("ALTER TABLE ")?.split_whitespace();
    let (table, added, column) = (words.next()?, words.next()?, words.next()?);
    (added == "ADD").then_some((table, column))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_that_was_added_is_known_by_its_name() {
        assert_eq!(added_column("ALTER TABLE entity ADD key blob static"), Some(("entity", "key")));
        assert_eq!(added_column("ALTER TABLE entity WITH gc_grace_seconds = 1"), None);
        assert_eq!(added_column("CREATE TABLE IF NOT EXISTS node (part tinyint)"), None);
        for statement in MIGRATIONS.iter().flat_map(|(_, text)| statements(text)) {
            assert!(statement.starts_with("CREATE") || added_column(&statement).is_some(), "cannot be run again: {statement}");
        }
    }

    #[test]
    fn a_file_is_parted_into_additive_statements() {
        for (name, text) in MIGRATIONS {
            let statements = statements(text);
            assert!(!statements.is_empty(), "{name}");
            for statement in statements {
                let additive = ["CREATE TABLE IF NOT EXISTS ", "ALTER TABLE "].iter().any(|start| statement.starts_with(start));
                assert!(additive && !statement.contains("--"), "{name}: {statement}");
            }
        }
    }
}
