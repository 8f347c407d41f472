//! C2: what needs attention, and how things go, as far as it can be told from the newest processes and what this server knows.

use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Days, TimeDelta, Utc};
use pages::console::{self, Attention, Chart, Column, Count, NavPart, Phrase, Status, Trouble};
use workflows::sign_process::{self, Data};

use super::{
    certificates,
    processes::{Filter, Seen, look, status},
    quarantine,
    visit::{Failure, Visit},
};

/// How many processes are counted at most.
const MAX_COUNTED: usize = 2_000;

/// How many are read at once.
const STEP: usize = 500;

/// Days of the chart.
const DAYS: u64 = 30;

/// What ends so soon is told.
const SOON: TimeDelta = TimeDelta::hours(48);

/// Sealing takes seconds; what takes longer is tried again and again.
const SEALING_TIME: TimeDelta = TimeDelta::minutes(15);

/// The newest processes, back to a day or a bound.
struct Newest {
    seen: Vec<Seen>,
    /// There are more within the days.
    is_cut: bool,
}

async fn newest(visit: &Visit, since: DateTime<Utc>) -> Result<Newest, Failure> {
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let (more, next) = look(visit, &Filter::default(), after.as_ref(), STEP).await?;
        seen.extend(more);
        let is_past = seen.last().is_none_or(|last: &Seen| last.created_at < since);
        match next {
            Some(_) if seen.len() >= MAX_COUNTED && !is_past => return Ok(Newest { seen, is_cut: true }),
            Some(next) if !is_past => after = Some(next),
            // What is older may still expire soon: processes live for 30 days, as the chart.
            _ => return Ok(Newest { seen, is_cut: false }),
        }
    }
}

/// The first page of an organization.
pub async fn page(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Overview), async |visit| {
        let now = visit.process_time();
        let since = (now.date_naive() - Days::new(DAYS - 1)).and_time(chrono::NaiveTime::MIN).and_utc();
        let Newest { seen, is_cut } = newest(visit, since).await?;
        let known: Vec<(&Seen, &Data)> = seen.iter().filter_map(|seen| Some((seen, seen.known.as_ref().ok()?.data()?))).collect();
        let page = console::Overview {
            frame: visit.frame(),
            attention: attention(visit, &known, now).await?,
            today: today(visit, &known, now),
            chart: chart(&known, since),
            partial: is_cut.then(|| Phrase::new("console.overview.partial").with("count", seen.len())),
            first: seen.is_empty().then(|| first(visit)),
        };
        Ok(visit.page(page.html()))
    })
    .await
}

async fn attention(visit: &Visit, known: &[(&Seen, &Data)], now: DateTime<Utc>) -> Result<Vec<Attention>, Failure> {
    let list = |status: Status| Some(format!("{}/processes?status={}", visit.here().path, status.name()));
    let count = |is: &dyn Fn(&Data) -> bool| known.iter().filter(|(_, data)| is(data)).count();
    let counted = |key, count: usize, link, is_grave| {
        (count > 0).then(|| Attention { words: Phrase::new(key).with("count", count), link, is_grave })
    };
    let is = |data: &Data, wanted: sign_process::Status| data.status == wanted;
    let sealing = count(&|data| is(data, sign_process::Status::Signed) && now - data.modified_at > SEALING_TIME);
    let failed = count(&|data| is(data, sign_process::Status::Failed) && now - data.modified_at < TimeDelta::days(1));
    let expiring = count(&|data| is(data, sign_process::Status::Created) && data.creation.expires_at - now < SOON);
    let items = [
        certificate(visit).await?,
        effects(visit, Trouble::GivenUp, "console.overview.given_up").await?,
        effects(visit, Trouble::Retrying, "console.overview.retrying").await?,
        effects(visit, Trouble::Paused, "console.overview.paused").await?,
        counted("console.overview.quarantined", quarantine::count(visit), Some(quarantine::address(visit)), true),
        counted("console.overview.sealing", sealing, list(Status::Signed), true),
        counted("console.overview.failed", failed, list(Status::Failed), true),
        counted("console.overview.expiring", expiring, list(Status::Created), false),
    ];
    Ok(items.into_iter().flatten().collect())
}

/// What there is to say of effects that did not end well.
async fn effects(visit: &Visit, trouble: Trouble, key: &'static str) -> Result<Option<Attention>, Failure> {
    let (count, more) = super::effects::count(visit, trouble).await?;
    let number = if more { format!("{count}+") } else { count.to_string() };
    let link = Some(format!("{}/effects?trouble={}", visit.here().path, trouble.name()));
    let words = Phrase::new(key).with("count", number);
    Ok((count > 0).then_some(Attention { words, link, is_grave: trouble == Trouble::GivenUp }))
}

/// What there is to say of the certificate that seals.
async fn certificate(visit: &Visit) -> Result<Option<Attention>, Failure> {
    let configuration = visit.call.state().configurations.load(&visit.organization).await.map_err(|error| {
        tracing::warn!(%error, "the console has no answer of the sign configuration");
        Failure::Unavailable
    })?;
    let Some(configuration) = configuration else {
        return Ok(Some(Attention { words: Phrase::new("console.overview.no_configuration"), link: None, is_grave: true }));
    };
    let (ends, now) = (configuration.certificate.expiration_date, visit.call.now());
    if ends - now >= certificates::ENDS_SOON {
        return Ok(None);
    }
    let is_over = ends <= now;
    let key = if is_over { "console.overview.certificate_over" } else { "console.overview.certificate_ends" };
    let words = Phrase::new(key).with("day", ends.format("%Y-%m-%d"));
    Ok(Some(Attention { words, link: Some(certificates::address(visit)), is_grave: is_over }))
}

fn today(visit: &Visit, known: &[(&Seen, &Data)], now: DateTime<Utc>) -> Vec<Count> {
    let count = |wanted: Status| Count {
        status: wanted,
        count: known
            .iter()
            .filter(|(seen, data)| now - seen.created_at < TimeDelta::days(1) && status(data.status) == wanted)
            .count(),
        link: format!("{}/processes?status={}", visit.here().path, wanted.name()),
    };
    Status::ALL.map(count).into()
}

fn chart(known: &[(&Seen, &Data)], since: DateTime<Utc>) -> Chart {
    let first = since.date_naive();
    let mut columns: Vec<Column> =
        (0..DAYS).map(|day| Column { day: (first + Days::new(day)).to_string(), counts: [0; 6] }).collect();
    for (seen, data) in known {
        let day = (seen.created_at.date_naive() - first).num_days();
        let column = usize::try_from(day).ok().and_then(|day| columns.get_mut(day));
        let place = Status::ALL.iter().position(|own| *own == status(data.status));
        if let (Some(column), Some(place)) = (column, place) {
            column.counts[place] += 1;
        }
    }
    let largest = columns.iter().map(|column| column.counts.iter().sum()).max().unwrap_or(0).max(1);
    Chart { columns, largest }
}

/// How a first process is made.
fn first(visit: &Visit) -> Vec<String> {
    let base = &visit.call.state().options.public_base_url;
    vec![format!("rubrica demo --server {base} --data <data folder>"), format!("{base}/docs")]
}
