//! The `[console.oidc]` section of the configuration.

use std::path::PathBuf;

use serde::Deserialize;

use super::super::{Secret, fetch::secure_url};

/// Where staff signs in: an OpenID Connect provider, by the code flow with PKCE. Its client needs the redirect URI
/// `<server.public_base_url>/console/callback`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// The provider, as its tokens name it (`iss`); what it offers is read from `/.well-known/openid-configuration` below it.
    pub issuer: String,
    /// The client's id there.
    pub client_id: String,
    /// The client's secret, in place of the file. Without either it is a public client, which PKCE protects.
    #[serde(default)]
    pub client_secret: Option<Secret>,
    /// A file with that secret.
    #[serde(default)]
    pub client_secret_file: Option<PathBuf>,
    /// What is asked for besides `openid`. Default: `["profile"]`.
    #[serde(default = "scopes")]
    pub scopes: Vec<String>,
    /// The claim of the ID token that names the person's organizations: a text or a list; dots lead into objects. Default: `organizations`.
    #[serde(default = "organizations_claim")]
    pub organizations_claim: String,
    /// The claim that names the person's roles, as well, e.g. `realm_access.roles`. Default: `roles`.
    #[serde(default = "roles_claim")]
    pub roles_claim: String,
    /// The organizations that the provider may speak for. Empty: any that its tokens name. Default: empty.
    #[serde(default)]
    pub organizations: Vec<String>,
}

fn scopes() -> Vec<String> {
    vec!["profile".into()]
}

fn organizations_claim() -> String {
    "organizations".into()
}

fn roles_claim() -> String {
    "roles".into()
}

impl Options {
    /// Checks bounds and what must agree, without touching files or the network.
    ///
    /// # Errors
    /// What is wrong, beginning with the option.
    pub fn check(&self) -> Result<(), String> {
        secure_url("issuer", &self.issuer)?;
        let is_scope = |scope: &String| {
            !scope.is_empty() && scope.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
        };
        if self.client_id.is_empty() {
            return Err("client_id: expected the client's id at the provider".into());
        }
        if self.scopes.len() > 20 || !self.scopes.iter().all(is_scope) {
            return Err("scopes: expected at most 20 names without spaces".into());
        }
        if self.organizations_claim.is_empty() || self.roles_claim.is_empty() {
            return Err("organizations_claim, roles_claim: expected names of claims".into());
        }
        if self.organizations.iter().any(String::is_empty) {
            return Err("organizations: expected no empty one".into());
        }
        Ok(())
    }
}
