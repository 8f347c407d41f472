//! The filters of readings: parameters of the query, each told apart when it is wrong.

use workflows::consents::{Choice, Format};

use super::{CHOICE, CONSENT_IDS, CUSTOMERS_OR_LEADS, DISPLAY_FORMAT, VIEW};
use crate::catalogue::consents::{ConsentId, UsersType};
use crate::http::error::ApiError;
use crate::http::query::Query;

/// Maximum number of values of a filter: more than a tree has of anything.
const MAX_VALUES: usize = 1000;

/// The views that are asked for; `None` where none is. Whether the tree has them is decided with the tree.
///
/// # Errors
/// 400 for too many.
pub fn views(query: &Query) -> Result<Option<Vec<String>>, ApiError> {
    let views = bounded(VIEW.name, query.texts(VIEW.name).map(std::borrow::Cow::into_owned))?;
    Ok(Some(views).filter(|views| !views.is_empty()))
}

/// How long the texts are to be.
///
/// # Errors
/// 400 for anything but the two names.
pub fn format(query: &Query) -> Result<Format, ApiError> {
    match query.text(DISPLAY_FORMAT.name)?.as_deref() {
        None | Some("NORMAL") => Ok(Format::Normal),
        Some("SHORT") => Ok(Format::Short),
        Some(_) => Err(ApiError::parameter("display_format: expected SHORT or NORMAL")),
    }
}

/// The consents that are asked for; an empty value is as none (note filter-edges). What can be no id is the id of nothing, and is skipped as those
/// are that the tree does not hold.
///
/// # Errors
/// 400 for too many.
pub fn consent_ids(query: &Query) -> Result<Option<Vec<ConsentId>>, ApiError> {
    let texts = query.texts(CONSENT_IDS.name);
    let texts = texts.flat_map(|list| list.split(',').map(str::trim).map(str::to_owned).collect::<Vec<_>>());
    let sent = bounded(CONSENT_IDS.name, texts.filter(|text| !text.is_empty()))?;
    let ids = || sent.iter().filter_map(|text| ConsentId::new(text).ok()).collect();
    Ok((!sent.is_empty()).then(ids))
}

/// The choices that are asked for (note choice-query-example).
///
/// # Errors
/// 400 for an empty value and for any but the names.
pub fn choices(query: &Query) -> Result<Option<Vec<Choice>>, ApiError> {
    let texts = query.texts(CHOICE.name);
    let texts = texts.flat_map(|list| list.split(',').map(str::trim).map(str::to_owned).collect::<Vec<_>>());
    let sent = bounded(CHOICE.name, texts)?;
    let choice = |text: &String| Choice::named(text.strip_prefix("choice=").unwrap_or(text));
    let choices: Option<Vec<Choice>> = sent.iter().map(choice).collect();
    let choices = choices.ok_or_else(|| ApiError::parameter("choice: expected PENDING, REJECTED or ACCEPTED"))?;
    Ok(Some(choices).filter(|choices| !choices.is_empty()))
}

/// The kind of users whose tree applies; customers where nobody says (note leads: an addition).
///
/// # Errors
/// 400 for anything but the two names.
pub fn users_type(query: &Query) -> Result<UsersType, ApiError> {
    match query.text(CUSTOMERS_OR_LEADS.name)? {
        None => Ok(UsersType::Customers),
        Some(name) => {
            UsersType::named(&name).map_err(|expected| ApiError::parameter(format!("{}: {expected}", CUSTOMERS_OR_LEADS.name)))
        }
    }
}

fn bounded(name: &str, values: impl Iterator<Item = String>) -> Result<Vec<String>, ApiError> {
    let values: Vec<String> = values.take(MAX_VALUES + 1).collect();
    if values.len() > MAX_VALUES {
        return Err(ApiError::parameter(format!("{name}: at most {MAX_VALUES} values can be sent")));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn query(text: &str) -> Query {
        Query::of(&TestRequest::with_uri(&format!("/?{text}")).to_http_request())
    }

    #[test]
    fn choices_are_repeated_separated_or_carry_their_own_name() {
        let read = |text| choices(&query(text)).map_err(|error| error.status().as_u16());
        assert_eq!(read(""), Ok(None));
        let both = Some(vec![Choice::Pending, Choice::Accepted]);
        for text in ["choice=PENDING&choice=ACCEPTED", "choice=PENDING,ACCEPTED", "choice=choice%3DPENDING&choice=ACCEPTED"] {
            assert_eq!(read(text), Ok(both.clone()), "{text}");
        }
        for text in ["choice=", "choice=PENDING,", "choice=pending", "choice=0", "choice=choice%3D"] {
            assert_eq!(read(text), Err(400), "{text}");
        }
    }

    #[test]
    fn ids_are_normalised_and_an_empty_list_is_none() {
        let read = |text| consent_ids(&query(text)).map_err(|error| error.status().as_u16());
        let ids = |ids: &[&str]| Ok(Some(ids.iter().map(|id| ConsentId::new(id).unwrap()).collect::<Vec<_>>()));
        assert_eq!(read("consent_ids="), Ok(None));
        assert_eq!(read("consent_ids=c-01,%20C02"), ids(&["C01", "C02"]));
        assert_eq!(read("consent_ids=--"), ids(&[]), "a filter that nothing passes is not none");
        assert_eq!(read(&format!("consent_ids={}", vec!["a"; 1001].join(","))), Err(400));
    }

    #[test]
    fn views_and_formats_are_read_as_they_are_spelled() {
        assert_eq!(views(&query("view=A&view=B,C")).unwrap(), Some(vec!["A".to_owned(), "B,C".to_owned()]));
        assert_eq!(views(&query("")).unwrap(), None);
        assert_eq!(format(&query("display_format=SHORT")).unwrap(), Format::Short);
        for text in ["display_format=", "display_format=short", "display_format=SHORT&display_format=SHORT"] {
            assert!(format(&query(text)).is_err(), "{text}");
        }
    }
}
