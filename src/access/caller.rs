//! The authenticated caller.

use uuid::Uuid;

use super::{Role, RoleSet};

/// Who sent a request, as its token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The `sub` claim; goes into change logs and evidence.
    pub subject: String,
    /// The `iss` claim.
    pub issuer: String,
    /// The audience of the token that was accepted; the default origin of a fill.
    pub audience: String,
    pub grant: Grant,
}

/// What a token opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grant {
    /// What the roles say, in these organizations.
    Organization { organizations: Vec<String>, roles: RoleSet },
    /// Read one sign process and drive its identifications: the token of the web component.
    SignProcess { organization: String, sign_process: Uuid },
    /// Read, preview and make one signature: the token after a successful identification.
    Signature { organization: String, signature: Uuid },
    /// Read one chained identification: the token after its validation.
    Chain { organization: String, chain: Uuid },
}

impl Caller {
    /// Whether the caller holds a role. Tokens for one thing hold none.
    pub fn has(&self, role: Role) -> bool {
        matches!(&self.grant, Grant::Organization { roles, .. } if roles.contains(role))
    }

    /// Whether the token speaks for an organization at all.
    pub fn belongs_to(&self, organization: &str) -> bool {
        match &self.grant {
            Grant::Organization { organizations, .. } => organizations.iter().any(|own| own == organization),
            Grant::SignProcess { organization: own, .. }
            | Grant::Signature { organization: own, .. }
            | Grant::Chain { organization: own, .. } => own == organization,
        }
    }
}
