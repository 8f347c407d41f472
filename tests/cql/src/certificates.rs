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
    /// Makes, in a folder, a CA and a certificate by it for all the addresses.
    ///
    /// # Errors
    /// [`Error::Missing`] without `keytool` beside `java`, [`Error::Keytool`] when it fails.
    pub fn make(java: &Path, folder: &Path, addresses: &[String]) -> Result<Self, Error> {
        let keystore = folder.join("keystore.p12");
        let ca = folder.join("ca.pem");
        let store = format!("-storetype PKCS12 -storepass {PASSWORD}");
        let key = "-genkeypair -keyalg EC -groupname secp256r1 -validity 30";
        let names: Vec<String> = addresses.iter().map(|address| format!("ip:{address}")).collect();
        let names = names.join(",");
        let keytool = |arguments: &str| {
            // The one beside `java` is of the same release; on the path there may be another.
            let mut command = Command::new(java.with_file_name("keytool"));
            command.args(arguments.split(' ')).arg("-keystore").arg(&keystore);
            let output = command.output().map_err(|_| Error::Missing("`keytool`"))?;
            let said = [output.stdout, output.stderr].concat();
            if output.status.success() { Ok(()) } else { Err(Error::Keytool(String::from_utf8_lossy(&said).into_owned())) }
        };
        keytool(&format!("{key} -alias ca -dname CN=ca-of-cql-server -ext bc:c=ca:true {store}"))?;
        // Apart from the CA: rustls takes no CA's certificate for a server's.
        keytool(&format!("{key} -alias node -signer ca -dname CN=cql-server -ext san={names},dns:localhost {store}"))?;
        keytool(&format!("-exportcert -rfc -alias ca -file {} {store}", ca.display()))?;
        // The server presents the first key it finds; the CA's is not needed any more.
        keytool(&format!("-delete -alias ca {store}"))?;
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
