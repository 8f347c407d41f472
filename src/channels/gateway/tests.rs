use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};

use super::{
    super::{
        Channels, Destination, Metrics, Options, Preset, ReceiptOptions, Route,
        senders::{SenderOptions, SendersOptions},
        tests::{message, noon},
    },
    *,
};

/// What the gateway of a test does with a request.
#[derive(Clone)]
enum Script {
    /// Answers with this.
    Answer(String),
    /// Reads the request and never answers.
    Hang,
    /// Reads the request and closes the connection.
    Drop,
    /// Answers with a head that promises more than comes.
    HalfAnAnswer,
}

/// An HTTP server for one request, which it hands out.
async fn serve(script: Script) -> (SocketAddr, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        let mut buffer = [0; 4096];
        while !is_whole(&request) {
            let read = stream.read(&mut buffer).await.unwrap();
            request.extend_from_slice(&buffer[..read]);
            assert!(read > 0, "the request breaks off");
        }
        match script {
            Script::Answer(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
            Script::HalfAnAnswer => {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{").await.unwrap();
                // Until the client gives up.
                let _ = stream.read(&mut buffer).await;
            }
            Script::Hang => {
                let _ = stream.read(&mut buffer).await;
            }
            Script::Drop => {}
        }
        String::from_utf8(request).unwrap()
    });
    (address, server)
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}

