//! Services that are slow, broken or lie.

use tokio::net::TcpListener;

use super::*;

fn soon() -> Options {
    Options { timeout: TimeDelta::milliseconds(300), ..options() }
}

#[tokio::test]
async fn an_error_that_may_pass_is_repeated_with_the_same_key() {
    for fault in [|| Reply::Text(503, "", "busy".into()), || Reply::Text(500, "", String::new()), || Reply::Drop] {
        let service = Service::start(move |_, before| if before < 2 { fault() } else { Reply::Json(200, scored()) }).await;
        let world = World::new(external(&service)).await;
        assert!(world.score("EXTERNAL").await.is_ok());
        let asked = service.asked();
        assert_eq!((asked.len(), world.metrics.retries("EXTERNAL")), (3, 2));
        assert!(asked.iter().all(|asked| asked.header("idempotency-key") == "attempt-1" && asked.body == asked.body));
    }
}

#[tokio::test]
async fn repetitions_have_an_end() {
    let service = Service::start(|_, _| Reply::Text(500, "", String::new())).await;
    let world = World::new(external(&service)).await;
    let failure = world.score("EXTERNAL").await.unwrap_err();
    assert_eq!((failure.reason.as_str(), failure.then), ("PROVIDER_UNAVAILABLE", Then::Retry));
    assert_eq!(service.asked().len(), 3);
}

#[tokio::test]
async fn a_refusal_is_not_repeated() {
    for status in [400, 401, 403, 404, 413, 422] {
        let service = Service::start(move |_, _| Reply::Text(status, "", "no".into())).await;
        let failure = World::new(external(&service)).await.score("EXTERNAL").await.unwrap_err();
        assert_eq!((failure.reason.as_str(), failure.then), ("PROVIDER_REJECTED", Then::End), "{status}");
        assert!(failure.cause.contains(&status.to_string()));
        assert_eq!(service.asked().len(), 1);
    }
}

