//! Verification of signed files: the configuration reference.

use std::path::PathBuf;

use serde::Deserialize;

/// Whose signatures are trusted, besides an organization's own.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Verification {
    /// A file with certificates in PEM or DER, or a folder of such files (.pem, .crt, .cer, .der; not of folders in it), at most 10000 certificates:
    /// they are trusted as roots by `POST /v1/orgs/{org_id}/verify` and the console. Read at the start. Default: none, so that an
    /// organization's own certificate, as its key file has it, is all that is trusted.
    pub roots: Option<PathBuf>,
}
