//! ID tokens: whoever did not just sign in, for this client and this sign-in, is nobody.

use super::*;
use crate::access::id_token::{Expected, IdTokens};

const CLIENT: &str = "rubrica-console";
const NONCE: &str = "nonce-1";

fn person() -> Value {
    json!({
        "iss": ISSUER, "aud": CLIENT, "sub": "u-17", "exp": now().timestamp() + 300, "iat": now().timestamp(), "nonce": NONCE,
        "name": "Ana López", "organizations": ["acme", "second"], "realm_access": {"roles": ["console_operate", "else"]},
    })
}

fn changed(name: &str, value: Value) -> Value {
    let mut claims = person();
    match value {
        Value::Null => _ = claims.as_object_mut().unwrap().remove(name),
        value => claims[name] = value,
    }
    claims
}

fn tokens(signer: &Signer) -> IdTokens {
    let expected = Expected {
        issuer: ISSUER.into(),
        client_id: CLIENT.into(),
        leeway: TimeDelta::seconds(30),
        organizations_claim: "organizations".into(),
        roles_claim: "realm_access.roles".into(),
    };
    IdTokens::new(expected, Published::new(&[signer]))
}

#[actix_rt::test]
async fn a_token_of_this_sign_in_says_who_it_is() {
    for signer in [Signer::ed25519("k"), Signer::p256("k"), Signer::rsa("k")] {
        let person = tokens(&signer).verify(&signer.token(&person()), NONCE, now()).await.unwrap();
        assert_eq!((person.subject.as_str(), person.name.as_str()), ("u-17", "Ana López"));
        assert_eq!(person.organizations, ["acme", "second"]);
        assert_eq!(person.roles.iter().collect::<Vec<_>>(), [Role::Console, Role::ConsoleOperate]);
    }
}

#[actix_rt::test]
async fn a_name_is_found_and_kept_short() {
    let signer = Signer::ed25519("k");
    let long = "é".repeat(500);
    for (claim, value, shown) in [
        ("name", json!(long), "é".repeat(80)),
        ("name", json!("a\u{7}b\n"), "ab".into()),
        ("name", Value::Null, "u-17".into()),
        ("name", json!(""), "u-17".into()),
    ] {
        let token = signer.token(&changed(claim, value));
        assert_eq!(tokens(&signer).verify(&token, NONCE, now()).await.unwrap().name, shown);
    }
}

#[actix_rt::test]
async fn who_has_neither_organization_nor_role_is_told_apart_from_a_forged_token() {
    let signer = Signer::ed25519("k");
    let mut claims = changed("organizations", Value::Null);
    claims["realm_access"] = json!({});
    let person = tokens(&signer).verify(&signer.token(&claims), NONCE, now()).await.unwrap();
    assert!(person.organizations.is_empty() && person.roles == RoleSet::NONE);
}

#[actix_rt::test]
async fn a_token_of_another_sign_in_client_issuer_or_time_is_refused() {
    let signer = Signer::ed25519("k");
    let at = now().timestamp();
    for (name, value, error) in [
        ("nonce", json!("nonce-2"), Error::Claims("nonce is not that of this sign-in")),
        ("nonce", Value::Null, Error::Claims("nonce is not that of this sign-in")),
        ("aud", json!("another"), Error::Audience),
        ("aud", json!([]), Error::Audience),
        ("aud", Value::Null, Error::Audience),
        ("aud", json!([CLIENT, "another"]), Error::Audience),
        ("azp", json!("another"), Error::Audience),
        ("iss", json!("https://id.example.com"), Error::Issuer),
        ("iss", Value::Null, Error::Issuer),
        ("exp", json!(at - 31), Error::Expired),
        ("exp", Value::Null, Error::Claims("exp is missing")),
        ("exp", json!("soon"), Error::Claims("exp is not a time")),
        ("iat", json!(at + 31), Error::NotYetValid),
        ("sub", json!(""), Error::Claims("sub is missing or too long")),
        ("sub", json!(17), Error::Claims("sub is missing or too long")),
    ] {
        let refused = tokens(&signer).verify(&signer.token(&changed(name, value.clone())), NONCE, now()).await;
        assert_eq!(refused, Err(error), "{name}: {value}");
    }
    let mut for_two = changed("aud", json!(["another", CLIENT]));
    for_two["azp"] = json!(CLIENT);
    assert!(tokens(&signer).verify(&signer.token(&for_two), NONCE, now()).await.is_ok());
}

#[actix_rt::test]
async fn what_the_provider_did_not_sign_is_refused() {
    let (signer, forger) = (Signer::p256("k"), Signer::p256("k"));
    assert_eq!(tokens(&signer).verify(&forger.token(&person()), NONCE, now()).await, Err(Error::Signature));
    let stranger = Signer::p256("other");
    assert_eq!(tokens(&signer).verify(&stranger.token(&person()), NONCE, now()).await, Err(Error::UnknownKey));
    let secret = Signer::secret(&SECRET);
    assert_eq!(tokens(&signer).verify(&secret.token(&person()), NONCE, now()).await, Err(Error::Algorithm));
    for nonsense in ["", "a.b.c", &"x".repeat(MAX_TOKEN + 1)] {
        assert!(matches!(tokens(&signer).verify(nonsense, NONCE, now()).await, Err(Error::Malformed(_))));
    }
}
