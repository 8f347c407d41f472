//! Issuers with public keys: every algorithm, rotation, outages, strangers.

use std::io::{Read, Write};
use std::net::TcpListener;

use chrono::TimeDelta;

use super::*;

fn later(seconds: i64) -> DateTime<Utc> {
    now() + TimeDelta::seconds(seconds)
}

/// A token that outlives the test.
fn lasting() -> Value {
    with("exp", json!(now().timestamp() + 1_000_000))
}

#[actix_rt::test]
async fn every_public_key_algorithm_is_verified() {
    for signer in [Signer::ed25519("k"), Signer::p256("k"), Signer::rsa("k")] {
        let service = Published::new(&[&signer]).service();
        let outcome = service.authenticate(&signer.token(&claims()), now()).await;
        assert!(outcome.is_ok(), "{:?}: {outcome:?}", signer.algorithm);
    }
}

#[actix_rt::test]
async fn a_key_of_the_same_name_that_did_not_sign_is_refused() {
    for (published, forger) in [(Signer::ed25519("k"), Signer::ed25519("k")), (Signer::p256("k"), Signer::p256("k"))] {
        let service = Published::new(&[&published]).service();
        assert_eq!(service.authenticate(&forger.token(&claims()), now()).await, Err(Error::Signature));
    }
}

#[actix_rt::test]
async fn a_public_key_is_never_taken_for_a_shared_secret() {
    for published in [Signer::rsa("k"), Signer::p256("k"), Signer::ed25519("k")] {
        let service = Published::new(&[&published]).service();
        let part = |name: &str| published.jwk[name].as_str().map(|text| URL_SAFE_NO_PAD.decode(text).unwrap());
        let secrets = [part("n"), part("x"), Some(published.jwk.to_string().into_bytes()), Some(vec![])];
        for secret in secrets.into_iter().flatten() {
            let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
            header.kid = Some("k".into());
            let token = Signer::secret(&secret).token_with(&header, &claims());
            assert_eq!(service.authenticate(&token, now()).await, Err(Error::Algorithm));
        }
    }
}

#[actix_rt::test]
async fn a_shared_secret_in_a_public_set_is_passed_over() {
    let secret = Signer {
        jwk: json!({"kty": "oct", "kid": "s", "alg": "HS256", "k": URL_SAFE_NO_PAD.encode(SECRET)}),
        ..Signer::secret(&SECRET)
    };
    let good = Signer::ed25519("k");
    let service = Published::new(&[&secret, &good]).service();
    assert_eq!(service.authenticate(&secret.token(&claims()), now()).await, Err(Error::Algorithm));
    assert!(service.authenticate(&good.token(&claims()), now()).await.is_ok());

    let only_secret = Published::new(&[&secret]).service();
    assert_eq!(only_secret.authenticate(&good.token(&claims()), now()).await, Err(Error::KeysUnavailable));
}

#[actix_rt::test]
async fn a_key_serves_the_algorithm_it_was_made_for_and_no_other() {
    let rsa = Signer::rsa("k");
    let service = Published::new(&[&rsa]).service();
    for algorithm in [jsonwebtoken::Algorithm::RS512, jsonwebtoken::Algorithm::PS256] {
        let mut header = jsonwebtoken::Header::new(algorithm);
        header.kid = Some("k".into());
        assert_eq!(service.authenticate(&rsa.token_with(&header, &claims()), now()).await, Err(Error::Algorithm));
    }
    let other = Signer::ed25519("k");
    assert_eq!(service.authenticate(&other.token(&claims()), now()).await, Err(Error::Algorithm));
}

#[actix_rt::test]
async fn an_algorithm_that_is_not_allowed_is_refused_though_its_key_is_published() {
    let signer = Signer::p256("k");
    let strict = IssuerOptions { algorithms: vec![Algorithm::EdDSA], jwks_url: Some("https://a.example/".into()), ..issuer() };
    let published = Published::new(&[&signer]);
    let service = published.service_for(strict);
    assert_eq!(service.authenticate(&signer.token(&claims()), now()).await, Err(Error::Algorithm));
    assert_eq!(published.fetches(), 0);
}

