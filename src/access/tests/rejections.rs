//! What makes the token of an organization good, and every way in which it is not.

use chrono::TimeDelta;

use super::*;

async fn outcome(claims: &Value) -> Result<Arc<Caller>, Error> {
    service().authenticate(&signer().token(claims), now()).await
}

#[actix_rt::test]
async fn a_good_token_says_who_calls_for_whom_with_which_roles() {
    let caller = outcome(&claims()).await.unwrap();

    let roles = [Role::SignProcess, Role::DocumentsRead].into_iter().collect();
    let grant = Grant::Organization { organizations: vec!["acme".into(), "second".into()], roles };
    let expected = Caller { subject: "back-end".into(), issuer: ISSUER.into(), audience: "rubrica".into(), grant };
    assert_eq!(*caller, expected);
}

#[actix_rt::test]
async fn one_organization_and_one_audience_may_stand_as_text() {
    let mut claims = without("organizations");
    claims["organization"] = json!("acme");
    claims["aud"] = json!("rubrica-test");
    let caller = outcome(&claims).await.unwrap();
    assert!(caller.belongs_to("acme") && !caller.belongs_to("second"));
    assert_eq!(caller.audience, "rubrica-test");
}

#[actix_rt::test]
async fn a_token_without_roles_may_do_nothing() {
    let caller = outcome(&without("roles")).await.unwrap();
    assert!(Role::ALL.into_iter().all(|role| !caller.has(role)));
}

#[actix_rt::test]
async fn a_token_ends_with_its_expiry_and_the_leeway() {
    let token = signer().token(&with("exp", json!(now().timestamp() + 10)));
    let at = async |seconds| service().authenticate(&token, now() + TimeDelta::seconds(seconds)).await.map(|_| ());

    assert_eq!(at(39).await, Ok(()));
    assert_eq!(at(40).await, Err(Error::Expired));
    assert_eq!(at(1_000_000).await, Err(Error::Expired));
}

#[actix_rt::test]
async fn a_remembered_token_ends_with_its_expiry_too() {
    let service = service();
    let token = signer().token(&with("exp", json!(now().timestamp() + 10)));
    assert!(service.authenticate(&token, now()).await.is_ok());
    assert!(service.authenticate(&token, now() + TimeDelta::seconds(39)).await.is_ok());
    assert_eq!(service.authenticate(&token, now() + TimeDelta::seconds(40)).await, Err(Error::Expired));
}

#[actix_rt::test]
async fn a_remembered_token_gives_the_same_caller() {
    let service = service();
    let token = signer().token(&claims());
    let first = service.authenticate(&token, now()).await.unwrap();
    let second = service.authenticate(&token, now()).await.unwrap();
    assert!(Arc::ptr_eq(&first, &second));
}

#[actix_rt::test]
async fn a_token_from_the_future_is_refused() {
    for claim in ["nbf", "iat"] {
        assert!(outcome(&with(claim, json!(now().timestamp() + 30))).await.is_ok());
        assert_eq!(outcome(&with(claim, json!(now().timestamp() + 31))).await, Err(Error::NotYetValid), "{claim}");
    }
}

#[actix_rt::test]
async fn another_audience_or_none_is_refused() {
    for audience in [json!("elsewhere"), json!(["elsewhere", "RUBRICA"]), json!([]), json!(""), Value::Null] {
        assert_eq!(outcome(&with("aud", audience)).await, Err(Error::Audience));
    }
    assert_eq!(outcome(&without("aud")).await, Err(Error::Audience));
}

#[actix_rt::test]
async fn another_issuer_or_none_is_refused() {
    for issuer in [json!("https://evil.example/"), json!("https://id.example.com"), json!([ISSUER]), Value::Null] {
        assert_eq!(outcome(&with("iss", issuer)).await, Err(Error::Issuer));
    }
    assert_eq!(outcome(&without("iss")).await, Err(Error::Issuer));
}

