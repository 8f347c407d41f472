//! Parameters of the query, read one by one: a refusal names the parameter and says what is expected.

use std::borrow::Cow;

use actix_web::HttpRequest;

use super::error::ApiError;

/// The query of a request. Parameters that nobody asks for are ignored.
pub struct Query(String);

impl Query {
    pub fn of(request: &HttpRequest) -> Self {
        Self(request.query_string().to_owned())
    }

    /// A parameter as it was sent.
    ///
    /// # Errors
    /// 400 when it is sent more than once.
    pub fn text(&self, name: &str) -> Result<Option<Cow<'_, str>>, ApiError> {
        let mut values = self.texts(name);
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            _ => Err(ApiError::parameter(format!("{name}: the parameter comes more than once"))),
        }
    }

    /// All values of a parameter that may be sent more than once, in their order.
    pub fn texts(&self, name: &str) -> impl Iterator<Item = Cow<'_, str>> {
        form_urlencoded::parse(self.0.as_bytes()).filter(move |(other, _)| other == name).map(|(_, value)| value)
    }

    /// A parameter that is `true` or `false`; false if it is not sent.
    ///
    /// # Errors
    /// 400 for any other value.
    pub fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.text(name)?.as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(ApiError::parameter(format!("{name}: expected true or false"))),
        }
    }

    /// A parameter that is a whole number.
    ///
    /// # Errors
    /// 400 for any other value.
    pub fn number(&self, name: &str) -> Result<Option<usize>, ApiError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|_| digits);
        number.map(Some).ok_or_else(|| ApiError::parameter(format!("{name}: expected a whole number")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Query {
        Query(text.into())
    }

    fn details<T>(read: Result<T, ApiError>) -> (u16, String) {
        let error = read.err().expect("a refusal");
        (error.status().as_u16(), error.body().errors[0].details.clone())
    }

    #[test]
    fn parameters_are_read_by_their_names() {
        let query = query("force=true&limit=12&to=%2B34%20600&other=%FF");
        assert!(query.flag("force").unwrap() && !query.flag("absent").unwrap());
        assert_eq!((query.number("limit").unwrap(), query.number("absent").unwrap()), (Some(12), None));
        assert_eq!(query.text("to").unwrap().as_deref(), Some("+34 600"));
    }

    #[test]
    fn a_refusal_names_the_parameter_and_says_what_is_expected() {
        for text in ["force=yes", "force=", "force=TRUE", "force=1"] {
            assert_eq!(details(query(text).flag("force")), (400, "force: expected true or false".into()), "{text}");
        }
        for text in ["limit=abc", "limit=-1", "limit=", "limit=%2B1", "limit=1.5", "limit=99999999999999999999999"] {
            assert_eq!(details(query(text).number("limit")), (400, "limit: expected a whole number".into()), "{text}");
        }
        assert_eq!(details(query("a=1&a=1").text("a")), (400, "a: the parameter comes more than once".into()));
    }
}
