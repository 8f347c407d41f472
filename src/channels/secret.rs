//! A value that must never be seen: its `Debug` hides it, it has no `Display`, and it cannot be serialized.

use std::{fmt, path::Path};

use serde::{Deserialize, Deserializer, de::Error as _};

/// A password, token or one-time code.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

/// A text, or a number as it reads: a password of digits given by the environment looks like one.
impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Given {
            Text(String),
            Number(i64),
        }
        match Given::deserialize(deserializer) {
            Ok(Given::Text(text)) => Ok(Self(text)),
            Ok(Given::Number(number)) => Ok(Self(number.to_string())),
            // Without the cause, which may quote the value.
            Err(_) => Err(D::Error::custom("expected a text")),
        }
    }
}

impl Secret {
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself. Only for the place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The secret given in place or, if it is not, the first line of `file`. `None` if neither is given.
    ///
    /// # Errors
    /// A text that names the file when it cannot be read, or says that both were given.
    pub(crate) fn resolve(given: Option<&Secret>, file: Option<&Path>) -> Result<Option<Secret>, String> {
        match (given, file) {
            (Some(_), Some(file)) => Err(format!("give the secret either in place or in {}, not both", file.display())),
            (Some(secret), None) => Ok(Some(secret.clone())),
            (None, Some(file)) => {
                let content =
                    std::fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
                Ok(Some(Secret::new(content.lines().next().unwrap_or_default())))
            }
            (None, None) => Ok(None),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show_itself() {
        assert_eq!(format!("{:?}", Some(Secret::new("hunter2"))), "Some(***)");
    }

    #[test]
    fn a_secret_comes_from_its_place_or_its_file_but_not_both() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "from file\n").unwrap();
        let given = Secret::new("given");
        assert_eq!(Secret::resolve(Some(&given), None).unwrap(), Some(given.clone()));
        assert_eq!(Secret::resolve(None, Some(&file)).unwrap().unwrap().expose(), "from file");
        assert_eq!(Secret::resolve(None, None).unwrap(), None);
        assert!(!Secret::resolve(Some(&given), Some(&file)).unwrap_err().contains("given\""));
        assert!(Secret::resolve(None, Some(&folder.path().join("absent"))).unwrap_err().contains("absent"));
    }
}
