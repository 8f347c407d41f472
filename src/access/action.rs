//! Which caller may do what: one table of roles, one of scopes.

use uuid::Uuid;

use super::{Caller, Grant, Role};

/// The operations of the API, by their `operationId`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    UploadDocument,
    DownloadDocument,
    DeleteDocument,
    DeleteDocumentPhysically,
    GetDocumentMetadata,
    CreateDocumentPublicUrl,
    ChangeDocumentOwner,
    CreateSignProcess,
    GetSignProcess,
    CancelSignProcess,
    GetSimpleSign,
    PreviewSimpleSign,
    SignSimple,
    GetSignConfiguration,
    CreateSignConfiguration,
    UpdateSignConfiguration,
    GetOtpIdentification,
    ValidateOtpIdentification,
    ChallengeOtpIdentification,
    CreateOtpIdentification,
    CancelOtpIdentification,
    CloseOtpIdentification,
    DeleteOtpIdentification,
    /// Not an operation of its own: `delete_otp_identification` on an identification whose state needs `force=true`. A handler
    /// that does not know the state yet authorizes the plain deletion, tells the machine whether the caller
    /// [`has`](Caller::has) [`Role::IdentificationForceDelete`], and leaves the 403 to it.
    ForceDeleteOtpIdentification,
    SecurizeToken,
}

impl Action {
    pub const ALL: [Action; 25] = [
        Action::UploadDocument,
        Action::DownloadDocument,
        Action::DeleteDocument,
        Action::DeleteDocumentPhysically,
        Action::GetDocumentMetadata,
        Action::CreateDocumentPublicUrl,
        Action::ChangeDocumentOwner,
        Action::CreateSignProcess,
        Action::GetSignProcess,
        Action::CancelSignProcess,
        Action::GetSimpleSign,
        Action::PreviewSimpleSign,
        Action::SignSimple,
        Action::GetSignConfiguration,
        Action::CreateSignConfiguration,
        Action::UpdateSignConfiguration,
        Action::GetOtpIdentification,
        Action::ValidateOtpIdentification,
        Action::ChallengeOtpIdentification,
        Action::CreateOtpIdentification,
        Action::CancelOtpIdentification,
        Action::CloseOtpIdentification,
        Action::DeleteOtpIdentification,
        Action::ForceDeleteOtpIdentification,
        Action::SecurizeToken,
    ];

    /// The role that an organization's token needs:
    ///
    /// | role | operations |
    /// | --- | --- |
    /// | `documents_read` | `download_document`, `get_document_metadata`, `create_document_public_url` |
    /// | `documents_write` | `upload_document`, `delete_document` |
    /// | `documents_admin` | `delete_document_physically`, `change_document_owner` |
    /// | `sign_process` | `create_sign_process`, `get_sign_process`, `cancel_sign_process` |
    /// | `sign` | `get_simple_sign`, `preview_simple_sign`, `sign_simple` |
    /// | `sign_configuration` | `get_sign_configuration`, `create_sign_configuration`, `update_sign_configuration` |
    /// | `identification` | `get_otp_identification`, `validate_otp_identification`, `challenge_otp_identification` |
    /// | `identification_admin` | `create_`, `cancel_`, `close_` and `delete_otp_identification` |
    /// | `identification_force_delete` | besides the one before, for `delete_otp_identification` where the state needs `force` |
    /// | `securize` | `securize_token` |
    pub const fn role(self) -> Role {
        match self {
            Action::DownloadDocument | Action::GetDocumentMetadata | Action::CreateDocumentPublicUrl => Role::DocumentsRead,
            Action::UploadDocument | Action::DeleteDocument => Role::DocumentsWrite,
            Action::DeleteDocumentPhysically | Action::ChangeDocumentOwner => Role::DocumentsAdmin,
            Action::CreateSignProcess | Action::GetSignProcess | Action::CancelSignProcess => Role::SignProcess,
            Action::GetSimpleSign | Action::PreviewSimpleSign | Action::SignSimple => Role::Sign,
            Action::GetSignConfiguration | Action::CreateSignConfiguration | Action::UpdateSignConfiguration => {
                Role::SignConfiguration
            }
            Action::GetOtpIdentification | Action::ValidateOtpIdentification | Action::ChallengeOtpIdentification => {
                Role::Identification
            }
            Action::CreateOtpIdentification
            | Action::CancelOtpIdentification
            | Action::CloseOtpIdentification
            | Action::DeleteOtpIdentification
            | Action::ForceDeleteOtpIdentification => Role::IdentificationAdmin,
            Action::SecurizeToken => Role::Securize,
        }
    }

