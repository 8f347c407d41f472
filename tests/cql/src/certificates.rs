//! A key and a certificate for the nodes, made by the JDK's `keytool`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Error;

/// Guards nothing: the key lives as long as a test.
const PASSWORD: &str = "of-a-test";

/// The nodes' key store, and the certificate that clients are to trust, as PEM.
pub struct Certificates {
    keystore: PathBuf,
    pub ca: PathBuf,
}

impl Certificates {
    /// Makes a self-signed certificate of all the addresses in a folder.
    ///
    /// # Errors
    /// [`Error::Missing`] without `keytool` beside `java`, [`Error::Keytool`] when it fails.
    pub fn make(java: &Path, folder: &Path, addresses: &[String]) -> Result<Self, Error> {
        let keystore = folder.join("keystore.p12");
        let ca = folder.join("ca.pem");
        let names: Vec<String> = addresses.iter().map(|address| format!("ip:{address}")).collect();
        let store = format!("-keystore {} -storetype PKCS12 -storepass {PASSWORD} -alias node", keystore.display());
        let extensions = format!("-ext san={},dns:localhost -ext bc:c=ca:true", names.join(","));
        let run = |arguments: String| {
            // `keytool` may be a link elsewhere than `java`; the one beside it is of the same release.
            let keytool = java.with_file_name("keytool");
            let output = Command::new(keytool).args(arguments.split(' ')).output().map_err(|_| Error::Missing("`keytool`"))?;
            let said = [output.stdout, output.stderr].concat();
            if output.status.success() { Ok(()) } else { Err(Error::Keytool(String::from_utf8_lossy(&said).into_owned())) }
        };
        run(format!("-genkeypair -keyalg EC -groupname secp256r1 -validity 30 -dname CN=cql-server {extensions} {store}"))?;
        run(format!("-exportcert -rfc -file {} {store}", ca.display()))?;
        Ok(Self { keystore, ca })
    }

    /// The lines of cassandra.yaml that turn TLS on for clients.
    pub fn yaml(&self) -> String {
        let keystore = self.keystore.display();
        format!(
            "client_encryption_options:\n  enabled: true\n  optional: false\n  keystore: '{keystore}'\n  \
             keystore_password: '{PASSWORD}'\n  store_type: PKCS12\n  require_client_auth: false\n"
        )
    }
}
