//! Pages of listings, as callers ask for them: `page` from 0, and `pageSize`.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::ArrayBuilder;
use utoipa::openapi::{Object, ObjectBuilder, Ref, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use super::error::ApiError;
use super::operation::Parameter;
use super::query::Query;

/// Results per page where nobody says (contract `PageSize`).
const DEFAULT_SIZE: usize = 50;

/// Number and size of a page, at most: more than there are items of anything.
const MAX: usize = u32::MAX as usize;

const NUMBER: &str = "page";
const SIZE: &str = "pageSize";
const SNAKE_SIZE: &str = "page_size";

/// Which page; 0 where nobody says.
pub const PAGE: Parameter = Parameter::query(NUMBER, "Page to return, from 0.", page);
/// Its size; 50 where nobody says.
pub const PAGE_SIZE: Parameter = Parameter::query(SIZE, "Results per page.", size);
/// The same where the contract spells it so.
pub const PAGE_SIZE_SNAKE: Parameter = Parameter::query(SNAKE_SIZE, "Results per page.", size);
/// Which page of a listing that comes whole where neither is said (note paging-all).
pub const PAGE_OR_ALL: Parameter = Parameter::query(
    NUMBER,
    "Page to return, from 0. When neither page nor pageSize is sent, everything comes in one page. With only pageSize sent it is 0.",
    page_or_all,
);
/// Its size.
pub const PAGE_SIZE_OR_ALL: Parameter = Parameter::query(SIZE, "Results per page. With only page sent it is 50.", size_or_all);

fn whole(minimum: usize) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(minimum)).maximum(Some(MAX))
}

fn page() -> Object {
    whole(0).default(Some(0.into())).build()
}

fn size() -> Object {
    whole(1).default(Some(DEFAULT_SIZE.into())).build()
}

fn page_or_all() -> Object {
    whole(0).build()
}

fn size_or_all() -> Object {
    whole(1).build()
}

/// A list whose items differ, `MIN` of them at least. A member of this type has an alias without parameters, as the description wants it, and is
/// described `inline`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Unique<T, const MIN: usize = 0>(pub Vec<T>);

impl<T: ToSchema, const MIN: usize> PartialSchema for Unique<T, MIN> {
    fn schema() -> RefOr<Schema> {
        let list = ArrayBuilder::new().items(Ref::from_schema_name(T::name())).unique_items(true);
        list.min_items((MIN > 0).then_some(MIN)).into()
    }
}

impl<T: ToSchema, const MIN: usize> ToSchema for Unique<T, MIN> {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}

impl<T, const MIN: usize> FromIterator<T> for Unique<T, MIN> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

/// A page of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// From 0.
    pub number: usize,
    /// Maximum number of results, from 1.
    pub size: usize,
}

impl Page {
    /// The page that a query asks for.
    ///
    /// # Errors
    /// 400 for what is no number or one over the maximum, and for a size of 0.
    pub fn of(query: &Query) -> Result<Self, ApiError> {
        Self::with(query, SIZE, MAX)
    }

    /// The same where the size is `page_size`.
    ///
    /// # Errors
    /// As [`Page::of`].
    pub fn of_snake(query: &Query) -> Result<Self, ApiError> {
        Self::of_snake_up_to(query, MAX)
    }

    /// The same with a maximum size.
    ///
    /// # Errors
    /// As [`Page::of`].
    pub fn of_snake_up_to(query: &Query, largest: usize) -> Result<Self, ApiError> {
        Self::with(query, SNAKE_SIZE, largest)
    }

    fn with(query: &Query, size: &str, largest: usize) -> Result<Self, ApiError> {
        let (number, size) = (asked(query, NUMBER, 0..=MAX)?, asked(query, size, 1..=largest)?);
        Ok(Self { number: number.unwrap_or(0), size: size.unwrap_or(DEFAULT_SIZE) })
    }

    /// The same where everything comes in one page unless a page or a size is asked for (note paging-all).
    ///
    /// # Errors
    /// As [`Page::of`].
    pub fn of_or_all(query: &Query) -> Result<Self, ApiError> {
        let is_asked_for = query.text(NUMBER)?.is_some() || query.text(SIZE)?.is_some();
        if is_asked_for { Self::of(query) } else { Ok(Self { number: 0, size: usize::MAX }) }
    }
}

fn asked(query: &Query, name: &str, allowed: RangeInclusive<usize>) -> Result<Option<usize>, ApiError> {
    match query.number(name)? {
        Some(number) if !allowed.contains(&number) => {
            let (minimum, maximum) = allowed.into_inner();
            Err(ApiError::parameter(format!("{name}: expected a whole number from {minimum} to {maximum}")))
        }
        number => Ok(number),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn query(text: &str) -> Query {
        Query::of(&TestRequest::with_uri(&format!("/?{text}")).to_http_request())
    }

    #[test]
    fn a_page_has_its_defaults_and_a_whole_listing_comes_only_when_no_value_is_given() {
        for (text, paged, or_all) in [
            ("", (0, 50), (0, usize::MAX)),
            ("page=3", (3, 50), (3, 50)),
            ("pageSize=7", (0, 7), (0, 7)),
            ("page=2&pageSize=1", (2, 1), (2, 1)),
        ] {
            let read = |page: Page| (page.number, page.size);
            assert_eq!(Page::of(&query(text)).map(read).unwrap(), paged, "{text}");
            assert_eq!(Page::of_or_all(&query(text)).map(read).unwrap(), or_all, "{text}");
        }
    }

    #[test]
    fn what_is_no_page_is_a_400_that_names_the_parameter() {
        for (text, name) in [
            ("page=-1", "page"),
            ("page=a", "page"),
            ("page=4294967296", "page"),
            ("pageSize=0", "pageSize"),
            ("pageSize=", "pageSize"),
        ] {
            for refused in [Page::of(&query(text)).unwrap_err(), Page::of_or_all(&query(text)).unwrap_err()] {
                assert_eq!(refused.status().as_u16(), 400);
                assert!(refused.body().errors[0].details.starts_with(&format!("{name}: ")), "{text}");
            }
        }
    }
}
