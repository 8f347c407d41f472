//! Everything that is wrong with what a caller sent.

use std::fmt;

/// Problems that are kept; what comes after them adds nothing to a hopeless body.
pub const MAX_PROBLEMS: usize = 20;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The member, as a path in the body: `signers[1].email`.
    pub path: String,
    /// What is wrong with it; quotes nothing secret.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

/// What was found so far, in the order of finding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Notes what is wrong with a member. Beyond [`MAX_PROBLEMS`] nothing is kept.
    pub fn note(&mut self, path: impl Into<String>, message: impl fmt::Display) {
        if self.0.len() < MAX_PROBLEMS {
            self.0.push(Problem { path: path.into(), message: message.to_string() });
        }
    }

    /// The value of a member, or a note of why there is none.
    pub fn take<T, E: fmt::Display>(&mut self, path: impl Into<String>, read: Result<T, E>) -> Option<T> {
        read.map_err(|message| self.note(path, message)).ok()
    }

    /// Whether something is wrong with a member.
    pub fn has(&self, path: &str) -> bool {
        self.0.iter().any(|problem| problem.path == path)
    }

    /// Nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }
}

/// A single problem.
impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_name_their_members_and_are_bounded() {
        let mut problems = Problems::default();
        assert_eq!(problems.take("a", Ok::<_, &str>(1)), Some(1));
        assert!(problems.is_empty());
        for number in 0..100 {
            assert_eq!(problems.take(format!("list[{number}]"), Err::<(), _>("may not be empty")), None);
        }
        assert_eq!(problems.iter().count(), MAX_PROBLEMS);
        assert_eq!(problems.iter().next().unwrap().to_string(), "list[0]: may not be empty");
        assert!(problems.has("list[19]") && !problems.has("list[20]"));
    }
}
