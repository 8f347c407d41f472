//! Which caller may do what: the rule of an operation, and whether a caller keeps to it.

use uuid::Uuid;

use super::{Caller, Grant, Role};

/// What an operation asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The role that an organization's token needs.
    pub role: Role,
    /// Which tokens for one thing may do it as well, to that thing.
    pub tokens: ScopedTokens,
}

/// Which of the tokens for one thing an operation takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopedTokens {
    None,
    /// The token of the web component (`securize`), for one sign process.
    OfSignProcess,
    /// The token after a successful identification (`x-access-token`), for one signature.
    OfSignature,
    /// The token after the validation of a chained identification (`x-access-token`), for one chain.
    OfChain,
    /// The token of the web component of consents (`securize`), for one customer.
    OfCustomer,
    /// The token of a signer's link, or the token after that signer's identification (`x-access-token`).
    OfSigner,
    /// The token of the web component (`securize`), for one sign process, or the token of the link of one of its signers.
    OfSignProcessOrLink,
}

impl ScopedTokens {
    /// Whether a token may do such an operation to its own thing. What the tokens of organizations may do is said by roles.
    const fn take(self, grant: &Grant) -> bool {
        match grant {
            Grant::Organization { .. } => true,
            Grant::SignProcess { .. } => matches!(self, Self::OfSignProcess | Self::OfSignProcessOrLink),
            Grant::Signature { .. } => matches!(self, Self::OfSignature | Self::OfSigner),
            Grant::SignerLink { .. } => matches!(self, Self::OfSigner | Self::OfSignProcessOrLink),
            Grant::Chain { .. } => matches!(self, Self::OfChain),
            Grant::Customer { .. } => matches!(self, Self::OfCustomer),
        }
    }
}

/// The thing that a request is about, as far as tokens for one thing are concerned.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Target<'a> {
    /// The sign process in question: of the path, or the one that the identification in question belongs to.
    pub sign_process: Option<Uuid>,
    /// The signature in question: of the path, or the one that the identification in question belongs to.
    pub signature: Option<Uuid>,
    /// The chained identification in question.
    pub chain: Option<Uuid>,
    /// The customer in question.
    pub customer: Option<&'a str>,
}

/// Why an authenticated caller may not do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    #[error("the token is not for this organization")]
    OtherOrganization,
    #[error("the token lacks the role {0}")]
    MissingRole(Role),
    #[error("the token is for one sign process, signature, chain or customer and does not reach this")]
    OutOfScope,
    #[error("the link that gave the token was renewed")]
    LinkRenewed,
}

/// Whether a caller may do something to anything at all in an organization. It refuses strangers before anything is loaded, and never
/// replaces [`reaches`].
///
/// # Errors
/// [`Denied`].
pub fn may(caller: &Caller, rule: Rule, organization: &str) -> Result<(), Denied> {
    if !caller.belongs_to(organization) {
        return Err(Denied::OtherOrganization);
    }
    match &caller.grant {
        Grant::Organization { roles, .. } if !roles.contains(rule.role) => Err(Denied::MissingRole(rule.role)),
        grant if rule.tokens.take(grant) => Ok(()),
        _ => Err(Denied::OutOfScope),
    }
}