    /// What the token of one sign process opens.
    const fn is_open_to_sign_process(self) -> bool {
        matches!(
            self,
            Action::GetSignProcess
                | Action::GetOtpIdentification
                | Action::ValidateOtpIdentification
                | Action::ChallengeOtpIdentification
        )
    }

    /// What the token of one signature opens.
    const fn is_open_to_signature(self) -> bool {
        matches!(self, Action::GetSimpleSign | Action::PreviewSimpleSign | Action::SignSimple)
    }
}

/// What a request is about, as far as the handler knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// The organization of the path.
    pub organization: &'a str,
    /// The sign process in question: of the path, or the one that the identification in question belongs to.
    pub sign_process: Option<Uuid>,
    /// The signature in question.
    pub signature: Option<Uuid>,
}

impl<'a> Target<'a> {
    /// A target of which only the organization matters.
    pub const fn organization(organization: &'a str) -> Self {
        Self { organization, sign_process: None, signature: None }
    }

    pub const fn sign_process(organization: &'a str, sign_process: Uuid) -> Self {
        Self { organization, sign_process: Some(sign_process), signature: None }
    }

    pub const fn signature(organization: &'a str, signature: Uuid) -> Self {
        Self { organization, sign_process: None, signature: Some(signature) }
    }
}

/// Why an authenticated caller may not do something. All are the contract's 401 but [`Denied::Force`], its 403.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    #[error("the token is not for this organization")]
    OtherOrganization,
    #[error("the token lacks the role {0}")]
    MissingRole(Role),
    #[error("the token is for one sign process or signature and does not reach this")]
    OutOfScope,
    #[error("deleting an identification in this state needs force=true and the role identification_force_delete")]
    Force,
}

impl Denied {
    /// Whether the contract answers this with 403 instead of 401.
    pub const fn is_forbidden(self) -> bool {
        matches!(self, Denied::Force)
    }
}

/// Whether a caller may do something to a target. A token for one sign process or signature is refused where the target does not
/// name that one.
pub fn authorize(caller: &Caller, action: Action, target: Target<'_>) -> Result<(), Denied> {
    may(caller, action, target.organization)?;
    let reached = match &caller.grant {
        Grant::Organization { .. } => true,
        Grant::SignProcess { sign_process, .. } => target.sign_process == Some(*sign_process),
        Grant::Signature { signature, .. } => target.signature == Some(*signature),
    };
    if reached { Ok(()) } else { Err(Denied::OutOfScope) }
}