#[actix_rt::test]
async fn keys_for_other_uses_and_weak_ones_are_passed_over() {
    let with_part = |mut signer: Signer, name: &str, value: Value| {
        signer.jwk[name] = value;
        signer
    };
    for unusable in [
        with_part(Signer::ed25519("k"), "use", json!("enc")),
        with_part(Signer::ed25519("k"), "key_ops", json!(["sign"])),
        with_part(Signer::rsa("k"), "alg", json!("RS512")),
        with_part(Signer::rsa("k"), "n", json!(URL_SAFE_NO_PAD.encode([255; 128]))),
        with_part(Signer::p256("k"), "crv", json!("P-384")),
        with_part(Signer::p256("k"), "kty", json!("unheard-of")),
    ] {
        let good = Signer::ed25519("good");
        let service = Published::new(&[&unusable, &good]).service();
        assert_eq!(service.authenticate(&unusable.token(&claims()), now()).await, Err(Error::UnknownKey), "{}", unusable.jwk);
        assert!(service.authenticate(&good.token(&claims()), now()).await.is_ok());
    }
}

#[actix_rt::test]
async fn a_token_that_names_no_key_is_tried_with_those_of_its_algorithm() {
    let signers = [Signer::p256("a"), Signer::ed25519("b"), Signer::ed25519("c")];
    let service = Published::new(&signers.iter().collect::<Vec<_>>()).service();
    let nameless = |signer: &Signer| signer.token_with(&jsonwebtoken::Header::new(signer.algorithm), &claims());
    for signer in &signers {
        assert!(service.authenticate(&nameless(signer), now()).await.is_ok());
    }
    assert_eq!(service.authenticate(&nameless(&Signer::ed25519("d")), now()).await, Err(Error::Signature));
    assert_eq!(service.authenticate(&nameless(&Signer::rsa("e")), now()).await, Err(Error::UnknownKey));
}

#[actix_rt::test]
async fn a_new_key_is_found_when_a_token_names_it() {
    let (old, new) = (Signer::ed25519("old"), Signer::ed25519("new"));
    let published = Published::new(&[&old]);
    let service = published.service();
    assert!(service.authenticate(&old.token(&claims()), now()).await.is_ok());

    published.publish(&[&old, &new]);
    assert!(service.authenticate(&new.token(&lasting()), later(60)).await.is_ok());
    assert_eq!(published.fetches(), 2);
}

#[actix_rt::test]
async fn a_withdrawn_key_stops_working_after_the_refresh_interval() {
    let (old, new) = (Signer::ed25519("old"), Signer::ed25519("new"));
    let published = Published::new(&[&old]);
    let service = published.service();
    let token = old.token(&lasting());
    assert!(service.authenticate(&token, now()).await.is_ok());

    published.publish(&[&new]);
    assert!(service.authenticate(&token, later(3599)).await.is_ok());
    assert_eq!(service.authenticate(&token, later(3599 + 60)).await, Err(Error::UnknownKey));
}

#[actix_rt::test]
async fn strangers_with_made_up_key_names_cause_one_fetch_per_interval() {
    let good = Signer::ed25519("good");
    let published = Published::new(&[&good]);
    let service = published.service();
    assert!(service.authenticate(&good.token(&claims()), now()).await.is_ok());
    let stranger = Signer::ed25519("made-up");

    for second in 0..300 {
        let token = stranger.token(&with("sub", json!(format!("s{second}"))));
        assert_eq!(service.authenticate(&token, later(second)).await, Err(Error::UnknownKey));
    }
    assert_eq!(published.fetches(), 10, "the first, and one each 30 seconds for 5 minutes");
}

#[actix_rt::test]
async fn an_issuer_that_is_down_is_asked_less_and_less_and_recovers() {
    let signer = Signer::ed25519("k");
    let published = Published::new(&[&signer]);
    published.fail();
    let service = published.service();
    let token = signer.token(&lasting());

    for second in 0..3600 {
        assert_eq!(service.authenticate(&token, later(second)).await, Err(Error::KeysUnavailable));
    }
    assert!((10..25).contains(&published.fetches()), "{} fetches in an hour", published.fetches());

    published.publish(&[&signer]);
    assert!(service.authenticate(&token, later(3600 + 300)).await.is_ok());
}

#[actix_rt::test]
async fn known_keys_outlive_an_outage_for_a_day() {
    let signer = Signer::ed25519("k");
    let published = Published::new(&[&signer]);
    let service = published.service();
    let token = signer.token(&lasting());
    assert!(service.authenticate(&token, now()).await.is_ok());

    published.fail();
    assert!(service.authenticate(&token, later(3600 + 86_400 - 1)).await.is_ok());
    assert_eq!(service.authenticate(&token, later(3600 + 86_400 + 60)).await, Err(Error::KeysUnavailable));
}

