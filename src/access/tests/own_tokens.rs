//! The tokens that the server makes itself, and that none of them passes for another.

use chrono::TimeDelta;

use super::*;

const PROCESS: Uuid = Uuid::from_u128(1);
const SIGNATURE: Uuid = Uuid::from_u128(2);
const CHAIN: Uuid = Uuid::from_u128(3);

fn with_development() -> Service {
    Service::new(&Options { development: true, issuers: vec![with_secret()], ..Options::default() }, &keys()).unwrap()
}

/// A token of another kind signed with the key that is really used for `secret_of`.
fn forged(kind: &str, secret: &[u8], claims: &Value) -> String {
    let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
    header.typ = Some(kind.into());
    Signer::secret(secret).token_with(&header, claims)
}

fn own_claims(purpose: &str) -> Value {
    json!({
        "iss": "rubrica-internal", "aud": "rubrica", "sub": "s", "iat": now().timestamp(), "exp": now().timestamp() + 60,
        "purpose": purpose, "organization": "acme", "target": PROCESS,
        "organizations": ["acme"], "roles": ["sign"],
    })
}

#[actix_rt::test]
async fn securize_gives_a_token_for_one_sign_process_for_an_hour() {
    let service = service();
    let token = service.sign_process_token("back-end", "acme", PROCESS, now());

    let caller = service.authenticate(&token, now()).await.unwrap();
    assert_eq!(caller.subject, "back-end");
    assert_eq!(caller.grant, Grant::SignProcess { organization: "acme".into(), sign_process: PROCESS });
    let end = now() + TimeDelta::hours(1);
    assert!(service.authenticate(&token, end - TimeDelta::seconds(1)).await.is_ok());
    assert_eq!(service.authenticate(&token, end).await, Err(Error::Expired));
}

#[actix_rt::test]
async fn an_identified_signer_gets_a_token_for_one_signature_for_half_an_hour() {
    let service = service();
    let token = service.signature_token("signer", "acme", SIGNATURE, now());

    let caller = service.authenticate(&token, now()).await.unwrap();
    assert_eq!(caller.grant, Grant::Signature { organization: "acme".into(), signature: SIGNATURE });
    let end = now() + TimeDelta::minutes(30);
    assert!(service.authenticate(&token, end - TimeDelta::seconds(1)).await.is_ok());
    assert_eq!(service.authenticate(&token, end).await, Err(Error::Expired));
}

#[actix_rt::test]
async fn the_validation_of_a_chain_gives_a_token_that_reads_it_for_half_an_hour() {
    let service = service();
    let token = service.chain_token("back-end", "acme", CHAIN, now());

    let caller = service.authenticate(&token, now()).await.unwrap();
    assert_eq!(caller.grant, Grant::Chain { organization: "acme".into(), chain: CHAIN });
    let end = now() + TimeDelta::minutes(30);
    assert!(service.authenticate(&token, end - TimeDelta::seconds(1)).await.is_ok());
    assert_eq!(service.authenticate(&token, end).await, Err(Error::Expired));
}

#[actix_rt::test]
async fn a_signers_link_gives_a_token_for_its_generation_for_an_hour() {
    let service = service();
    let (token, end) = service.signer_link_token("acme", SIGNATURE, 2, now());

    let caller = service.authenticate(&token, now()).await.unwrap();
    assert_eq!(caller.grant, Grant::SignerLink { organization: "acme".into(), signature: SIGNATURE, generation: 2 });
    assert_eq!(caller.subject, SIGNATURE.to_string());
    assert_eq!(end, now() + TimeDelta::hours(1));
    assert!(service.authenticate(&token, end - TimeDelta::seconds(1)).await.is_ok());
    assert_eq!(service.authenticate(&token, end).await, Err(Error::Expired));
    let link_key = keys().derive("access/signer-link-token/v1");
    let without = forged("rubrica-signer-link+jwt", &link_key, &own_claims("signer_link"));
    assert_eq!(service.authenticate(&without, now()).await, Err(Error::Claims("generation is missing")));
}

#[actix_rt::test]
async fn nodes_with_the_same_master_key_take_each_others_tokens_and_no_one_elses() {
    let token = service().sign_process_token("s", "acme", PROCESS, now());
    assert!(service().authenticate(&token, now()).await.is_ok());

    let stranger = Service::new(&Options::default(), &Keys::from_bytes(&[4; 32])).unwrap();
    assert_eq!(stranger.authenticate(&token, now()).await, Err(Error::Signature));
}