#[actix_rt::test]
async fn claims_that_are_missing_or_odd_are_refused_by_name() {
    for (claims, named) in [
        (without("exp"), "exp"),
        (with("exp", json!(-1)), "exp"),
        (with("exp", json!(1e300)), "exp"),
        (with("exp", json!(u64::MAX)), "exp"),
        (with("nbf", json!(-5)), "nbf"),
        (without("sub"), "sub"),
        (with("sub", json!("")), "sub"),
        (with("sub", json!("s".repeat(257))), "sub"),
        (without("organizations"), "organizations"),
        (with("organizations", json!([])), "organizations"),
        (with("organizations", json!(["acme", ""])), "organizations"),
        (with("organizations", json!(vec!["acme"; 257])), "organizations"),
        (with("organizations", json!("acme")), "type"),
        (with("roles", json!("sign")), "type"),
        (with("exp", json!("soon")), "type"),
        (with("sub", json!(7)), "type"),
    ] {
        match outcome(&claims).await {
            Err(Error::Claims(text)) => assert!(text.contains(named), "{text} does not name {named}"),
            other => panic!("{named}: {other:?}"),
        }
    }
}

#[actix_rt::test]
async fn a_wrong_key_is_refused() {
    let token = Signer::secret(&[8; 32]).token(&claims());
    assert_eq!(service().authenticate(&token, now()).await, Err(Error::Signature));
}

#[actix_rt::test]
async fn a_token_changed_anywhere_is_refused() {
    let service = service();
    let token = signer().token(&claims());
    let last = token.len() - 1;
    for position in (0..last).filter(|position| token.as_bytes()[*position] != b'.') {
        let mut changed = token.clone().into_bytes();
        changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(service.authenticate(&changed, now()).await.is_err(), "changed at {position}");
    }
}

#[actix_rt::test]
async fn more_rights_written_into_a_token_are_refused() {
    let good = signer().token(&claims());
    let [header, _, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!() };
    let more = URL_SAFE_NO_PAD.encode(with("organizations", json!(["other"])).to_string());
    let forged = format!("{header}.{more}.{signature}");
    assert_eq!(service().authenticate(&forged, now()).await, Err(Error::Signature));
}

#[actix_rt::test]
async fn unsigned_tokens_are_refused() {
    let body = URL_SAFE_NO_PAD.encode(claims().to_string());
    for algorithm in ["none", "None", "NONE", "", "HS1"] {
        let header = URL_SAFE_NO_PAD.encode(json!({"alg": algorithm, "typ": "JWT"}).to_string());
        for signature in ["", "AAAA"] {
            let outcome = service().authenticate(&format!("{header}.{body}.{signature}"), now()).await;
            assert!(matches!(outcome, Err(Error::Malformed(_))), "{algorithm}: {outcome:?}");
        }
    }
    let signed = signer().token(&claims());
    let stripped = &signed[..=signed.rfind('.').unwrap()];
    assert_eq!(service().authenticate(stripped, now()).await, Err(Error::Signature));
}

#[actix_rt::test]
async fn what_is_no_token_is_refused() {
    let long = "a".repeat(MAX_TOKEN + 1);
    for text in ["", ".", "..", "...", "a.b", "a.b.c", "a.b.c.d", "é.è.à", long.as_str()] {
        let outcome = service().authenticate(text, now()).await;
        assert!(matches!(outcome, Err(Error::Malformed(_))), "{outcome:?}");
    }
}

#[actix_rt::test]
async fn other_algorithms_of_the_same_secret_are_refused() {
    for algorithm in [jsonwebtoken::Algorithm::HS384, jsonwebtoken::Algorithm::HS512] {
        let token = signer().token_with(&jsonwebtoken::Header::new(algorithm), &claims());
        assert_eq!(service().authenticate(&token, now()).await, Err(Error::Algorithm));
    }
    let token = Signer::ed25519("k").token(&claims());
    assert_eq!(service().authenticate(&token, now()).await, Err(Error::Algorithm));
}

#[actix_rt::test]
async fn headers_that_ask_for_more_are_refused() {
    let mut critical = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
    critical.crit = Some(vec!["b64".into()]);
    let mut other_kind = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
    other_kind.typ = Some("dpop+jwt".into());
    for header in [critical, other_kind] {
        let outcome = service().authenticate(&signer().token_with(&header, &claims()), now()).await;
        assert!(matches!(outcome, Err(Error::Malformed(_))), "{outcome:?}");
    }
    for kind in [None, Some("JWT"), Some("jwt"), Some("at+jwt"), Some("application/at+jwt")] {
        let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
        header.typ = kind.map(str::to_owned);
        assert!(service().authenticate(&signer().token_with(&header, &claims()), now()).await.is_ok(), "{kind:?}");
    }
}

