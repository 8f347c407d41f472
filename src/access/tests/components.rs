//! The token of the web component of consents: for one customer and one actor, whom it does not tell.

use chrono::TimeDelta;

use super::*;

const COMPONENT: Component<'static> =
    Component { organization: "acme", customer_id: "100000000001", actor_id: "AG000123", subject: "back-end" };

fn token() -> String {
    service().component_token(&COMPONENT, TimeDelta::minutes(15), now()).unwrap()
}

fn part(token: &str, index: usize) -> Value {
    let part = URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap();
    serde_json::from_slice(&part).unwrap()
}

/// A token with these claims, signed with the key that is really used.
fn forged(kind: &str, claims: &Value) -> String {
    let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
    header.typ = Some(kind.into());
    Signer::secret(&keys().derive("access/component-token/v1")).token_with(&header, claims)
}

#[actix_rt::test]
async fn it_is_for_one_customer_and_one_actor_and_ends_with_its_lifetime() {
    let (service, token) = (service(), token());
    let caller = service.authenticate(&token, now()).await.unwrap();
    let grant = Grant::Customer { organization: "acme".into(), customer_id: "100000000001".into(), actor_id: "AG000123".into() };
    assert_eq!((caller.subject.as_str(), &caller.grant), ("back-end", &grant));
    let end = now() + TimeDelta::minutes(15);
    assert!(service.authenticate(&token, end - TimeDelta::seconds(1)).await.is_ok());
    assert_eq!(service.authenticate(&token, end).await, Err(Error::Expired));
}

#[test]
fn it_tells_nobody_for_whom_it_is() {
    let token = token();
    assert_eq!(part(&token, 0)["typ"], "rubrica-consents+jwt");
    let claims = part(&token, 1);
    let names: Vec<_> = claims.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["aud", "exp", "iat", "iss", "organization", "purpose", "sealed"]);
    let sealed = URL_SAFE_NO_PAD.decode(claims["sealed"].as_str().unwrap()).unwrap();
    for personal in ["100000000001", "AG000123", "back-end"] {
        assert!(!claims.to_string().contains(personal) && !String::from_utf8_lossy(&sealed).contains(personal));
    }
    assert_ne!(token, self::token(), "of two for the same customer nobody sees that they are");
}

#[actix_rt::test]
async fn what_is_sealed_opens_for_its_organization_and_month_only() {
    let good = part(&token(), 1);
    assert!(
        service().authenticate(&forged("rubrica-consents+jwt", &good), now()).await.is_ok(),
        "the forger knows how one looks"
    );
    let next_month = now().timestamp() + 40 * 86_400;
    for (claim, value) in
        [("organization", json!("other")), ("iat", json!(next_month)), ("sealed", json!("AAAA")), ("sealed", json!("*"))]
    {
        let mut claims = good.clone();
        claims[claim] = value;
        let outcome = service().authenticate(&forged("rubrica-consents+jwt", &claims), now()).await;
        assert_eq!(outcome, Err(Error::Claims("the sealed ids cannot be opened")), "{claim}");
    }
}

#[actix_rt::test]
async fn no_other_token_passes_for_it_nor_it_for_another() {
    let good = part(&token(), 1);
    for kind in ["JWT", "rubrica-sign-process+jwt", "rubrica-signature+jwt", "rubrica-chain+jwt"] {
        assert!(service().authenticate(&forged(kind, &good), now()).await.is_err(), "{kind}");
    }
    for (claim, value) in [("iss", json!(ISSUER)), ("purpose", json!("chain")), ("aud", json!("other"))] {
        let mut claims = good.clone();
        claims[claim] = value;
        assert!(service().authenticate(&forged("rubrica-consents+jwt", &claims), now()).await.is_err(), "{claim}");
    }
    let stranger = Service::new(&Options::default(), &Keys::from_bytes(&[4; 32])).unwrap();
    assert_eq!(stranger.authenticate(&token(), now()).await, Err(Error::Signature));
    let mut altered = token().into_bytes();
    let middle = altered.len() / 2;
    altered[middle] = if altered[middle] == b'A' { b'B' } else { b'A' };
    assert!(service().authenticate(std::str::from_utf8(&altered).unwrap(), now()).await.is_err());
}