#[actix_rt::test]
async fn a_token_for_one_purpose_never_passes_for_the_other() {
    let process_key = keys().derive("access/sign-process-token/v1");
    let signature_key = keys().derive("access/signature-token/v1");
    let chain_key = keys().derive("access/chain-token/v1");
    let link_key = keys().derive("access/signer-link-token/v1");
    let link_kind = "rubrica-signer-link+jwt";
    let (process_kind, signature_kind, chain_kind) = ("rubrica-sign-process+jwt", "rubrica-signature+jwt", "rubrica-chain+jwt");
    for (kind, secret, purpose) in [(process_kind, &process_key, "sign_process"), (chain_kind, &chain_key, "chain")] {
        let good = forged(kind, secret, &own_claims(purpose));
        assert!(service().authenticate(&good, now()).await.is_ok(), "the forger knows how a real one looks");
    }

    for (kind, secret, purpose) in [
        (process_kind, &signature_key, "sign_process"),
        (process_kind, &process_key, "signature"),
        (signature_kind, &process_key, "signature"),
        (signature_kind, &signature_key, "sign_process"),
        (chain_kind, &signature_key, "chain"),
        (chain_kind, &chain_key, "signature"),
        (signature_kind, &chain_key, "signature"),
        (link_kind, &signature_key, "signer_link"),
        (link_kind, &link_key, "signature"),
        (signature_kind, &link_key, "signature"),
        (signature_kind, &signature_key, "signer_link"),
        ("JWT", &process_key, "sign_process"),
        ("at+jwt", &signature_key, "signature"),
    ] {
        let outcome = service().authenticate(&forged(kind, secret, &own_claims(purpose)), now()).await;
        assert!(matches!(outcome, Err(Error::Signature | Error::Issuer)), "{kind} {purpose}: {outcome:?}");
    }
}

#[actix_rt::test]
async fn a_configured_or_development_issuer_cannot_make_the_servers_own_tokens() {
    let development_key = keys().derive("access/development-token/v1");
    for secret in [&SECRET, &development_key] {
        for kind in ["rubrica-sign-process+jwt", "rubrica-signature+jwt", "rubrica-chain+jwt", "rubrica-signer-link+jwt"] {
            let outcome = with_development().authenticate(&forged(kind, secret, &own_claims("sign_process")), now()).await;
            assert!(outcome.is_err(), "{outcome:?}");
            let mut claims = claims();
            claims["purpose"] = json!("sign_process");
            claims["target"] = json!(PROCESS);
            let outcome = with_development().authenticate(&forged(kind, secret, &claims), now()).await;
            assert!(outcome.is_err(), "{outcome:?}");
        }
    }
}

#[actix_rt::test]
async fn the_servers_own_keys_cannot_make_an_organization_token() {
    let purposes = ["sign-process-token", "signature-token", "chain-token", "signer-link-token"];
    for purpose in purposes.map(|purpose| format!("access/{purpose}/v1")) {
        for issuer in [ISSUER, development::ISSUER] {
            let token = forged("JWT", &keys().derive(&purpose), &with("iss", json!(issuer)));
            assert_eq!(with_development().authenticate(&token, now()).await, Err(Error::Signature));
        }
    }
}

#[actix_rt::test]
async fn a_development_token_works_only_where_the_development_issuer_is_on() {
    let token = development::token(&keys(), "acme", &[], TimeDelta::hours(8), now());

    let caller = with_development().authenticate(&token, now()).await.unwrap();
    assert_eq!(caller.grant, Grant::Organization { organizations: vec!["acme".into()], roles: RoleSet::all() });
    assert_eq!(service().authenticate(&token, now()).await, Err(Error::Issuer));
    let late = now() + TimeDelta::hours(8) + TimeDelta::minutes(1);
    assert_eq!(with_development().authenticate(&token, late).await, Err(Error::Expired));
}

#[actix_rt::test]
async fn a_development_token_carries_the_roles_asked_for() {
    let token = development::token(&keys(), "acme", &[Role::Sign], TimeDelta::hours(1), now());
    let caller = with_development().authenticate(&token, now()).await.unwrap();
    let roles: Vec<_> = Role::ALL.into_iter().filter(|role| caller.has(*role)).collect();
    assert_eq!(roles, [Role::Sign]);
}

#[actix_rt::test]
async fn a_development_token_of_another_folder_is_refused() {
    let token = development::token(&Keys::from_bytes(&[5; 32]), "acme", &[], TimeDelta::hours(1), now());
    assert_eq!(with_development().authenticate(&token, now()).await, Err(Error::Signature));
}
