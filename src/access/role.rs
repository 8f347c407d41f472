//! The closed set of roles that an organization's token can carry.

use std::fmt;
use std::str::FromStr;

/// A permission named in the `roles` claim. What each opens is in the table of operations; `rubrica roles` prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Download documents, read their metadata, make public URLs.
    DocumentsRead,
    /// Upload documents and delete them logically.
    DocumentsWrite,
    /// Delete documents physically, change their owner.
    DocumentsAdmin,
    /// Read forms, sections, templates and their configuration.
    TemplatesRead,
    /// Fill forms and templates.
    TemplatesFill,
    /// Create, change and delete forms, sections, templates and their configuration.
    TemplatesAdmin,
    /// Read and change the sign configuration.
    SignConfiguration,
    /// Create, read and cancel sign processes.
    SignProcess,
    /// Read, preview and make signatures.
    Sign,
    /// Read, challenge and validate identifications. Includes [`Role::IdentificationAgent`].
    Identification,
    /// Read the identifications by agents, and validate them.
    IdentificationAgent,
    /// Create, cancel, close and delete identifications.
    IdentificationAdmin,
    /// Delete identifications that are no longer in their first state.
    IdentificationForceDelete,
    /// Fill contracts, read them, change their owner, have them signed.
    Contracts,
    /// Make tokens for the web components of signing and of consents.
    Securize,
    /// Read the consents of customers, and the statements that are offered to them.
    ConsentsRead,
    /// Record the choices of customers.
    ConsentsWrite,
    /// Delete the consents of customers.
    ConsentsDelete,
    /// Read and change the definitions of consents and the trees of segments.
    ConsentsConfiguration,
    /// Read, set and lift legal holds.
    LegalHold,
    /// Erase what has ended, and customers.
    Erasure,
    /// Look at everything in the console.
    Console,
    /// Act in the console: cancel, send again. Includes [`Role::Console`].
    ConsoleOperate,
    /// Change in the console what holds for the whole organization. Includes [`Role::ConsoleOperate`].
    ConsoleAdmin,
    /// Identify customers at the agents' desk.
    Agent,
}

impl Role {
    pub const ALL: [Role; 25] = [
        Role::DocumentsRead,
        Role::DocumentsWrite,
        Role::DocumentsAdmin,
        Role::TemplatesRead,
        Role::TemplatesFill,
        Role::TemplatesAdmin,
        Role::SignConfiguration,
        Role::SignProcess,
        Role::Sign,
        Role::Identification,
        Role::IdentificationAgent,
        Role::IdentificationAdmin,
        Role::IdentificationForceDelete,
        Role::Contracts,
        Role::Securize,
        Role::ConsentsRead,
        Role::ConsentsWrite,
        Role::ConsentsDelete,
        Role::ConsentsConfiguration,
        Role::LegalHold,
        Role::Erasure,
        Role::Console,
        Role::ConsoleOperate,
        Role::ConsoleAdmin,
        Role::Agent,
    ];

    /// The name in the `roles` claim.
    pub const fn name(self) -> &'static str {
        match self {
            Role::DocumentsRead => "documents_read",
            Role::DocumentsWrite => "documents_write",
            Role::DocumentsAdmin => "documents_admin",
            Role::TemplatesRead => "templates_read",
            Role::TemplatesFill => "templates_fill",
            Role::TemplatesAdmin => "templates_admin",
            Role::SignConfiguration => "sign_configuration",
            Role::SignProcess => "sign_process",
            Role::Sign => "sign",
            Role::Identification => "identification",
            Role::IdentificationAgent => "identification_agent",
            Role::IdentificationAdmin => "identification_admin",
            Role::IdentificationForceDelete => "identification_force_delete",
            Role::Contracts => "contracts",
            Role::Securize => "securize",
            Role::ConsentsRead => "consents_read",
            Role::ConsentsWrite => "consents_write",
            Role::ConsentsDelete => "consents_delete",
            Role::ConsentsConfiguration => "consents_configuration",
            Role::LegalHold => "legal_hold",
            Role::Erasure => "erasure",
            Role::Console => "console",
            Role::ConsoleOperate => "console_operate",
            Role::ConsoleAdmin => "console_admin",
            Role::Agent => "agent",
        }
    }

    /// The role that a token with this one has as well.
    pub const fn includes(self) -> Option<Role> {
        match self {
            Role::Identification => Some(Role::IdentificationAgent),
            Role::ConsoleOperate => Some(Role::Console),
            Role::ConsoleAdmin => Some(Role::ConsoleOperate),
            _ => None,
        }
    }

    const fn bit(self) -> u32 {
        1 << self as u16
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown role; the roles are documents_read, documents_write, documents_admin, templates_read, templates_fill, templates_admin, \
     sign_configuration, sign_process, sign, identification, identification_agent, identification_admin, \
     identification_force_delete, contracts, securize, consents_read, consents_write, consents_delete, consents_configuration, \
     legal_hold, erasure, console, console_operate, console_admin, agent"
)]
pub struct UnknownRole;

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(name: &str) -> Result<Self, UnknownRole> {
        Role::ALL.into_iter().find(|role| role.name() == name).ok_or(UnknownRole)
    }
}

/// Some of the roles.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct RoleSet(u32);

impl RoleSet {
    pub const NONE: RoleSet = RoleSet(0);

    pub fn all() -> Self {
        Role::ALL.into_iter().collect()
    }

    /// The roles among `names`, and those that they include; names that are none are ignored, as a token may serve other systems too.
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        names
            .into_iter()
            .filter_map(|name| name.parse::<Role>().ok())
            .flat_map(|role| std::iter::successors(Some(role), |role| role.includes()))
            .collect()
    }

    pub const fn contains(self, role: Role) -> bool {
        self.0 & role.bit() != 0
    }

    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.contains(*role))
    }
}

impl FromIterator<Role> for RoleSet {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        RoleSet(roles.into_iter().fold(0, |bits, role| bits | role.bit()))
    }
}

impl fmt::Debug for RoleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Role::name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_is_read_by_its_name_and_listed_in_the_error() {
        for role in Role::ALL {
            assert_eq!(role.name().parse(), Ok(role));
            assert!(UnknownRole.to_string().contains(role.name()));
        }
        assert_eq!("root".parse::<Role>(), Err(UnknownRole));
        assert_eq!("Sign".parse::<Role>(), Err(UnknownRole));
    }

    #[test]
    fn a_set_holds_exactly_what_was_put_in() {
        let set = RoleSet::from_names(["sign", "root", "documents_read", "sign"]);
        assert_eq!(set.iter().collect::<Vec<_>>(), [Role::DocumentsRead, Role::Sign]);
        let set = RoleSet::from_names(["identification"]);
        assert_eq!(set.iter().collect::<Vec<_>>(), [Role::Identification, Role::IdentificationAgent]);
        assert!(!RoleSet::from_names(["identification_agent"]).contains(Role::Identification));
        let set = RoleSet::from_names(["console_admin"]);
        assert_eq!(set.iter().collect::<Vec<_>>(), [Role::Console, Role::ConsoleOperate, Role::ConsoleAdmin]);
        assert!(!RoleSet::from_names(["console"]).contains(Role::ConsoleOperate));
        assert_eq!(RoleSet::NONE.iter().count(), 0);
        assert_eq!(RoleSet::all().iter().count(), Role::ALL.len());
    }
}