fn answer(status: u16, headers: &str, body: &str) -> Script {
    Script::Answer(format!("HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()))
}

fn options(address: SocketAddr) -> GatewayOptions {
    GatewayOptions {
        url: Some(format!("http://{address}/send")),
        plain_http: true,
        body: Some(
            r#"{"to":"{{to}}","text":"{{text}}","code":"{{code}}","ref":"{{ref}}","ttl":{{ttl}},"lang":"{{language}}"}"#.into(),
        ),
        message_id: Some("/id".into()),
        error_text: Some("/error".into()),
        ..GatewayOptions::default()
    }
}

async fn outcome_with(script: Script, change: impl FnOnce(&mut GatewayOptions)) -> (Outcome, String) {
    // Short where it must pass, long where it must not.
    let hangs = matches!(script, Script::Hang | Script::HalfAnAnswer);
    let (address, server) = serve(script).await;
    let mut options = GatewayOptions { timeout_ms: Some(if hangs { 1000 } else { 60_000 }), ..options(address) };
    change(&mut options);
    let gateway = Gateway::new(&options, Channel::Sms).unwrap();
    let outcome = gateway.send(&message(Channel::Sms, "r1"), gateway.sender(), noon()).await;
    drop(gateway);
    (outcome, server.await.unwrap())
}

async fn outcome(script: Script) -> Outcome {
    outcome_with(script, |_| {}).await.0
}

fn accepted(id: Option<&str>) -> Outcome {
    Outcome::Accepted { provider_id: id.map(Into::into) }
}

#[actix_rt::test]
async fn an_accepted_message_has_the_providers_id() {
    assert_eq!(outcome(answer(200, "", r#"{"id":"m-1"}"#)).await, accepted(Some("m-1")));
    assert_eq!(outcome(answer(202, "", r#"{"id":17}"#)).await, accepted(Some("17")));
    assert_eq!(outcome(answer(200, "", "OK")).await, accepted(None));
}

#[actix_rt::test]
async fn values_are_escaped_for_json() {
    let (_, request) = outcome_with(answer(200, "", "{}"), |_| {}).await;
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /send HTTP/1.1") && head.contains("content-type: application/json"), "{head}");
    assert!(!head.contains("123456"), "a code is never in the URL or a header");
    let body: Value = serde_json::from_str(body).unwrap();
    let expected = message(Channel::Sms, "r1");
    let expected = json!({
        "to": "+34600111222", "text": expected.text, "code": "123456", "ref": "r1", "ttl": 300, "lang": "es",
    });
    assert_eq!(body, expected);
}

#[actix_rt::test]
async fn values_are_escaped_for_forms_and_headers_hold_credentials_and_reference() {
    let (_, request) = outcome_with(answer(200, "", "{}"), |options| {
        options.content_type = Some(ContentType::Form);
        options.body = Some("to={{to}}&text={{text}}".into());
        options.method = Some(Method::Put);
        options.authentication = Some(Authentication::Basic);
        options.account = Some("acme".into());
        options.token = Some(Secret::new("s3cret"));
        options.headers.insert("Idempotency-Key".into(), Secret::new("rubrica-{ref}"));
    })
    .await;
    assert!(request.starts_with("PUT /send"), "{request}");
    assert!(request.contains("authorization: Basic YWNtZTpzM2NyZXQ=") && request.contains("idempotency-key: rubrica-r1\r\n"));
    assert!(request.ends_with("to=%2B34600111222&text=123456%20es%20su%20clave%20%26%20%22nada%22%20m%C3%A1s"), "{request}");
}

#[actix_rt::test]
async fn success_can_depend_on_a_member_of_the_answer() {
    let with = |equals: Option<Value>| {
        move |options: &mut GatewayOptions| {
            options.success = Some(Success { pointer: Some("/state".into()), equals, ..Success::default() });
        }
    };
    let queued = || Some(Value::from("queued"));
    let body = r#"{"id":"m-1","state":"queued"}"#;
    assert_eq!(outcome_with(answer(200, "", body), with(queued())).await.0, accepted(Some("m-1")));
    assert_eq!(outcome_with(answer(200, "", body), with(None)).await.0, accepted(Some("m-1")));
    let refused = outcome_with(answer(200, "", r#"{"state":"failed","error":"no such number"}"#), with(queued())).await.0;
    assert_eq!(refused, Outcome::refused("the gateway refuses: no such number"));
    assert!(matches!(outcome_with(answer(200, "", r#"{"state":null}"#), with(None)).await.0, Outcome::Refused { .. }));
    assert!(matches!(outcome_with(answer(200, "", "<html>"), with(queued())).await.0, Outcome::Ambiguous { .. }));
    assert!(matches!(outcome_with(Script::HalfAnAnswer, with(queued())).await.0, Outcome::Ambiguous { .. }));
}

#[actix_rt::test]
async fn a_status_that_settles_it_needs_no_body() {
    assert_eq!(outcome(Script::HalfAnAnswer).await, accepted(None));
    let long = format!("\"{}\"", "x".repeat(MAX_ANSWER));
    assert_eq!(outcome(answer(200, "", &long)).await, accepted(None));
}

#[actix_rt::test]
async fn too_many_requests_is_certain_and_its_pause_is_kept() {
    for (header, seconds) in
        [("7", 7), ("Sat, 21 Nov 2026 12:01:30 GMT", 90), ("Sat, 21 Nov 2026 11:00:00 GMT", 0), ("999999", 3600)]
    {
        let outcome = outcome(answer(429, &format!("retry-after: {header}\r\n"), r#"{"error":"slow down"}"#)).await;
        let reason = "the gateway answered 429: slow down".to_owned();
        assert_eq!(outcome, Outcome::Retry { reason, after: Some(Duration::from_secs(seconds)) }, "{header}");
    }
    assert!(matches!(outcome(answer(503, "retry-after: soon\r\n", "")).await, Outcome::Retry { after: None, .. }));
}

#[actix_rt::test]
async fn a_server_error_leaves_it_open_unless_configured() {
    assert!(matches!(outcome(answer(500, "", "oops")).await, Outcome::Ambiguous { .. }));
    assert!(matches!(outcome(answer(204, "", "")).await, Outcome::Ambiguous { .. }));
    let (certain, _) = outcome_with(answer(500, "", ""), |options| options.retry_statuses = Some(vec![500])).await;
    assert!(matches!(certain, Outcome::Retry { .. }));
}

#[actix_rt::test]
async fn a_refusal_is_for_good_and_repeats_nothing_secret() {
    let refused = outcome(answer(400, "", r#"{"error":"cannot send 123456 to +34600111222"}"#)).await;
    assert_eq!(refused, Outcome::refused("the gateway answered 400: cannot send *** to ***"));
}

#[actix_rt::test]
async fn a_redirect_is_not_followed() {
    let (elsewhere, _server) = serve(answer(200, "", "{}")).await;
    let redirect = answer(307, &format!("location: http://{elsewhere}/\r\n"), "");
    assert_eq!(outcome(redirect).await, Outcome::refused("the gateway answered 307"));
}

#[actix_rt::test]
async fn what_breaks_after_the_request_was_sent_is_ambiguous() {
    for script in [Script::Hang, Script::Drop] {
        let outcome = outcome(script).await;
        assert!(matches!(&outcome, Outcome::Ambiguous { reason } if !reason.contains("127.0.0.1")), "{outcome:?}");
    }
}

#[actix_rt::test]
async fn what_breaks_before_the_request_is_certain() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = listener.local_addr().unwrap();
    drop(listener);
    let (plain, _server) = serve(Script::Hang).await;
    // Nobody listens; no such name (RFC 6761); a handshake that the other side does not know.
    for (url, timeout_ms) in
        [(format!("http://{closed}/"), 60_000), ("http://gateway.invalid/".into(), 60_000), (format!("https://{plain}/"), 1000)]
    {
        let options = GatewayOptions { url: Some(url.clone()), timeout_ms: Some(timeout_ms), ..options(closed) };
        let gateway = Gateway::new(&options, Channel::Sms).unwrap();
        let outcome = gateway.send(&message(Channel::Sms, "r1"), gateway.sender(), noon()).await;
        assert!(matches!(outcome, Outcome::Retry { .. }), "{url}: {outcome:?}");
    }
}

#[actix_rt::test]
async fn requests_beyond_the_bound_wait_and_then_give_up_certainly() {
    let (address, _server) = serve(Script::Hang).await;
    let gateway =
        Gateway::new(&GatewayOptions { connections: Some(1), timeout_ms: Some(100), ..options(address) }, Channel::Sms).unwrap();
    let _slot = gateway.slots.acquire().await.unwrap();
    assert!(matches!(gateway.send(&message(Channel::Sms, "r1"), gateway.sender(), noon()).await, Outcome::Retry { .. }));
}

fn preset(preset: Preset, channel: Channel) -> Gateway {
    let options = GatewayOptions {
        preset: Some(preset),
        account: Some("AC1".into()),
        token: Some(Secret::new("s3cret")),
        sender: Some("+15005550006".into()),
        template: Some("one_time_code".into()),
        ..GatewayOptions::default()
    };
    Gateway::new(&options, channel).unwrap()
}

#[test]
fn the_preset_of_twilio_makes_its_form() {
    let sms = preset(Preset::Twilio, Channel::Sms);
    assert_eq!(sms.url.as_str(), "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json");
    assert!(sms.headers[AUTHORIZATION].to_str().unwrap().starts_with("Basic ") && !sms.is_idempotent());
    let body = sms.render(&message(Channel::Sms, "r1"), sms.sender()).unwrap();
    assert!(
        body.starts_with("To=%2B34600111222&From=%2B15005550006&Body=123456%20") && body.ends_with("&ValidityPeriod=300"),
        "{body}"
    );
    let notice = Message { code: None, ..message(Channel::Sms, "r1") };
    assert!(!sms.render(&notice, sms.sender()).unwrap().contains("ValidityPeriod"));
    let whatsapp = preset(Preset::Twilio, Channel::Whatsapp);
    let whatsapp = whatsapp.render(&notice, whatsapp.sender()).unwrap();
    assert!(whatsapp.starts_with("To=whatsapp%3A%2B34600111222&From=whatsapp%3A%2B15005550006&"), "{whatsapp}");
    assert!(!whatsapp.contains("StatusCallback"), "{whatsapp}");
}

#[test]
fn twilio_is_told_where_to_report_and_its_reports_are_understood() {
    for channel in [Channel::Sms, Channel::Whatsapp] {
        let gateway = preset(Preset::Twilio, channel);
        let reported = Message { receipt_url: Some("https://sign.example.org/receipts/t-1".into()), ..message(channel, "r1") };
        let body = gateway.render(&reported, gateway.sender()).unwrap();
        assert!(body.ends_with("&StatusCallback=https%3A%2F%2Fsign.example.org%2Freceipts%2Ft-1"), "{body}");
        let read = |word: &str| gateway.receipt(format!("MessageSid=SM1&MessageStatus={word}").as_bytes()).unwrap();
        assert_eq!(read("undelivered"), Some((ReceiptStatus::Failed, "undelivered".into())));
        assert_eq!(read("read"), Some((ReceiptStatus::Read, "read".into())));
        assert_eq!(read("receiving"), None);
    }
    let meta = preset(Preset::MetaWhatsapp, Channel::Whatsapp);
    assert!(!meta.reports());
    assert_eq!(meta.receipt(b"{}"), Ok(None));
}

#[test]
fn the_default_body_of_a_webhook_names_the_address_for_receipts() {
    let receipt = ReceiptOptions { status: "/s".into(), statuses: [("ok".to_owned(), ReceiptStatus::Delivered)].into() };
    let options = GatewayOptions { url: Some("https://acme.example".into()), receipt: Some(receipt), ..Default::default() };
    let webhook = Gateway::webhook(&options).unwrap();
    let reported = Message { receipt_url: Some("https://sign.example.org/receipts/t-1".into()), ..message(Channel::Sms, "r1") };
    let body: Value = serde_json::from_str(&webhook.render(&reported, webhook.sender()).unwrap()).unwrap();
    assert_eq!(body["receipt_url"], "https://sign.example.org/receipts/t-1");
    assert!(webhook.reports());
}

#[test]
fn the_preset_of_meta_puts_the_code_into_body_and_button() {
    let gateway = preset(Preset::MetaWhatsapp, Channel::Whatsapp);
    assert_eq!(gateway.url.as_str(), "https://graph.facebook.com/v21.0/AC1/messages");
    let basque = Message { language: super::super::Language::Eu, ..message(Channel::Whatsapp, "r1") };
    let body: Value = serde_json::from_str(&gateway.render(&basque, gateway.sender()).unwrap()).unwrap();
    assert_eq!(body["to"], "34600111222");
    assert_eq!(body["template"]["name"], "one_time_code");
    assert_eq!(body["template"]["language"]["code"], "es");
    for component in [0, 1] {
        assert_eq!(body["template"]["components"][component]["parameters"][0]["text"], "123456");
    }
    let notice = Message { code: None, ..basque };
    let body: Value = serde_json::from_str(&gateway.render(&notice, gateway.sender()).unwrap()).unwrap();
    assert_eq!(body["text"]["body"], Value::from(notice.text));
}

#[test]
fn wrong_options_are_errors_that_say_which() {
    let address: SocketAddr = "127.0.0.1:9".parse().unwrap();
    let wrong = |change: &dyn Fn(&mut GatewayOptions), expected: &str| {
        let mut options = options(address);
        change(&mut options);
        let problem = Gateway::new(&options, Channel::Sms).err().unwrap();
        assert!(problem.contains(expected), "{expected:?} in {problem:?}");
        assert!(!problem.contains("s3cret"));
    };
    wrong(&|options| options.url = None, "url is missing");
    wrong(&|options| options.plain_http = false, "not https");
    wrong(&|options| options.url = Some("ftp://example.org".into()), "neither https nor http");
    wrong(&|options| options.body = None, "body is missing");
    wrong(&|options| options.body = Some("{{#if}".into()), "body");
    wrong(&|options| options.body = Some("{\"a\": {{nobody}} }".into()), "nobody");
    wrong(&|options| options.body = Some("{\"a\": \"{{{text}}}\"}".into()), "does not make JSON");
    wrong(&|options| options.timeout_ms = Some(0), "timeout_ms");
    wrong(&|options| options.connections = Some(0), "connections");
    wrong(&|options| options.message_id = Some("id".into()), "JSON pointer");
    wrong(&|options| options.success = Some(Success { equals: Some(json!(1)), ..Success::default() }), "success.pointer");
    wrong(&|options| options.receipt = Some(ReceiptOptions::default()), "receipt.status");
    wrong(&|options| options.authentication = Some(Authentication::Bearer), "token");
    wrong(&|options| drop(options.headers.insert("X".into(), Secret::new("s3cret\n"))), "headers.X");
    wrong(&|options| options.preset = Some(Preset::Twilio), "account");
    wrong(&|options| options.preset = Some(Preset::MetaWhatsapp), "WHATSAPP");
}

#[actix_rt::test]
async fn a_message_that_the_organization_delivers_goes_to_its_webhook_with_all_it_needs() {
    let (address, server) = serve(answer(200, "", "")).await;
    let webhook = GatewayOptions {
        url: Some(format!("http://{address}/")),
        plain_http: true,
        idempotent: Some(true),
        ..GatewayOptions::default()
    };
    let options = Options { external: BTreeMap::from([("acme".to_owned(), webhook)]), ..Default::default() };
    let folder = tempfile::tempdir().unwrap();
    let channels = Channels::open(&options, folder.path(), metrics().0).unwrap();
    let to = "ana@example.org";
    let by = |organization, external| Destination { organization, channel: Channel::Email, external, to };
    assert!(channels.repeatable(&by("acme", true)) && !channels.repeatable(&by("acme", false)));
    assert!(!channels.repeatable(&by("other", true)));

    let mail = Message { external: true, ..message(Channel::Email, "r1") };
    assert_eq!(channels.send(&mail, noon()).await, accepted(None));
    let other = Message { organization: "other".into(), ..mail.clone() };
    assert!(
        matches!(channels.send(&other, noon()).await, Outcome::Refused { .. }),
        "an organization never uses another's webhook"
    );

    let request = server.await.unwrap();
    let body: Value = serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
    let expected = json!({
        "reference": "r1", "organization": "acme", "kind": "otp_code", "channel": "EMAIL", "to": "ana@example.org", "language": "es",
        "subject": mail.subject, "text": mail.text, "code": "123456", "ttl": 300,
    });
    assert_eq!(body, expected);
}

fn metrics() -> (Metrics, prometheus::Registry) {
    let registry = prometheus::Registry::new();
    (Metrics::new(&registry).unwrap(), registry)
}

fn measured(registry: &prometheus::Registry) -> String {
    prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap()
}

/// A gateway that tells the sender, for one request.
async fn telling_the_sender(timeout_ms: u64) -> (GatewayOptions, JoinHandle<String>) {
    let (address, server) = serve(answer(200, "", r#"{"id":"m-1"}"#)).await;
    let body = Some(r#"{"from":"{{sender}}","to":"{{to}}"}"#.to_owned());
    (GatewayOptions { body, timeout_ms: Some(timeout_ms), sender: Some("+34600000000".into()), ..options(address) }, server)
}

fn spanish(alias: &str, until: &str, fallback: Option<&str>) -> SenderOptions {
    SenderOptions {
        country: "34".into(),
        alias: alias.into(),
        provider: Some("spain".into()),
        registered_until: Some(until.parse().unwrap()),
        fallback: fallback.map(str::to_owned),
    }
}

/// Sends an SMS to Spain at noon on 21 November 2026 by the gateway "spain"; answers what it was sent, where it says it went, and what is
/// measured.
async fn sent_to_spain(sender: SenderOptions) -> (Outcome, Option<Value>, Route, String) {
    let (spain, server) = telling_the_sender(60_000).await;
    let options = Options {
        gateway: crate::channels::GatewaysOptions {
            providers: BTreeMap::from([("spain".to_owned(), spain)]),
            ..Default::default()
        },
        senders: SendersOptions { organizations: BTreeMap::from([("acme".to_owned(), vec![sender])]), ..Default::default() },
        ..Default::default()
    };
    let (metrics, registry) = metrics();
    let folder = tempfile::tempdir().unwrap();
    let channels = Channels::open(&options, folder.path(), metrics).unwrap();
    let message = message(Channel::Sms, "r1");
    let outcome = channels.send(&message, noon()).await;
    let route = channels.route(&message.destination(), noon());
    channels.measure(noon());
    let request = match &outcome {
        Outcome::Accepted { .. } => Some(server.await.unwrap()),
        _ => None,
    };
    let body = request.map(|request| serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap());
    (outcome, body, route, measured(&registry))
}

#[actix_rt::test]
async fn an_sms_comes_from_the_registered_alias_of_its_country_by_the_provider_it_is_registered_for() {
    let (outcome, body, route, measured) = sent_to_spain(spanish("Acme", "2026-11-30", None)).await;
    assert_eq!(outcome, accepted(Some("m-1")));
    assert_eq!(body, Some(json!({"from": "Acme", "to": "+34600111222"})));
    assert_eq!(route, Route { provider: Some("spain".into()), sender: Some("Acme".into()) });
    let labels = r#"{country="34",organization="acme",provider="spain",sender="Acme"}"#;
    assert!(measured.contains(&format!("rubrica_sms_sender_registered{labels} 1")), "{measured}");
    assert!(measured.contains(&format!("rubrica_sms_sender_days_left{labels} 10")), "{measured}");
    assert!(!measured.contains("rubrica_sms_sender_unregistered_total{"), "{measured}");
}

#[actix_rt::test]
async fn an_sms_comes_from_the_fallback_number_once_the_registration_has_ended() {
    let (outcome, body, route, measured) = sent_to_spain(spanish("Acme", "2026-11-20", Some("+34600000001"))).await;
    assert_eq!(outcome, accepted(Some("m-1")));
    assert_eq!(body, Some(json!({"from": "+34600000001", "to": "+34600111222"})));
    assert_eq!(route.sender.as_deref(), Some("+34600000001"));
    let counted = r#"rubrica_sms_sender_unregistered_total{organization="acme",outcome="fallback",sender="Acme"} 1"#;
    assert!(measured.contains(counted), "{measured}");
    assert!(measured.contains(r#"sender="Acme"} 0"#), "{measured}");
}

#[actix_rt::test]
async fn an_sms_whose_alias_is_not_registered_is_refused_without_a_fallback_number() {
    let (outcome, _, route, measured) = sent_to_spain(spanish("Acme", "2026-11-20", None)).await;
    let Outcome::Refused { reason } = outcome else { panic!("{outcome:?}") };
    assert_eq!(reason, "the SMS sender \"Acme\" is not registered for the country and has no fallback number");
    assert_eq!(route.sender, None);
    assert!(measured.contains(r#"outcome="refused",sender="Acme"} 1"#), "{measured}");
}

#[actix_rt::test]
async fn without_senders_an_sms_comes_from_that_of_its_gateway() {
    let (sms, server) = telling_the_sender(60_000).await;
    let options =
        Options { gateway: crate::channels::GatewaysOptions { sms: Some(sms), ..Default::default() }, ..Default::default() };
    let folder = tempfile::tempdir().unwrap();
    let channels = Channels::open(&options, folder.path(), metrics().0).unwrap();
    assert_eq!(channels.send(&message(Channel::Sms, "r1"), noon()).await, accepted(Some("m-1")));
    assert!(server.await.unwrap().ends_with(r#"{"from":"+34600000000","to":"+34600111222"}"#));
}

#[test]
fn a_gateway_that_names_no_sender_and_a_provider_that_is_misnamed_are_refused() {
    let problem = |text: &str| Channels::check(&toml::from_str(text).unwrap(), noon()).err().map(|error| error.to_string());
    let sender = "[[senders.default]]\ncountry = '34'\nalias = 'Acme'\nprovider = 'spain'\n";
    let gateway = "url = 'https://sms.example.org'\n";
    let silent = format!("[gateway.providers.spain]\n{gateway}body = '{{}}'\n{sender}");
    assert!(problem(&silent).unwrap().contains("whose body does not use {{sender}}"));
    let telling = silent.replace("'{}'", r#"'{"from":"{{sender}}"}'"#);
    assert_eq!(problem(&telling), None);
    for name in ["sms", "Spain", "a.b"] {
        let text = format!("[gateway.providers.\"{name}\"]\n{gateway}body = '{{}}'\n");
        assert!(problem(&text).unwrap().contains("expected 1 to 32 lower-case letters"), "{name}");
    }
}
