//! From a file and the environment to values: without ever telling a value, which may be a secret.

/// The variable (behind the prefix) that is short for `STORE__URL`, which wins over it.
pub(super) const STORE: &str = "STORE";

/// Whether a variable of our prefix is an option: `SECTION__NAME`, one of the two that are in no section, or the short name of
/// `store.url`. Others are not for the server, such as those of scripts.
pub(super) fn is_option(path: &str) -> bool {
    path.contains("__") || matches!(path, "MODE" | "DATA" | STORE)
}

/// What is wrong with a TOML text and where, without the text: it may hold secrets.
pub(super) fn place(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map_or(1, |before| before.matches('\n').count() + 1);
    format!("line {line}: {}", error.message())
}

/// Sets `A__B__C` to a value: a TOML value if it reads as one, else a text.
pub(super) fn set(table: &mut toml::Table, path: &str, value: &str) -> Result<(), String> {
    let names: Vec<String> = path.split("__").map(str::to_lowercase).collect();
    let Some((last, parents)) = names.split_last() else { return Err("it names nothing".into()) };
    let mut table = table;
    for name in parents {
        let entry = table.entry(name.clone()).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        table = entry.as_table_mut().ok_or_else(|| format!("{name} is no section"))?;
    }
    let parsed = format!("value = {value}").parse::<toml::Table>().ok().and_then(|mut table| table.remove("value"));
    let plain = parsed.filter(|value| !matches!(value, toml::Value::Datetime(_)));
    table.insert(last.clone(), plain.unwrap_or_else(|| toml::Value::String(value.to_owned())));
    Ok(())
}

/// A serde message without the value that it quotes, which may be a secret put in the wrong member.
pub(super) fn without_value(message: &str) -> String {
    let message = message.rsplit_once(" at line ").map_or(message, |(before, _)| before);
    for kind in ["invalid type: ", "invalid value: ", "unknown variant ", "invalid length "] {
        let Some(rest) = message.strip_prefix(kind) else { continue };
        let Some((found, expected)) = rest.rsplit_once(", expected ") else { continue };
        let found = found.split(['`', '"']).next().unwrap_or_default().trim();
        let expected = expected.replace('`', "");
        return match (kind, found) {
            ("invalid type: ", found) if !found.is_empty() => format!("expected {expected}, found {found}"),
            _ => format!("expected {expected}"),
        };
    }
    message.replace('`', "")
}