#[actix_rt::test]
async fn an_answer_that_is_no_key_set_keeps_the_old_keys() {
    let signer = Signer::ed25519("k");
    let published = Published::new(&[&signer]);
    let service = published.service();
    let token = signer.token(&lasting());
    assert!(service.authenticate(&token, now()).await.is_ok());

    for answer in [json!({}), json!([]), json!("x"), json!({"keys": []}), json!({"keys": [1, null, {"kty": "EC"}]})] {
        *published.answer.lock() = Ok(answer);
        assert!(service.authenticate(&token, later(7200)).await.is_ok());
    }
}

#[actix_rt::test]
async fn requests_that_come_together_cause_one_fetch() {
    let signer = Signer::ed25519("k");
    let published = Published::new(&[&signer]);
    let service = published.service();
    let tokens: Vec<_> = (0..50).map(|n| signer.token(&with("sub", json!(format!("s{n}"))))).collect();

    let outcomes = futures::future::join_all(tokens.iter().map(|token| service.authenticate(token, now()))).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(published.fetches(), 1);
}

#[actix_rt::test]
async fn a_clock_that_is_set_back_does_not_stop_refreshing() {
    let (old, new) = (Signer::ed25519("old"), Signer::ed25519("new"));
    let published = Published::new(&[&old]);
    let service = published.service();
    assert!(service.authenticate(&old.token(&lasting()), later(500_000)).await.is_ok());

    published.publish(&[&new]);
    assert!(service.authenticate(&new.token(&lasting()), now()).await.is_ok());
}

#[actix_rt::test]
async fn a_key_set_is_read_from_a_file_and_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let (old, new) = (Signer::ed25519("old"), Signer::p256("new"));
    std::fs::write(&path, set_of(&[&old]).to_string()).unwrap();
    let options = Options { issuers: vec![IssuerOptions { jwks_file: Some(path.clone()), ..issuer() }], ..Options::default() };
    let service = Service::new(&options, &keys()).unwrap();
    assert!(service.authenticate(&old.token(&claims()), now()).await.is_ok());

    std::fs::write(&path, set_of(&[&old, &new]).to_string()).unwrap();
    assert!(service.authenticate(&new.token(&claims()), later(60)).await.is_ok());
}

#[test]
fn a_key_file_that_is_missing_or_useless_shows_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let options = Options { issuers: vec![IssuerOptions { jwks_file: Some(path.clone()), ..issuer() }], ..Options::default() };
    let refused = || Service::new(&options, &keys()).unwrap_err().to_string();

    assert!(refused().contains("cannot be read"));
    std::fs::write(&path, r#"{"keys": []}"#).unwrap();
    assert!(refused().contains("no usable key"));
    std::fs::write(&path, " ".repeat(fetch::MAX_JWKS + 1)).unwrap();
    assert!(refused().contains("too long"));
}

#[actix_rt::test]
async fn key_sets_fetched_at_the_start_are_there_for_the_first_request() {
    let signer = Signer::ed25519("k");
    let published = Published::new(&[&signer]);
    let service = published.service();
    service.fetch_key_sets(now()).await;
    assert_eq!(published.fetches(), 1);
    assert!(service.authenticate(&signer.token(&claims()), now()).await.is_ok());
    assert_eq!(published.fetches(), 1);
}

/// Whether other threads may hold it is settled by the compiler.
#[test]
fn the_service_is_shared_between_threads() {
    fn shared<T: Send + Sync>(value: T) -> T {
        value
    }
    fn sent<T: Send>(_: T) {}
    let service = shared(service());
    sent(service.authenticate("", now()));
}

/// Answers one request after the other, each with the next of `answers`.
fn serve(answers: Vec<Vec<u8>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(&answer);
        }
    });
    format!("http://{address}/keys")
}

fn http(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}").into_bytes()
}

#[actix_rt::test]
async fn a_key_set_is_fetched_over_http_without_redirects_or_excess() {
    let signer = Signer::ed25519("k");
    let set = set_of(&[&signer]).to_string();
    let elsewhere = serve(vec![http("200 OK", "", &set)]);
    let url = serve(vec![
        http("500 Internal Server Error", "", &set),
        http("302 Found", &format!("location: {elsewhere}\r\n"), ""),
        http("200 OK", "", &" ".repeat(fetch::MAX_JWKS + 1)),
        http("200 OK", "", &set),
    ]);
    let options = Options { issuers: vec![IssuerOptions { jwks_url: Some(url), ..issuer() }], ..Options::default() };
    let service = Service::new(&options, &keys()).unwrap();
    let token = signer.token(&lasting());

    for (at, answer) in [(0, "an error"), (10, "a redirect"), (20, "too much")] {
        assert_eq!(service.authenticate(&token, later(at)).await, Err(Error::KeysUnavailable), "{answer}");
    }
    assert!(service.authenticate(&token, later(30)).await.is_ok());
}
