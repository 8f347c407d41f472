//! Whole tokens against the whole service; the world that these tests share.

mod components;
mod id_tokens;
mod key_sets;
mod own_tokens;
mod rejections;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::EncodingKey;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::*;

const ISSUER: &str = "https://id.example.com/";
const SECRET: [u8; 32] = [9; 32];

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn keys() -> Keys {
    Keys::from_bytes(&[3; 32])
}

/// A key of an issuer: makes tokens, and shows its public half.
struct Signer {
    algorithm: jsonwebtoken::Algorithm,
    encoding: EncodingKey,
    jwk: Value,
    id: Option<&'static str>,
}

impl Signer {
    fn ed25519(id: &'static str) -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let pkcs8 = pair.to_pkcs8().unwrap();
        let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": x});
        Self::new(jsonwebtoken::Algorithm::EdDSA, EncodingKey::from_ed_der(pkcs8.as_ref()), jwk, id)
    }

    fn p256(id: &'static str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let pkcs8 = pair.to_pkcs8v1().unwrap();
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        let jwk = json!({"kty": "EC", "crv": "P-256", "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y)});
        Self::new(jsonwebtoken::Algorithm::ES256, EncodingKey::from_ec_der(pkcs8.as_ref()), jwk, id)
    }

    /// Every caller gets the same RSA key, as making one takes a while.
    fn rsa(id: &'static str) -> Self {
        static PEM: LazyLock<String> = LazyLock::new(|| {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
            let pkcs8 = AsDer::<Pkcs8V1Der>::as_der(&pair).unwrap();
            format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(pkcs8.as_ref()))
        });
        let encoding = EncodingKey::from_rsa_pem(PEM.as_bytes()).unwrap();
        let jwk = jsonwebtoken::jwk::Jwk::from_encoding_key(&encoding, jsonwebtoken::Algorithm::RS256).unwrap();
        Self::new(jsonwebtoken::Algorithm::RS256, encoding, serde_json::to_value(jwk).unwrap(), id)
    }

    fn secret(secret: &[u8]) -> Self {
        let encoding = EncodingKey::from_secret(secret);
        Self { algorithm: jsonwebtoken::Algorithm::HS256, encoding, jwk: Value::Null, id: None }
    }

    fn new(algorithm: jsonwebtoken::Algorithm, encoding: EncodingKey, mut jwk: Value, id: &'static str) -> Self {
        jwk["kid"] = json!(id);
        jwk["use"] = json!("sig");
        Self { algorithm, encoding, jwk, id: Some(id) }
    }

    fn token(&self, claims: &Value) -> String {
        let mut header = jsonwebtoken::Header::new(self.algorithm);
        header.kid = self.id.map(str::to_owned);
        self.token_with(&header, claims)
    }

    fn token_with(&self, header: &jsonwebtoken::Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.encoding).unwrap()
    }
}

fn claims() -> Value {
    json!({
        "iss": ISSUER,
        "sub": "back-end",
        "aud": ["elsewhere", "rubrica"],
        "exp": now().timestamp() + 3600,
        "iat": now().timestamp(),
        "organizations": ["acme", "second"],
        "roles": ["sign_process", "documents_read", "billing"],
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn issuer() -> IssuerOptions {
    IssuerOptions {
        issuer: ISSUER.into(),
        audiences: vec!["rubrica".into(), "rubrica-test".into()],
        organizations: vec![],
        algorithms: vec![],
        secret: None,
        secret_file: None,
        jwks_file: None,
        jwks_url: None,
        refresh_interval: chrono::TimeDelta::hours(1),
    }
}

fn with_secret() -> IssuerOptions {
    IssuerOptions { secret: Some(Secret::new(STANDARD.encode(SECRET))), ..issuer() }
}

/// A service that trusts one issuer with a shared secret.
fn service() -> Service {
    Service::new(&Options { issuers: vec![with_secret()], ..Options::default() }, &keys()).unwrap()
}

fn signer() -> Signer {
    Signer::secret(&SECRET)
}

/// A key set that a test changes and whose fetches it counts.
struct Published {
    answer: Mutex<Result<Value, String>>,
    fetches: AtomicU32,
}

impl Published {
    fn new(signers: &[&Signer]) -> Arc<Self> {
        Arc::new(Self { answer: Mutex::new(Ok(set_of(signers))), fetches: AtomicU32::new(0) })
    }

    fn publish(&self, signers: &[&Signer]) {
        *self.answer.lock() = Ok(set_of(signers));
    }

    fn fail(&self) {
        *self.answer.lock() = Err("down".into());
    }

    fn fetches(&self) -> u32 {
        self.fetches.load(Ordering::SeqCst)
    }

    fn service(self: &Arc<Self>) -> Service {
        let issuer = IssuerOptions { jwks_url: Some("https://id.example.com/keys".into()), ..issuer() };
        self.service_for(issuer)
    }

    fn service_for(self: &Arc<Self>, issuer: IssuerOptions) -> Service {
        let options = Options { issuers: vec![issuer], ..Options::default() };
        let fetch = self.clone() as Arc<dyn Fetch>;
        Service::with_fetch(&options, &keys(), move |_| Ok(Some(fetch.clone()))).unwrap()
    }
}

fn set_of(signers: &[&Signer]) -> Value {
    json!({"keys": signers.iter().map(|signer| &signer.jwk).collect::<Vec<_>>()})
}

#[async_trait]
impl Fetch for Published {
    async fn fetch(&self) -> Result<Vec<u8>, String> {
        self.fetches.fetch_add(1, Ordering::SeqCst);
        // Lets other requests in, as a network would.
        tokio::task::yield_now().await;
        self.answer.lock().clone().map(|set| set.to_string().into_bytes())
    }
}
