//! An OpenID Connect provider on this machine: it checks what a client sends as strictly as real ones do.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

pub const CLIENT: &str = "rubrica-console";
pub const SECRET: &str = "s3cret:/+ü";

/// How the provider answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    #[default]
    Honest,
    /// It answers 503 to everything.
    Away,
    /// It signs with a key that it does not publish.
    Forging,
    /// Its tokens are of another sign-in.
    Confused,
    /// It does not take codes.
    Refusing,
}

pub struct Provider {
    pub issuer: String,
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    mood: Mood,
    issuer: String,
    key: EcdsaKeyPair,
    /// What was asked for, and the claims of who signed in, by code.
    codes: HashMap<String, (HashMap<String, String>, Value)>,
}

impl Provider {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let issuer = format!("http://{}", listener.local_addr().expect("an address"));
        let inner = Arc::new(Mutex::new(Inner {
            mood: Mood::default(),
            issuer: issuer.clone(),
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"),
            codes: HashMap::new(),
        }));
        let serving = inner.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // Whoever breaks off is no concern of the tests.
                let _ = serve(&serving, stream);
            }
        });
        Self { issuer, inner }
    }

    /// The section of a configuration that names it.
    pub fn section(&self, more: &str) -> String {
        format!("[console.oidc]\nissuer = \"{}\"\nclient_id = \"{CLIENT}\"\nclient_secret = \"{SECRET}\"\n{more}", self.issuer)
    }

    pub fn mood(&self, mood: Mood) {
        self.inner.lock().expect("the provider").mood = mood;
    }

    /// What a person does at the address to which the browser was sent: signs in. The answer is the query that leads back.
    pub fn sign_in(&self, address: &str, claims: Value) -> String {
        let (endpoint, query) = address.split_once('?').expect("a query");
        assert_eq!(endpoint, format!("{}/authorize", self.issuer));
        let asked: HashMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let of = |name: &str| asked.get(name).map(String::as_str).unwrap_or_default();
        assert_eq!((of("response_type"), of("client_id"), of("scope")), ("code", CLIENT, "openid profile"));
        assert_eq!((of("code_challenge_method"), of("code_challenge").len()), ("S256", 43));
        assert!(of("state").len() >= 43 && of("nonce").len() >= 43 && of("redirect_uri").ends_with("/console/callback"));
        let state = of("state").to_owned();
        let mut inner = self.inner.lock().expect("the provider");
        let code = format!("code-{}", inner.codes.len() + 1);
        inner.codes.insert(code.clone(), (asked, claims));
        form_urlencoded::Serializer::new(String::new()).append_pair("code", &code).append_pair("state", &state).finish()
    }
}

fn serve(provider: &Mutex<Inner>, stream: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let (mut length, mut authorization) = (0, String::new());
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        match header.trim().split_once(':') {
            None => break,
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.trim().parse().unwrap_or(0),
            Some((name, value)) if name.eq_ignore_ascii_case("authorization") => value.trim().clone_into(&mut authorization),
            Some(_) => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let mut inner = provider.lock().expect("the provider");
    let (status, answer) = inner.answer(&path, &authorization, &body);
    let answer = answer.to_string();
    let mut stream = stream;
    let head = format!(
        "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        answer.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(answer.as_bytes())
}

impl Inner {
    fn answer(&mut self, path: &str, authorization: &str, body: &[u8]) -> (u16, Value) {
        if self.mood == Mood::Away {
            return (503, json!({}));
        }
        let at = |path: &str| format!("{}{path}", self.issuer);
        match path {
            "/.well-known/openid-configuration" => (
                200,
                json!({
                    "issuer": self.issuer, "authorization_endpoint": at("/authorize"), "token_endpoint": at("/token"),
                    "jwks_uri": at("/keys"), "response_types_supported": ["code"],
                }),
            ),
            "/keys" => {
                let (x, y) = self.key.public_key().as_ref()[1..].split_at(32);
                let encode = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
                let key = json!({"kty": "EC", "crv": "P-256", "kid": "k", "use": "sig", "x": encode(x), "y": encode(y)});
                (200, json!({ "keys": [key] }))
            }
            "/token" => self.token(authorization, body),
            _ => (404, json!({})),
        }
    }

    fn token(&mut self, authorization: &str, body: &[u8]) -> (u16, Value) {
        let sent: HashMap<String, String> = form_urlencoded::parse(body).into_owned().collect();
        let of = |name: &str| sent.get(name).map(String::as_str).unwrap_or_default();
        let encoded: String = form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
        if authorization != format!("Basic {}", STANDARD.encode(format!("{CLIENT}:{encoded}"))) {
            return (401, json!({"error": "invalid_client"}));
        }
        let refused = || (400, json!({"error": "invalid_grant"}));
        if self.mood == Mood::Refusing || of("grant_type") != "authorization_code" {
            return refused();
        }
        // Good once.
        let Some((asked, mut claims)) = self.codes.remove(of("code")) else { return refused() };
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, of("code_verifier").as_bytes()));
        if asked["code_challenge"] != challenge || asked["redirect_uri"] != of("redirect_uri") {
            return refused();
        }
        let now = chrono::Utc::now().timestamp();
        let nonce = if self.mood == Mood::Confused { "another" } else { &asked["nonce"] };
        for (name, value) in [
            ("iss", json!(self.issuer)),
            ("aud", json!(CLIENT)),
            ("iat", json!(now)),
            ("exp", json!(now + 60)),
            ("nonce", json!(nonce)),
        ] {
            claims[name] = value;
        }
        let stranger = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        let key = if self.mood == Mood::Forging { &stranger } else { &self.key };
        let pkcs8 = key.to_pkcs8v1().expect("a key");
        let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::ES256);
        header.kid = Some("k".into());
        let token = jsonwebtoken::encode(&header, &claims, &jsonwebtoken::EncodingKey::from_ec_der(pkcs8.as_ref()));
        (200, json!({"id_token": token.expect("a token"), "access_token": "unused", "token_type": "Bearer"}))
    }
}
