//! The authenticated caller.

use std::fmt;

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
#[derive(Clone, PartialEq, Eq)]
pub enum Grant {
    /// What the roles say, in these organizations.
    Organization { organizations: Vec<String>, roles: RoleSet },
    /// Read one sign process and drive its identifications: the token of the web component.
    SignProcess { organization: String, sign_process: Uuid },
    /// Read, preview and make one signature: the token after a successful identification.
    Signature { organization: String, signature: Uuid },
    /// Read one chained identification: the token after its validation.
    Chain { organization: String, chain: Uuid },
    /// See the invitation to make one signature, decline it, ask for codes and send pictures of the signer's own identity document: the token
    /// that the signer's link gives. `generation` is that of the link; once there is a later one, the token opens nothing.
    SignerLink { organization: String, signature: Uuid, generation: u32 },
    /// Read and record the consents of one customer in the name of one actor: the token of the web component of consents.
    Customer { organization: String, customer_id: String, actor_id: String },
}

/// Says neither the customer nor the actor: they are personal data.
impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organization { organizations, roles } => {
                f.debug_struct("Organization").field("organizations", organizations).field("roles", roles).finish()
            }
            Self::SignProcess { organization, sign_process: id } => {
                f.debug_tuple("SignProcess").field(organization).field(id).finish()
            }
            Self::Signature { organization, signature: id } => f.debug_tuple("Signature").field(organization).field(id).finish(),
            Self::SignerLink { organization, signature: id, generation } => {
                f.debug_tuple("SignerLink").field(organization).field(id).field(generation).finish()
            }
            Self::Chain { organization, chain: id } => f.debug_tuple("Chain").field(organization).field(id).finish(),
            Self::Customer { organization, .. } => f.debug_tuple("Customer").field(organization).finish_non_exhaustive(),
        }
    }
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
            | Grant::Chain { organization: own, .. }
            | Grant::SignerLink { organization: own, .. }
            | Grant::Customer { organization: own, .. } => own == organization,
        }
    }

    /// The customer that a web component of consents acts for; `None` for all other callers.
    pub fn customer(&self) -> Option<&str> {
        if let Grant::Customer { customer_id, .. } = &self.grant { Some(customer_id) } else { None }
    }

    /// The actor that a web component of consents acts for, as its token says; `None` for all other callers, who name the actor themselves.
    pub fn actor(&self) -> Option<&str> {
        if let Grant::Customer { actor_id, .. } = &self.grant { Some(actor_id) } else { None }
    }
}
