//! What journals hold: every version of this program reads it, so none of these texts ever changes.

use super::*;
use crate::values::{Hand, Staff};

fn reads_and_writes(event: &Event, text: &str) {
    let json: serde_json::Value = serde_json::from_str(text).expect("JSON");
    assert_eq!(serde_json::to_value(event).unwrap(), json, "as it is written");
    assert_eq!(&serde_json::from_value::<Event>(json).unwrap(), event, "as it is read");
}

fn moment(text: &str) -> Timestamp {
    text.parse().expect("a moment")
}

#[test]
fn a_capture_is_kept_so() {
    let made_at = moment("2026-11-26T09:00:00Z");
    let mut captured =
        capture(0, made_at, [until("C01", moment("2027-05-25T09:00:00Z")), selected("C03", Choice::Rejected)]).captured;
    captured.captured_text = "2026-11-26T10:00:00+01:00".into();
    captured.display = Some(Display { issued_at: moment("2026-11-26T08:58:41Z"), ..display(4) });
    let text = r#"{"captured":{"customer_id":"100000000001","segment":"telco","caller":{"subject":"crm@acme","audience":"rubrica"},
        "actor":{"id":"AG000123","source":"declared"},
        "selections":[{"id":"C01","choice":0,"type":"OPT_IN","expires_at":"2027-05-25T09:00:00Z","shown":true},
            {"id":"C03","choice":2,"type":"OPT_IN","shown":true}],
        "captured_at":"2026-11-26T09:00:00Z","captured_text":"2026-11-26T10:00:00+01:00","ip":"203.0.113.10","sell_channel":"eshop",
        "trace_id":"TR-0001","declared_language":"es-ES",
        "display":{"edition":17,"language":"es","format":"NORMAL","revision":4,"issued_at":"2026-11-26T08:58:41Z","statements":"all",
            "digest":"sha256:0707070707070707070707070707070707070707070707070707070707070707"},
        "digest":"sha256:0000000000000000000000000000000000000000000000000000000000000000"}}"#;
    reads_and_writes(&Event::Captured(Box::new(captured)), text);
}

#[test]
fn a_capture_with_everything_is_kept_so() {
    let mut captured = capture(0, moment("2026-11-26T09:00:00Z"), [Selected { shown: false, ..opposed("O01") }]).captured;
    captured.captured_text = "2026-11-26T09:00:00Z".into();
    captured.actor.source = ActorSource::Token;
    captured.ip = Some("2001:db8::1".parse().unwrap());
    captured.origin = Some("old crm".into());
    captured.display = Some(Display {
        issued_at: moment("2026-11-26T08:58:41Z"),
        format: Format::Short,
        statements: Statements::Only(vec!["O01".into()]),
        leads: true,
        ..display(4)
    });
    (captured.notify, captured.late) = (true, Late::Overwrite);
    captured.identification = Some(uuid::Uuid::from_u128(7));
    let text = r#"{"recorded":{"customer_id":"100000000001","segment":"telco","caller":{"subject":"crm@acme","audience":"rubrica"},
        "actor":{"id":"AG000123","source":"token"},"selections":[{"id":"O01","choice":2,"type":"OPT_OUT_POSITIVE","shown":false}],
        "captured_at":"2026-11-26T09:00:00Z","captured_text":"2026-11-26T09:00:00Z","ip":"2001:db8::1","sell_channel":"eshop",
        "trace_id":"TR-0001","origin":"old crm","declared_language":"es-ES",
        "display":{"edition":17,"language":"es","format":"SHORT","revision":4,"issued_at":"2026-11-26T08:58:41Z",
            "statements":{"only":["O01"]},"leads":true,
            "digest":"sha256:0707070707070707070707070707070707070707070707070707070707070707"},
        "digest":"sha256:0000000000000000000000000000000000000000000000000000000000000000",
        "notify":true,"late":"overwrite","identification":"00000000-0000-0000-0000-000000000007"}}"#;
    reads_and_writes(&Event::Recorded(Box::new(captured)), text);
}

#[test]
fn an_imported_capture_is_kept_so() {
    let mut captured =
        capture(0, moment("2026-11-26T09:00:00Z"), [Selected { shown: false, ..selected("C01", Choice::Pending) }]).captured;
    captured.captured_text = "2026-11-26T09:00:00Z".into();
    captured.actor.source = ActorSource::Import;
    (captured.ip, captured.sell_channel, captured.trace_id, captured.declared_language, captured.display) =
        (None, None, None, None, None);
    let text = r#"{"captured":{"customer_id":"100000000001","segment":"telco","caller":{"subject":"crm@acme","audience":"rubrica"},
        "actor":{"id":"AG000123","source":"import"},"selections":[{"id":"C01","choice":1,"type":"OPT_IN","shown":false}],
        "captured_at":"2026-11-26T09:00:00Z","captured_text":"2026-11-26T09:00:00Z",
        "digest":"sha256:0000000000000000000000000000000000000000000000000000000000000000"}}"#;
    reads_and_writes(&Event::Captured(Box::new(captured)), text);
}