#[tokio::test]
async fn a_pause_that_is_asked_for_is_given() {
    for status in [429, 503] {
        let service = Service::start(move |_, _| Reply::Text(status, "retry-after: 120\r\n", String::new())).await;
        let failure = World::new(external(&service)).await.score("EXTERNAL").await.unwrap_err();
        assert_eq!(failure.then, Then::Pause(Duration::from_secs(120)), "{status}");
        assert_eq!(service.asked().len(), 1, "it comes after the deadline");
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_ends_the_question_at_its_deadline() {
    for fault in [|| Reply::Hang, || Reply::Half] {
        let service = Service::start(move |_, _| fault()).await;
        let world = World::with(soon(), external(&service)).await;
        let failure = world.score("EXTERNAL").await.unwrap_err();
        assert_eq!((failure.reason.as_str(), failure.then), ("PROVIDER_TIMEOUT", Then::Retry));
        assert_eq!(world.metrics.calls("EXTERNAL", "PROVIDER_TIMEOUT"), 1);
    }
}

#[tokio::test]
async fn the_time_of_the_attempt_is_the_maximum() {
    let service = Service::start(|_, _| Reply::Hang).await;
    let world = World::new(external(&service)).await;
    let short = Request { timeout: Duration::from_millis(300), ..request("EXTERNAL") };
    assert_eq!(world.providers.score(&short).await.unwrap_err().reason.as_str(), "PROVIDER_TIMEOUT");
}

#[tokio::test]
async fn a_service_that_is_not_there_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let world = World::new(json!({"EXTERNAL": {"base_url": base_url, "secret": SECRET}})).await;
    let failure = world.score("EXTERNAL").await.unwrap_err();
    assert_eq!((failure.reason.as_str(), failure.then), ("PROVIDER_UNAVAILABLE", Then::Retry));
    assert!(!failure.cause.contains("127.0.0.1"), "{}", failure.cause);
}

/// A good answer with one member changed.
fn with(change: impl FnOnce(&mut Value)) -> String {
    let mut answer = scored();
    change(&mut answer);
    answer.to_string()
}

#[tokio::test]
async fn an_answer_that_cannot_be_believed_is_none() {
    let many: Vec<Value> = (0..40).map(|n| json!({"score_type": format!("C{n}"), "is_fraud": false, "score": 1})).collect();
    let good = scored().to_string();
    let lies = [
        "<html><body>It works!</body></html>".to_owned(),
        String::new(),
        "null".into(),
        format!("[{good}]"),
        r#"["attempt-1", null, 0.93, [], {}]"#.into(),
        format!("{good}{good}"),
        good.replace("0.93", "NaN"),
        good.replace("0.93", "1e999"),
        with(|answer| answer["global_score"] = json!(1.01)),
        with(|answer| answer["global_score"] = json!(-0.01)),
        with(|answer| answer["global_score"] = json!("0.93")),
        with(|answer| answer["global_score"] = Value::Null),
        with(|answer| answer["id"] = json!("attempt-2")),
        with(|answer| drop(answer.as_object_mut().unwrap().remove("id"))),
        with(|answer| drop(answer.as_object_mut().unwrap().remove("scores"))),
        with(|answer| answer["scores"][0]["score"] = json!(93)),
        with(|answer| answer["scores"][0]["is_fraud"] = json!("false")),
        with(|answer| answer["scores"][0]["score_type"] = json!("<script>")),
        with(|answer| answer["scores"] = json!(many)),
        with(|answer| answer["provider_id"] = json!("../../admin")),
        with(|answer| answer["extracted_values"]["BIRTH_DATE"] = json!("soon")),
        with(|answer| answer["extracted_values"]["NAME"] = json!("x".repeat(1000))),
        with(|answer| answer["extracted_values"]["NAME"] = json!(["Ana"])),
        with(|answer| answer["padding"] = json!("x".repeat(2 << 20))),
    ];
    for lie in lies {
        let start: String = lie.chars().take(200).collect();
        let service = Service::start(move |_, _| Reply::Text(200, "content-type: application/json\r\n", lie.clone())).await;
        let failure = World::new(external(&service)).await.score("EXTERNAL").await.unwrap_err();
        assert_eq!((failure.reason.as_str(), failure.then), ("PROVIDER_ANSWER_UNREADABLE", Then::End), "{start}");
        assert_eq!(service.asked().len(), 1, "{start}");
        let cause = &failure.cause;
        assert!(!["12345678", "html", "script", "admin", "xxx"].iter().any(|theirs| cause.contains(theirs)), "{cause}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let service = Service::start(|_, _| Reply::Text(307, "location: /v1/elsewhere\r\n", String::new())).await;
    let failure = World::new(external(&service)).await.score("EXTERNAL").await.unwrap_err();
    assert_eq!(failure.reason.as_str(), "PROVIDER_ANSWER_UNREADABLE");
    assert_eq!(service.asked().len(), 1);
}

#[tokio::test]
async fn an_address_that_is_not_allowed_any_more_is_not_called() {
    let service = Service::start(|_, _| Reply::Json(200, scored())).await;
    let world = World::new(external(&service)).await;
    let strict = Options { plain_http: true, ..Options::default() };
    let providers = Providers::new(world.configurations, internal(), strict, Metrics::default(), world.clock).unwrap();
    let failure = providers.score(&request("EXTERNAL")).await.unwrap_err();
    assert_eq!((failure.reason.as_str(), failure.then), ("PROVIDER_NOT_CONFIGURED", Then::End));
    assert!(service.asked().is_empty());
}

#[tokio::test]
async fn a_provider_that_fails_time_after_time_is_left_alone_until_its_pause_is_over() {
    let service = Service::start(|_, before| match before {
        0..3 => Reply::Text(200, "", "<html>".into()),
        _ => Reply::Json(200, scored()),
    })
    .await;
    let options = Options { circuit_failures: 3, circuit_pause: TimeDelta::seconds(30), ..options() };
    let world = World::with(options, external(&service)).await;
    for _ in 0..3 {
        assert_eq!(world.score("EXTERNAL").await.unwrap_err().then, Then::End);
    }
    assert_eq!(world.metrics.open_circuits("EXTERNAL"), 1);

    let failure = world.score("EXTERNAL").await.unwrap_err();
    assert_eq!((failure.reason.as_str(), failure.then), ("PROVIDER_UNAVAILABLE", Then::Pause(Duration::from_secs(30))));
    assert_eq!(service.asked().len(), 3, "it is not asked");

    world.clock.advance(TimeDelta::seconds(30));
    assert!(world.score("EXTERNAL").await.unwrap().passing);
    assert!(world.score("EXTERNAL").await.is_ok());
    assert_eq!((service.asked().len(), world.metrics.open_circuits("EXTERNAL")), (5, 0));
}

#[tokio::test]
async fn refusals_do_not_open_a_circuit() {
    let service = Service::start(|_, _| Reply::Text(422, "", String::new())).await;
    let world = World::with(Options { circuit_failures: 2, ..options() }, external(&service)).await;
    for _ in 0..5 {
        assert_eq!(world.score("EXTERNAL").await.unwrap_err().reason.as_str(), "PROVIDER_REJECTED");
    }
    assert_eq!(service.asked().len(), 5);
}

#[tokio::test]
async fn an_image_that_cannot_be_read_is_not_the_providers_fault() {
    let service = Service::start(|_, _| Reply::Json(200, scored())).await;
    let world = World::with(Options { circuit_failures: 1, ..options() }, external(&service)).await;
    let told = scoring::Capture { image_type: ImageType::Png, size: 1, sha256: String::new(), file: String::new() };
    let gone = Capture::new(&told, Arc::new(|| async { Err("the store is away".to_owned()) }.boxed()));
    let unreadable = Request { captures: Captures { front: Some(gone), back: None }, ..request("EXTERNAL") };
    assert_eq!(world.providers.score(&unreadable).await.unwrap_err().then, Then::Retry);
    assert!(service.asked().is_empty());
    assert!(world.score("EXTERNAL").await.is_ok(), "its circuit is closed");
}