#[actix_rt::test]
async fn an_issuer_speaks_only_for_the_organizations_it_is_limited_to() {
    let limited = IssuerOptions { organizations: vec!["acme".into()], ..with_secret() };
    let service = Service::new(&Options { issuers: vec![limited], ..Options::default() }, &keys()).unwrap();

    let caller = service.authenticate(&signer().token(&claims()), now()).await.unwrap();
    assert!(caller.belongs_to("acme") && !caller.belongs_to("second"));
    let foreign = signer().token(&with("organizations", json!(["second"])));
    assert_eq!(service.authenticate(&foreign, now()).await, Err(Error::Organization));
}

#[test]
fn the_authorization_header_is_read_as_rfc_6750_has_it() {
    assert_eq!(bearer("Bearer abc"), Ok("abc"));
    assert_eq!(bearer("bearer  abc "), Ok("abc"));
    for refused in ["", "Bearer", "Bearer ", "Basic abc", "abc", "Bearerabc"] {
        assert_eq!(bearer(refused), Err(Error::Missing), "{refused:?}");
    }
}

#[test]
fn options_that_contradict_themselves_are_refused() {
    let refused = |issuers: Vec<IssuerOptions>| {
        let options = Options { issuers, ..Options::default() };
        Service::new(&options, &keys()).unwrap_err().to_string()
    };
    let url = || IssuerOptions { jwks_url: Some("https://id.example.com/keys".into()), ..issuer() };

    assert!(refused(vec![issuer()]).contains("exactly one"));
    assert!(refused(vec![IssuerOptions { secret: with_secret().secret, ..url() }]).contains("exactly one"));
    assert!(refused(vec![IssuerOptions { algorithms: vec![Algorithm::HS256], ..url() }]).contains("algorithms"));
    assert!(refused(vec![IssuerOptions { algorithms: vec![Algorithm::RS256], ..with_secret() }]).contains("algorithms"));
    assert!(refused(vec![IssuerOptions { audiences: vec![], ..url() }]).contains("audiences"));
    assert!(refused(vec![IssuerOptions { secret: Some(Secret::new("c2hvcnQ=")), ..issuer() }]).contains("shorter"));
    assert!(refused(vec![IssuerOptions { jwks_url: Some("http://id.example.com/".into()), ..issuer() }]).contains("https"));
    assert!(refused(vec![url(), url()]).contains("twice"));
    for reserved in ["rubrica-internal", "rubrica-development"] {
        assert!(refused(vec![IssuerOptions { issuer: reserved.into(), ..with_secret() }]).contains("reserved"));
    }
}

#[test]
fn options_are_read_from_a_file_and_unknown_ones_refused() {
    let text = r#"
        development = true
        clock_leeway = "PT0S"
        signature_token_lifetime = "PT10M"
        [[issuers]]
        issuer = "https://id.example.com/"
        audiences = ["rubrica"]
        algorithms = ["ES256", "EdDSA"]
        jwks_url = "https://id.example.com/keys"
    "#;
    let options: Options = toml::from_str(text).unwrap();
    assert!(options.check().is_ok() && options.development);
    assert_eq!(options.clock_leeway, TimeDelta::zero());
    assert_eq!(options.signature_token_lifetime, TimeDelta::minutes(10));
    assert_eq!(options.issuers[0].algorithms, [Algorithm::ES256, Algorithm::EdDSA]);

    assert!(toml::from_str::<Options>("developmnt = true").is_err());
    assert!(toml::from_str::<Options>("[[issuers]]\nissuer = 'a'\naudiences = ['b']\nalgorithms = ['none']").is_err());
    let too_long: Options = toml::from_str("signature_token_lifetime = 'P2D'").unwrap();
    assert!(too_long.check().unwrap_err().to_string().contains("signature_token_lifetime must be PT1S to P1D"));
}

#[test]
fn secrets_are_not_shown() {
    let shown = format!("{:?} {:?}", with_secret(), service());
    assert!(!shown.contains(&STANDARD.encode(SECRET)) && shown.contains("Secret(..)"), "{shown}");
}