/// Whether a caller's token reaches a target. A token for one thing is refused where the target does not name that one.
///
/// # Errors
/// [`Denied::OutOfScope`].
pub fn reaches(caller: &Caller, target: Target<'_>) -> Result<(), Denied> {
    let reached = match &caller.grant {
        Grant::Organization { .. } => true,
        Grant::SignProcess { sign_process, .. } => target.sign_process == Some(*sign_process),
        Grant::Signature { signature, .. } | Grant::SignerLink { signature, .. } => target.signature == Some(*signature),
        Grant::Chain { chain, .. } => target.chain == Some(*chain),
        Grant::Customer { customer_id, .. } => target.customer == Some(customer_id.as_str()),
    };
    if reached { Ok(()) } else { Err(Denied::OutOfScope) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::RoleSet;

    const PROCESS: Uuid = Uuid::from_u128(1);
    const SIGNATURE: Uuid = Uuid::from_u128(2);
    const CHAIN: Uuid = Uuid::from_u128(3);
    const OTHER: Uuid = Uuid::from_u128(9);

    fn caller(grant: Grant) -> Caller {
        Caller { subject: "s".into(), issuer: "i".into(), audience: "a".into(), grant }
    }

    fn with_roles(roles: RoleSet) -> Caller {
        caller(Grant::Organization { organizations: vec!["acme".into(), "second".into()], roles })
    }

    fn for_process() -> Caller {
        caller(Grant::SignProcess { organization: "acme".into(), sign_process: PROCESS })
    }

    fn for_signature() -> Caller {
        caller(Grant::Signature { organization: "acme".into(), signature: SIGNATURE })
    }

    fn for_chain() -> Caller {
        caller(Grant::Chain { organization: "acme".into(), chain: CHAIN })
    }

    fn for_link() -> Caller {
        caller(Grant::SignerLink { organization: "acme".into(), signature: SIGNATURE, generation: 0 })
    }

    fn for_customer() -> Caller {
        caller(Grant::Customer { organization: "acme".into(), customer_id: "100000000001".into(), actor_id: "AG000123".into() })
    }

    fn rules() -> impl Iterator<Item = Rule> {
        use ScopedTokens as T;
        let tokens = [T::None, T::OfSignProcess, T::OfSignature, T::OfChain, T::OfCustomer, T::OfSigner, T::OfSignProcessOrLink];
        Role::ALL.into_iter().flat_map(move |role| tokens.map(|tokens| Rule { role, tokens }))
    }

    #[test]
    fn a_rule_needs_its_role_and_no_other() {
        for rule in rules() {
            for role in Role::ALL {
                let expected = if role == rule.role { Ok(()) } else { Err(Denied::MissingRole(rule.role)) };
                assert_eq!(may(&with_roles([role].into_iter().collect()), rule, "acme"), expected, "{rule:?}");
            }
            assert_eq!(may(&with_roles(RoleSet::all()), rule, "second"), Ok(()));
            assert_eq!(may(&with_roles(RoleSet::NONE), rule, "acme"), Err(Denied::MissingRole(rule.role)));
        }
    }

    #[test]
    fn a_token_reaches_its_own_organizations_only() {
        for rule in rules() {
            for caller in [with_roles(RoleSet::all()), for_process(), for_signature(), for_chain(), for_customer(), for_link()] {
                for other in ["other", "", "ACME", "acme ", "*"] {
                    assert_eq!(may(&caller, rule, other), Err(Denied::OtherOrganization));
                }
            }
        }
    }

    #[test]
    fn a_token_for_one_thing_is_taken_by_the_rules_that_name_its_kind_and_for_that_thing_only() {
        for rule in rules() {
            use ScopedTokens as T;
            let expected = |kinds: &[T]| if kinds.contains(&rule.tokens) { Ok(()) } else { Err(Denied::OutOfScope) };
            assert_eq!(may(&for_process(), rule, "acme"), expected(&[T::OfSignProcess, T::OfSignProcessOrLink]));
            assert_eq!(may(&for_signature(), rule, "acme"), expected(&[T::OfSignature, T::OfSigner]));
            assert_eq!(may(&for_chain(), rule, "acme"), expected(&[T::OfChain]));
            assert_eq!(may(&for_customer(), rule, "acme"), expected(&[T::OfCustomer]));
            assert_eq!(may(&for_link(), rule, "acme"), expected(&[T::OfSigner, T::OfSignProcessOrLink]));
        }
        let process = |id| Target { sign_process: Some(id), ..Target::default() };
        let signature = |id| Target { signature: Some(id), ..Target::default() };
        let chain = |id| Target { chain: Some(id), ..Target::default() };
        let customer = |id| Target { customer: Some(id), ..Target::default() };
        assert_eq!(reaches(&for_process(), process(PROCESS)), Ok(()));
        assert_eq!(reaches(&for_signature(), signature(SIGNATURE)), Ok(()));
        assert_eq!(reaches(&for_link(), signature(SIGNATURE)), Ok(()));
        assert_eq!(reaches(&for_chain(), chain(CHAIN)), Ok(()));
        assert_eq!(reaches(&for_customer(), customer("100000000001")), Ok(()));
        let refuses = |caller: Caller, elsewhere: &[Target<'_>]| {
            elsewhere.iter().all(|elsewhere| reaches(&caller, *elsewhere) == Err(Denied::OutOfScope))
        };
        let none = Target::default();
        assert!(refuses(for_process(), &[none, process(OTHER), signature(PROCESS), chain(PROCESS), customer("100000000001")]));
        assert!(refuses(for_signature(), &[none, signature(OTHER), process(SIGNATURE), chain(SIGNATURE)]));
        assert!(refuses(for_link(), &[none, signature(OTHER), process(SIGNATURE), process(PROCESS), chain(SIGNATURE)]));
        assert!(refuses(for_chain(), &[none, chain(OTHER), process(CHAIN), signature(CHAIN)]));
        assert!(refuses(for_customer(), &[none, customer("10000000000"), customer("AG000123"), customer(""), chain(CHAIN)]));
        assert_eq!(reaches(&with_roles(RoleSet::NONE), Target::default()), Ok(()));
    }

    #[test]
    fn tokens_for_one_thing_hold_no_role() {
        for caller in [for_process(), for_signature(), for_chain(), for_customer(), for_link()] {
            assert!(Role::ALL.into_iter().all(|role| !caller.has(role)));
        }
    }

    #[test]
    fn a_web_component_names_its_actor_and_shows_nobody_in_debug() {
        assert_eq!(for_customer().actor(), Some("AG000123"));
        assert!(with_roles(RoleSet::all()).actor().is_none() && for_process().actor().is_none());
        let shown = format!("{:?}", for_customer());
        assert!(!shown.contains("100000000001") && !shown.contains("AG000123"), "{shown}");
    }
}
