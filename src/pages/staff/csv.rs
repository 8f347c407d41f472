//! C3: the list of processes as a file for spreadsheets (RFC 4180), in UTC.

use std::fmt::Write;

use actix_web::{HttpRequest, HttpResponse, http::header};
use chrono::{DateTime, SecondsFormat, Utc};
use pages::console::NavPart;
use workflows::sign_process::SignatureStatus;

use super::{
    processes::{Filter, Seen, look, status},
    visit::Visit,
};

/// Processes in a file: the newest that the filters find.
pub const MAX_ROWS: usize = 5_000;

/// Processes that are read at once.
const PAGE: usize = 200;

/// The names of the columns.
const HEADER: &str = "process_id,status,created_at,expires_at,completed_at,signers,signed,documents\r\n";

/// The file.
pub async fn download(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Processes), async |visit| {
        let filter = Filter::of(visit);
        let (mut text, mut rows, mut after) = (HEADER.to_owned(), 0, None);
        loop {
            let (seen, next) = look(visit, &filter, after.as_ref(), PAGE.min(MAX_ROWS - rows)).await?;
            rows += seen.len();
            seen.iter().for_each(|seen| line(&mut text, seen));
            after = next;
            if after.is_none() || rows >= MAX_ROWS {
                break;
            }
        }
        let name = format!("processes-{}.csv", visit.call.now().format("%Y-%m-%dT%H%MZ"));
        let mut response = visit.page(text);
        let headers = [
            (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
            (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        ];
        for (name, value) in headers {
            if let Ok(value) = header::HeaderValue::try_from(value) {
                response.headers_mut().insert(name, value);
            }
        }
        Ok(response)
    })
    .await
}

fn line(text: &mut String, seen: &Seen) {
    let at = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let (id, created) = (seen.id, at(seen.created_at));
    let data = seen.known.as_ref().ok().and_then(|machine| machine.data());
    let written = match data {
        // What cannot be read now is there all the same.
        None => write!(text, "{id},,{created},,,,,\r\n"),
        Some(data) => {
            let signed = data.signatures.iter().filter(|signature| signature.status == SignatureStatus::Succeeded).count();
            let names: Vec<&str> = data.creation.documents.iter().map(|document| document.name.as_str()).collect();
            let (status, signers) = (status(data.status).name(), data.signatures.len());
            let (expires, completed) = (at(data.creation.expires_at), data.completed_at.map(at).unwrap_or_default());
            let documents = field(&names.join("; "));
            write!(text, "{id},{status},{created},{expires},{completed},{signers},{signed},{documents}\r\n")
        }
    };
    // Writing into a text does not fail.
    debug_assert!(written.is_ok());
}

/// A text as a field. What a spreadsheet would take for a formula is a text by the sign before it (OWASP, CSV injection).
fn field(text: &str) -> String {
    let sign = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{sign}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_text_whatever_it_says() {
        for (name, written) in [
            ("lease.pdf", "\"lease.pdf\""),
            ("a, \"b\"\r\n.pdf", "\"a, \"\"b\"\"\r\n.pdf\""),
            ("=HYPERLINK(1)", "\"'=HYPERLINK(1)\""),
            ("@x", "\"'@x\""),
            ("", "\"\""),
        ] {
            assert_eq!(field(name), written);
        }
    }
}