#[test]
fn the_other_events_are_kept_so() {
    let moment = moment("2029-11-25T09:00:00Z");
    reads_and_writes(&Event::Expiring { ids: vec!["C01".into()] }, r#"{"expiring":{"ids":["C01"]}}"#);
    reads_and_writes(&Event::Expired { ids: vec!["C01".into(), "C02".into()] }, r#"{"expired":{"ids":["C01","C02"]}}"#);
    let deleted = |suppressed, notify| Event::Deleted { caller: caller(), by: None, keep_until: moment, suppressed, notify };
    reads_and_writes(
        &deleted(vec!["O01".into()], true),
        r#"{"deleted":{"caller":{"subject":"crm@acme","audience":"rubrica"},"keep_until":"2029-11-25T09:00:00Z","suppressed":["O01"],
            "notify":true}}"#,
    );
    reads_and_writes(
        &deleted(vec![], false),
        r#"{"deleted":{"caller":{"subject":"crm@acme","audience":"rubrica"},"keep_until":"2029-11-25T09:00:00Z"}}"#,
    );
    let staff = Staff { subject: "u-7".into(), name: "Eva".into(), ip: Some("203.0.113.9".into()) };
    let by = Some(Hand { by: staff, reason: "asked for by letter".into() });
    reads_and_writes(
        &Event::Deleted { caller: caller(), by, keep_until: moment, suppressed: vec![], notify: false },
        r#"{"deleted":{"caller":{"subject":"crm@acme","audience":"rubrica"},"by":{"by":{"subject":"u-7","name":"Eva","ip":"203.0.113.9"},
            "reason":"asked for by letter"},"keep_until":"2029-11-25T09:00:00Z"}}"#,
    );
    reads_and_writes(&Event::RetentionEnded, r#""retention_ended""#);
    reads_and_writes(&Event::Postponed { until: moment }, r#"{"postponed":{"until":"2029-11-25T09:00:00Z"}}"#);
    let erased = |barrier_at, suppressed| Event::Erased { revision: 7, barrier: 6, barrier_at, suppressed };
    reads_and_writes(
        &erased(Some(moment), vec!["O01".into()]),
        r#"{"erased":{"revision":7,"barrier":6,"barrier_at":"2029-11-25T09:00:00Z","suppressed":["O01"]}}"#,
    );
    reads_and_writes(&erased(None, vec![]), r#"{"erased":{"revision":7,"barrier":6}}"#);
    let statements = |statements: Statements| serde_json::to_string(&statements).unwrap();
    assert_eq!(
        (statements(Statements::Mandatory), statements(Statements::Nothing)),
        (r#""mandatory""#.into(), r#""nothing""#.into())
    );
}

#[test]
fn effects_are_kept_so() {
    let effect = Effect::Notify { notice: Notice::Captured, revision: 3 };
    assert_eq!(serde_json::to_string(&effect).unwrap(), r#"{"type":"notify","notice":"captured","revision":3}"#);
    assert_eq!(serde_json::to_string(&Effect::Shred).unwrap(), r#"{"type":"shred"}"#);
}

#[test]
fn what_is_no_digest_is_not_read() {
    let good = format!("\"sha256:{}\"", "0a".repeat(32));
    assert_eq!(serde_json::from_str::<Digest>(&good).unwrap(), Digest([10; 32]));
    for bad in [
        good.replace('a', "A"),
        good.replace("0a", "0"),
        good.replace("sha256:", ""),
        good.replacen("0a", "0ag", 1),
        good.replace('a', "+"),
    ] {
        assert!(serde_json::from_str::<Digest>(&bad).is_err(), "{bad}");
    }
}

#[test]
fn a_choice_is_a_number_from_0_to_2() {
    assert_eq!(serde_json::from_str::<Vec<Choice>>("[0,1,2]").unwrap(), [Choice::Accepted, Choice::Pending, Choice::Rejected]);
    for bad in ["3", "-1", "0.0", "\"0\"", "null", "256"] {
        assert!(serde_json::from_str::<Choice>(bad).is_err(), "{bad}");
    }
    assert_eq!(
        ["ACCEPTED", "PENDING", "REJECTED", "accepted"].map(Choice::named),
        [Some(Choice::Accepted), Some(Choice::Pending), Some(Choice::Rejected), None]
    );
}
