//! C13: the certificates that the organizations of a session seal with and encrypt for, by their ends. What is known here: nobody is asked.

use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt, stream};
use pages::console::{self, Ending, NavPart, Phrase};

use super::visit::{Failure, Visit};
use crate::{catalogue::sign_configuration, handwriting};

/// How long before its end somebody has to act.
pub const ENDS_SOON: TimeDelta = TimeDelta::days(30);

/// Organizations that are shown: more than a session has, by far.
const MAX_ORGANIZATIONS: usize = 200;

/// Configurations that are read at once.
const READ_AT_ONCE: usize = 8;

/// A certificate, whoever it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    organization: String,
    /// What it is for, as a key.
    usage: &'static str,
    subject: String,
    issuer: String,
    serial: String,
    ends: DateTime<Utc>,
    told: Option<String>,
    /// When it last sealed, of one that seals; `None` within: it never did.
    sealed: Option<Option<DateTime<Utc>>>,
}

/// What is known of one organization's certificates, or why there is nothing.
type Read = (Vec<Known>, Option<(String, Phrase)>);

/// Where the list is.
pub fn address(visit: &Visit) -> String {
    format!("{}/certificates", visit.here().path)
}

/// The list.
pub async fn page(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Certificates), async |visit| {
        let organizations = &visit.session.organizations;
        let reads = organizations.iter().take(MAX_ORGANIZATIONS).map(|organization| read(visit, organization));
        let reads: Vec<Result<Read, Failure>> = stream::iter(reads).buffered(READ_AT_ONCE).collect().await;
        let (mut known, mut missing) = (Vec::new(), Vec::new());
        for read in reads {
            let (certificates, why) = read?;
            known.extend(certificates);
            missing.extend(why);
        }
        known.sort_by(|one, other| {
            (one.ends, &one.organization, &one.subject).cmp(&(other.ends, &other.organization, &other.subject))
        });
        let now = visit.call.now();
        let partial = || Phrase::new("console.certificates.partial").with("count", MAX_ORGANIZATIONS);
        let page = console::Certificates {
            frame: visit.frame(),
            rows: known.into_iter().map(|known| row(visit, known, now)).collect(),
            missing,
            partial: (organizations.len() > MAX_ORGANIZATIONS).then(partial),
        };
        Ok(visit.page(page.html()))
    })
    .await
}

fn row(visit: &Visit, known: Known, now: DateTime<Utc>) -> console::Certificate {
    let (tone, left) = left(known.ends, now);
    console::Certificate {
        organization: known.organization,
        usage: known.usage,
        subject: known.subject,
        issuer: known.issuer,
        serial: known.serial,
        ends: visit.site().minute(&visit.organization, known.ends),
        left,
        tone,
        sealed: known.sealed.map(|at| at.map(|at| visit.site().minute(&visit.organization, at))),
        told: known.told,
    }
}

/// How long it is to an end, in whole days.
fn left(ends: DateTime<Utc>, now: DateTime<Utc>) -> (Ending, Phrase) {
    let words = |key, days: i64| Phrase::new(key).with("days", days);
    match ends - now {
        over if over <= TimeDelta::zero() => (Ending::Over, words("console.certificates.over", -over.num_days())),
        soon if soon < ENDS_SOON => (Ending::Soon, words("console.certificates.soon", soon.num_days())),
        later => (Ending::Later, words("console.certificates.days", later.num_days())),
    }
}

async fn read(visit: &Visit, organization: &str) -> Result<Read, Failure> {
    let (configurations, now) = (&visit.call.state().configurations, visit.call.now());
    let name = visit.site().tenants.name(organization);
    let configuration = configurations.load(organization).await.map_err(unavailable)?;
    let Some(configuration) = configuration else {
        return Ok((Vec::new(), Some((name, Phrase::new("console.certificates.no_configuration")))));
    };
    let known = |usage, subject, issuer, serial, ends| Known {
        organization: name.clone(),
        usage,
        subject,
        issuer,
        serial,
        ends,
        told: None,
        sealed: None,
    };
    let (mut certificates, mut missing) = (Vec::new(), None);
    match configurations.identity(organization, now).await {
        Ok(identity) => {
            let of = |usage, facts: ::documents::pkcs12::Facts| {
                known(usage, facts.subject, facts.issuer, facts.serial, facts.not_after)
            };
            let told = Some(configuration.notification_email.clone());
            let facts = identity.facts();
            let sealed = Some(configurations.seals().last(organization, &facts).await?);
            certificates.push(Known { told, sealed, ..of("console.certificates.seals", facts) });
            certificates.extend(identity.issuers().map(|facts| of("console.certificates.issues", facts)));
        }
        // What the configuration says of it is all that is known then.
        Err(error @ (sign_configuration::Error::NotValid(_) | sign_configuration::Error::Unusable(_))) => {
            let facts = &configuration.certificate;
            let subject = facts.common_name.clone().or_else(|| facts.organization.clone()).unwrap_or_else(|| "–".into());
            let told = Some(configuration.notification_email.clone());
            let (issuer, ends) = (facts.issuer.clone(), facts.expiration_date);
            certificates.push(Known { told, ..known("console.certificates.seals", subject, issuer, String::new(), ends) });
            let key = match error {
                sign_configuration::Error::NotValid(_) => "console.certificates.not_valid",
                _ => {
                    tracing::warn!(organization, %error, "a certificate that the console shows cannot be opened");
                    "console.certificates.unusable"
                }
            };
            missing = Some((name.clone(), Phrase::new(key)));
        }
        Err(error) => return Err(unavailable(error)),
    }
    match visit.engine().handwritings.terms(&configuration) {
        Ok(terms) => certificates.extend(terms.recipients.iter().map(|recipient| {
            let facts = recipient.facts().clone();
            known("console.certificates.escrow", facts.subject, facts.issuer, facts.serial, facts.not_after)
        })),
        // It takes no signatures by hand.
        Err(handwriting::Error::NoEscrow) => {}
        Err(error) => {
            tracing::warn!(organization, %error, "escrow certificates that the console shows cannot be read");
            missing = missing.or(Some((name.clone(), Phrase::new("console.certificates.escrow_unusable"))));
        }
    }
    Ok((certificates, missing))
}

fn unavailable(error: sign_configuration::Error) -> Failure {
    tracing::warn!(%error, "the console has no answer of the sign configuration");
    Failure::Unavailable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn below_thirty_days_somebody_has_to_act() {
        let now = DateTime::UNIX_EPOCH;
        let of = |off: TimeDelta| {
            let (tone, words) = left(now + off, now);
            (tone, words.key(), words.say(::pages::texts::Language::English))
        };
        for (off, tone, key, number) in [
            (TimeDelta::days(30), Ending::Later, "console.certificates.days", "30"),
            (TimeDelta::days(30) - TimeDelta::seconds(1), Ending::Soon, "console.certificates.soon", "29"),
            (TimeDelta::seconds(1), Ending::Soon, "console.certificates.soon", "0"),
            (TimeDelta::zero(), Ending::Over, "console.certificates.over", "0"),
            (-TimeDelta::hours(49), Ending::Over, "console.certificates.over", "2"),
        ] {
            let (own, words, said) = of(off);
            assert_eq!((own, words), (tone, key), "{off}");
            assert!(said.contains(number), "{off}: {said}");
        }
    }
}
