use super::*;
use crate::synthetic::Hand;

fn record() -> Record {
    let capture = Hand::default().signature();
    Record {
        format: RecordFormat::V1,
        organization: "1".to_owned(),
        process_id: "p".to_owned(),
        sign_id: "s".to_owned(),
        signer: "Ana".to_owned(),
        captured_at: "2027-01-15T09:30:00Z".to_owned(),
        documents: vec![ShownDocument { id: "d".to_owned(), sha256: "00".repeat(32) }],
        device: Device { installation_id: Some("i".to_owned()), ..Device::default() },
        figures: Some(capture.figures()),
        marks: vec!["short".to_owned()],
        sample_sha256: "11".repeat(32),
        sample: SampleBytes::new("rubrica-strokes-1", capture.to_strokes().as_bytes()),
    }
}

#[test]
fn a_record_is_read_back_with_the_very_bytes_of_its_sample() {
    let record = record();
    let again = Record::from_json(&record.to_json()).unwrap();
    assert_eq!(again, record);
    assert_eq!(*again.sample.bytes().unwrap(), Hand::default().signature().to_strokes().as_bytes());
    let json: serde_json::Value = serde_json::from_slice(&record.to_json()).unwrap();
    assert_eq!((&json["format"], &json["sample"]["type"]), (&"rubrica-biometric-1".into(), &"rubrica-strokes-1".into()));
}

#[test]
fn what_is_no_record_or_of_another_version_is_refused() {
    let json = String::from_utf8(record().to_json().to_vec()).unwrap();
    let read = |json: &str| Record::from_json(json.as_bytes()).err();
    assert_eq!(read("{}"), Some(RecordError::NotARecord));
    assert_eq!(read("garbage"), Some(RecordError::NotARecord));
    assert_eq!(read(&json.replace("biometric-1", "biometric-2")), Some(RecordError::OtherVersion));
    assert_eq!(read(&json.replace("rubrica-biometric-1", "other")), Some(RecordError::NotARecord));
    assert_eq!(read(&json.replace("\"signer\"", "\"person\"")), Some(RecordError::NotARecord));
    assert_eq!(read(&" ".repeat(MAX_BYTES + 1)), Some(RecordError::NotARecord));
    let broken = Record::from_json(json.replace("\"base64\":\"", "\"base64\":\"?").as_bytes()).unwrap();
    assert_eq!(broken.sample.bytes().err(), Some(RecordError::Sample));
    assert_eq!(read(&json.replacen('{', "{\"later\":1,", 1)), None);
}

#[test]
fn a_record_shows_no_sample() {
    let record = record();
    let shown = format!("{record:?}");
    assert!(shown.contains("rubrica-strokes-1") && !shown.contains(&record.sample.base64[..40]));
}
