use super::*;

fn veridas(service: &Service) -> Value {
    json!({"VERIDAS": {"base_url": service.url(), "api_key": "k-1"}})
}

fn scores(global: f64) -> Value {
    json!({"scores": [
        {"name": "Score-DocumentGlobal", "value": global}, {"name": "ScoreGroup-PhotoAuthenticity", "value": 0.97},
        {"name": "ValidasScoreLifeProof", "value": 0},
    ]})
}

fn texts() -> Value {
    json!({"nodes": [
        {"fieldName": "PD_NameOther", "text": "NOT IT"}, {"fieldName": "PD_Name_Out", "text": "ANA"},
        {"fieldName": "PD_IdentificationNumber_Out", "text": "12345678Z"}, {"fieldName": "PD_BirthDate_Out", "text": "31/01/1990"},
    ]})
}

/// The service as it is documented.
fn documented(asked: &Asked) -> Reply {
    match (asked.method.as_str(), asked.path.as_str()) {
        ("POST", "/validas/v1/validation") => Reply::Json(201, json!({"data": {"id": "v-1"}})),
        ("PUT", "/validas/v1/validation/v-1/document") => Reply::Text(204, "", String::new()),
        ("GET", "/validas/v1/validation/v-1/scores") => Reply::Json(200, json!({"data": scores(0.95)})),
        ("GET", "/validas/v1/validation/v-1/ocr") => Reply::Json(200, texts()),
        ("POST", "/xpressid/api/v2/token") => Reply::Json(200, json!({"access_token": "t.o.k"})),
        _ => Reply::Text(404, "", String::new()),
    }
}

#[tokio::test]
async fn images_are_put_into_a_validation_whose_scores_are_read() {
    let service = Service::start(|asked, _| documented(asked)).await;
    let world = World::new(veridas(&service)).await;

    let result = world.score("VERIDAS").await.unwrap();

    assert!(result.passing, "a selfie was not asked for");
    assert_eq!((result.global_score.as_f64(), result.provider_id.as_deref()), (0.95, Some("v-1")));
    assert_eq!(
        (result.extracted_values["NAME"].as_str(), result.extracted_values["BIRTH_DATE"].as_str()),
        ("ANA", "1990-01-31T00:00:00Z")
    );
    let asked = service.asked();
    assert_eq!(asked.len(), 5);
    assert!(asked.iter().all(|asked| asked.header("apikey") == "k-1" && asked.header("idempotency-key") == "attempt-1"));
    for (asked, side, image) in [(&asked[1], "obverse", FRONT), (&asked[2], "reverse", BACK)] {
        let body = String::from_utf8(asked.body.clone()).unwrap();
        let boundary = asked.header("content-type").strip_prefix("multipart/form-data; boundary=").unwrap();
        assert!(body.contains(&format!("name=\"analysisType\"\r\n\r\n{side}\r\n--{boundary}\r\n")), "{body}");
        let image = std::str::from_utf8(image).unwrap();
        assert!(body.ends_with(&format!("content-type: image/jpeg\r\n\r\n{image}\r\n--{boundary}--\r\n")), "{body}");
    }
}

#[tokio::test]
async fn a_score_of_the_document_below_one_half_is_fraud() {
    let service = Service::start(|asked, _| match asked.path.ends_with("/scores") {
        true => Reply::Json(
            200,
            json!({"scores": [
                {"name": "Score-DocumentGlobal", "value": 0.95}, {"name": "ScoreGroup-PhotoAuthenticity", "value": 0.49},
            ]}),
        ),
        false => documented(asked),
    })
    .await;
    let result = World::new(veridas(&service)).await.score("VERIDAS").await.unwrap();
    assert!(!result.passing && result.scores[1].is_fraud && !result.scores[0].is_fraud);
}

#[tokio::test]
async fn a_delegation_is_a_validation_with_a_token_and_has_its_result_when_the_document_is_there() {
    let service = Service::start(|asked, before| match (asked.path.ends_with("/scores"), before) {
        (true, 2) => Reply::Text(404, "", String::new()),
        (true, 3) => Reply::Json(200, json!({"scores": [{"name": "ValidasScoreLifeProof", "value": 0}]})),
        _ => documented(asked),
    })
    .await;
    let world = World::new(veridas(&service)).await;
    let request = request("VERIDAS");

    let delegation = world.providers.delegate(&request, None).await.unwrap();
    assert_eq!((delegation.provider_id.as_str(), delegation.access_token.expose()), ("v-1", "t.o.k"));
    let data = &service.asked()[1].json()["data"];
    assert_eq!((&data["operationMode"], &data["flowSetup"]["core"]["validationId"]), (&json!("resume"), &json!("v-1")));

    for _ in 0..2 {
        assert!(world.providers.delegated(&request, "v-1").await.unwrap().is_none());
    }
    assert!(world.providers.delegated(&request, "v-1").await.unwrap().unwrap().passing);
}

#[tokio::test]
async fn a_failure_tells_the_validation_that_was_made() {
    let service = Service::start(|asked, _| match asked.method.as_str() {
        "PUT" => Reply::Text(400, "", String::new()),
        _ => documented(asked),
    })
    .await;
    let failure = World::new(veridas(&service)).await.score("VERIDAS").await.unwrap_err();
    assert_eq!((failure.reason.as_str(), failure.provider_id.as_deref()), ("PROVIDER_REJECTED", Some("v-1")));
}

#[tokio::test]
async fn an_identifier_that_would_lead_elsewhere_is_none() {
    for id in ["../../admin", "v-1?x=", "..", "", "v 1"] {
        let service = Service::start(move |_, _| Reply::Json(201, json!({"data": {"id": id}}))).await;
        let failure = World::new(veridas(&service)).await.score("VERIDAS").await.unwrap_err();
        assert_eq!((failure.reason.as_str(), service.asked().len()), ("PROVIDER_ANSWER_UNREADABLE", 1), "{id}");
    }
}