/// Whether a caller may do something to anything at all in an organization: the first half of [`authorize`], for handlers that
/// must load an identification to learn its sign process and want to refuse strangers before. It never replaces the whole check.
pub fn may(caller: &Caller, action: Action, organization: &str) -> Result<(), Denied> {
    if !caller.belongs_to(organization) {
        return Err(Denied::OtherOrganization);
    }
    match &caller.grant {
        Grant::Organization { roles, .. } if !roles.contains(action.role()) => Err(Denied::MissingRole(action.role())),
        Grant::Organization { roles, .. }
            if action == Action::ForceDeleteOtpIdentification && !roles.contains(Role::IdentificationForceDelete) =>
        {
            Err(Denied::Force)
        }
        Grant::SignProcess { .. } if !action.is_open_to_sign_process() => Err(Denied::OutOfScope),
        Grant::Signature { .. } if !action.is_open_to_signature() => Err(Denied::OutOfScope),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::RoleSet;

    const PROCESS: Uuid = Uuid::from_u128(1);
    const SIGNATURE: Uuid = Uuid::from_u128(2);

    fn caller(grant: Grant) -> Caller {
        Caller { subject: "s".into(), issuer: "i".into(), audience: "a".into(), grant }
    }

    fn with_roles(roles: &[Role]) -> Caller {
        let organizations = vec!["acme".into(), "second".into()];
        caller(Grant::Organization { organizations, roles: roles.iter().copied().collect() })
    }

    fn everything(organization: &str) -> Target<'_> {
        Target { organization, sign_process: Some(PROCESS), signature: Some(SIGNATURE) }
    }

    #[test]
    fn every_action_needs_its_role_and_no_other() {
        for action in Action::ALL {
            for role in Role::ALL {
                let outcome = authorize(&with_roles(&[role]), action, everything("acme"));
                match outcome {
                    Ok(()) => assert_eq!(role, action.role(), "{action:?}"),
                    Err(Denied::Force) => assert_eq!(action, Action::ForceDeleteOtpIdentification),
                    Err(denied) => {
                        assert_ne!(role, action.role());
                        assert_eq!(denied, Denied::MissingRole(action.role()));
                    }
                }
            }
            assert!(authorize(&caller(all_roles()), action, everything("acme")).is_ok());
            assert!(authorize(&with_roles(&[]), action, everything("acme")).is_err());
        }
    }

    fn all_roles() -> Grant {
        Grant::Organization { organizations: vec!["acme".into()], roles: RoleSet::all() }
    }

    #[test]
    fn a_token_reaches_its_own_organizations_only() {
        let scoped = [
            Grant::SignProcess { organization: "acme".into(), sign_process: PROCESS },
            Grant::Signature { organization: "acme".into(), signature: SIGNATURE },
            all_roles(),
        ];
        for action in Action::ALL {
            assert!(authorize(&caller(all_roles()), action, everything("acme")).is_ok());
            for grant in scoped.clone() {
                for other in ["other", "", "ACME", "acme ", "*"] {
                    assert_eq!(authorize(&caller(grant.clone()), action, everything(other)), Err(Denied::OtherOrganization));
                }
            }
        }
        assert!(authorize(&with_roles(&[Role::Sign]), Action::SignSimple, everything("second")).is_ok());
    }

    #[test]
    fn a_forced_deletion_needs_both_roles_and_is_denied_as_such() {
        let force = Action::ForceDeleteOtpIdentification;
        let target = Target::organization("acme");
        let both = [Role::IdentificationAdmin, Role::IdentificationForceDelete];

        assert_eq!(authorize(&with_roles(&both), force, target), Ok(()));
        assert_eq!(authorize(&with_roles(&both[..1]), force, target), Err(Denied::Force));
        assert_eq!(authorize(&with_roles(&both[1..]), force, target), Err(Denied::MissingRole(Role::IdentificationAdmin)));
        assert!(Denied::Force.is_forbidden() && !Denied::OtherOrganization.is_forbidden());
        assert_eq!(authorize(&with_roles(&both[..1]), Action::DeleteOtpIdentification, target), Ok(()));
    }

    #[test]
    fn a_sign_process_token_reads_its_process_and_drives_its_identifications_only() {
        let token = caller(Grant::SignProcess { organization: "acme".into(), sign_process: PROCESS });
        let open: Vec<_> =
            Action::ALL.into_iter().filter(|action| authorize(&token, *action, everything("acme")).is_ok()).collect();

        let expected = [
            Action::GetSignProcess,
            Action::GetOtpIdentification,
            Action::ValidateOtpIdentification,
            Action::ChallengeOtpIdentification,
        ];
        assert_eq!(open, expected);
        for action in expected {
            for elsewhere in [
                Target::organization("acme"),
                Target::sign_process("acme", Uuid::from_u128(9)),
                Target::signature("acme", PROCESS),
            ] {
                assert_eq!(authorize(&token, action, elsewhere), Err(Denied::OutOfScope));
            }
            assert_eq!(may(&token, action, "acme"), Ok(()));
        }
    }

    #[test]
    fn a_signature_token_reads_previews_and_makes_its_signature_only() {
        let token = caller(Grant::Signature { organization: "acme".into(), signature: SIGNATURE });
        let open: Vec<_> =
            Action::ALL.into_iter().filter(|action| authorize(&token, *action, everything("acme")).is_ok()).collect();

        let expected = [Action::GetSimpleSign, Action::PreviewSimpleSign, Action::SignSimple];
        assert_eq!(open, expected);
        for action in expected {
            for elsewhere in [
                Target::organization("acme"),
                Target::signature("acme", Uuid::from_u128(9)),
                Target::sign_process("acme", SIGNATURE),
            ] {
                assert_eq!(authorize(&token, action, elsewhere), Err(Denied::OutOfScope));
            }
        }
    }

    #[test]
    fn tokens_for_one_thing_hold_no_role() {
        for grant in [
            Grant::SignProcess { organization: "acme".into(), sign_process: PROCESS },
            Grant::Signature { organization: "acme".into(), signature: SIGNATURE },
        ] {
            assert!(Role::ALL.into_iter().all(|role| !caller(grant.clone()).has(role)));
        }
    }
}
