use documents::pkcs12::Identity;

use super::*;

fn root(name: &str) -> Vec<u8> {
    let made = Identity::development(name, "Tests", Utc::now(), "a password").unwrap();
    Identity::open(&made, "a password", Utc::now()).unwrap().certificates().last().unwrap().to_vec()
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

const NOW: &str = "2026-11-20T12:00:00Z";

/// A service, by what differs; its history says that it was granted once.
fn service(kind: &str, status: &str, more: &str, ders: &[&[u8]]) -> String {
    let ids: String = ders
        .iter()
        .map(|der| {
            let base64 = STANDARD.encode(der);
            let (start, end) = base64.split_at(base64.len() / 2);
            format!("<t:DigitalId><t:X509Certificate>\n {start}\n\t{end}\n</t:X509Certificate></t:DigitalId>")
        })
        .collect();
    let identity = |ids: &str| {
        format!(
            "<t:ServiceTypeIdentifier>{kind}</t:ServiceTypeIdentifier>\
             <t:ServiceName><t:Name xml:lang=\"es\">Servicio</t:Name><t:Name xml:lang=\"en\">Seals &amp; &#x73;ignatures</t:Name></t:ServiceName>\
             <t:ServiceDigitalIdentity>{ids}<t:DigitalId><t:X509SubjectName>CN=x</t:X509SubjectName></t:DigitalId></t:ServiceDigitalIdentity>"
        )
    };
    format!(
        "<t:TSPService><t:ServiceInformation>{}<t:ServiceStatus>{status}</t:ServiceStatus>{more}</t:ServiceInformation>\
         <t:ServiceHistory><t:ServiceHistoryInstance>{}<t:ServiceStatus>{GRANTED}</t:ServiceStatus></t:ServiceHistoryInstance>\
         </t:ServiceHistory></t:TSPService>",
        identity(&ids),
        identity(&ids)
    )
}

fn purpose(name: &str) -> String {
    let uri = format!("http://uri.etsi.org/TrstSvc/TrustedList/SvcInfoExt/{name}");
    format!(
        "<t:ServiceInformationExtensions><t:Extension Critical=\"true\"><t:AdditionalServiceInformation><t:URI xml:lang=\"en\">{uri}</t:URI>\
         </t:AdditionalServiceInformation></t:Extension></t:ServiceInformationExtensions>"
    )
}

fn list(services: &str) -> String {
    format!(
        "\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?><!-- made up -->\
         <t:TrustServiceStatusList xmlns:t=\"http://uri.etsi.org/02231/v2#\" TSLTag=\"x\"><t:SchemeInformation>\
         <t:TSLVersionIdentifier>5</t:TSLVersionIdentifier><t:TSLSequenceNumber>77</t:TSLSequenceNumber>\
         <t:TSLType>http://uri.etsi.org/TrstSvc/TrustedList/TSLType/EUgeneric</t:TSLType>\
         <t:SchemeOperatorName><t:Name xml:lang=\"es\">Ministerio</t:Name><t:Name xml:lang=\"en\">Ministry</t:Name></t:SchemeOperatorName>\
         <t:SchemeTerritory>ES</t:SchemeTerritory><t:ListIssueDateTime>2026-10-01T10:00:00Z</t:ListIssueDateTime>\
         <t:NextUpdate><t:dateTime>2027-03-31T22:00:00Z</t:dateTime></t:NextUpdate></t:SchemeInformation>\
         <t:TrustServiceProviderList><t:TrustServiceProvider><t:TSPInformation><t:TSPName><t:Name xml:lang=\"en\">Notaries</t:Name></t:TSPName>\
         </t:TSPInformation><t:TSPServices>{services}</t:TSPServices></t:TrustServiceProvider></t:TrustServiceProviderList>\
         </t:TrustServiceStatusList>"
    )
}

fn read_at(xml: &str, now: &str) -> Result<(TrustedList, Roots), Error> {
    let mut roots = Roots::default();
    read(xml.as_bytes(), "es.xml".into(), at(now), &mut roots).map(|list| (list, roots))
}

#[test]
fn granted_services_for_certificates_and_time_stamps_are_trusted_and_no_others() {
    let ders: Vec<_> = ["A", "B", "C", "D", "E", "F", "G"].map(root).into();
    const WITHDRAWN: &str = "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/withdrawn";
    const OTHER: &str = "http://uri.etsi.org/TrstSvc/Svctype/EDS/Q";
    let both = purpose("ForWebSiteAuthentication") + &purpose("ForeSeals");
    let services = [
        service(QUALIFIED_CERTIFICATES, GRANTED, "", &[&ders[0], b"nonsense", &ders[1]]),
        service(QUALIFIED_CERTIFICATES, GRANTED, &both, &[&ders[2], &ders[0]]),
        service(QUALIFIED_TIME_STAMPS, GRANTED, "", &[&ders[3]]),
        service(QUALIFIED_CERTIFICATES, WITHDRAWN, "", &[&ders[4]]),
        service(QUALIFIED_CERTIFICATES, GRANTED, &purpose("ForeWebSiteAuthentication"), &[&ders[5]]),
        service(OTHER, GRANTED, "", &[&ders[6]]),
    ];
    let (list, roots) = read_at(&list(&services.concat()), NOW).unwrap();
    assert_eq!(roots.trust().roots, ders[..4]);
    let counts = (list.services, list.certificates, list.other_services, list.not_granted, list.unreadable);
    assert_eq!(counts, (3, 5, 2, 1, 1));
    let said = (list.territory.as_str(), list.operator.as_str(), list.sequence.as_str());
    assert_eq!((said, list.is_overdue), (("ES", "Ministry", "77"), false));
    assert_eq!((list.issued, list.next_update), (Some(at("2026-10-01T10:00:00Z")), Some(at("2027-03-31T22:00:00Z"))));
    let words = list.to_string();
    assert!(words.contains("NOT checked") && words.contains("5 certificates of 3 granted services"), "{words}");
    assert_eq!(serde_json::to_value(&list).unwrap()["signature"], "not_checked");
    let named = format!("{roots:?}");
    assert!(named.contains("ES: Notaries, Seals & signatures"), "{named}");
}

#[test]
fn a_list_that_is_not_renewed_is_overdue() {
    let (late, _) = read_at(&list(""), "2027-04-01T00:00:00Z").unwrap();
    assert!(late.is_overdue && late.to_string().contains("OVERDUE"));
    let closed = list("").replace("<t:dateTime>2027-03-31T22:00:00Z</t:dateTime>", "");
    assert!(read_at(&closed, NOW).unwrap().0.is_overdue);
}

#[test]
fn what_is_no_such_list_is_refused_and_a_hostile_one_ends() {
    let good = list(&service(QUALIFIED_TIME_STAMPS, GRANTED, "", &[]));
    let fails = |xml: &str| read_at(xml, NOW).map(drop).unwrap_err();
    assert_eq!(fails("<a/>"), Error::Another);
    assert_eq!(fails(""), Error::Another);
    assert_eq!(fails(&good.replace("02231/v2#", "02231/v9#")), Error::Another);
    assert_eq!(fails(&format!("{good}{}", good.trim_start_matches('\u{feff}'))), Error::Another);
    assert_eq!(fails(&good.replace("EUgeneric", "EUlistofthelists")), Error::ListOfTheLists);
    let entity = "<!DOCTYPE t [<!ENTITY a \"aaaa\">]>";
    assert_eq!(fails(&good.replace("<!-- made up -->", entity)), Error::DocumentType);
    assert!(matches!(fails(&good.replace("Notaries", "&lol;")), Error::Malformed(_)));
    for cut in [100, good.len() / 2, good.len() - 3] {
        let cut = (cut..).find(|at| good.is_char_boundary(*at)).unwrap();
        assert!(matches!(fails(&good[..cut]), Error::Malformed(_)), "{cut}");
    }
    assert!(matches!(fails(&good.replace("</t:TSPServices>", "</t:TSPService>")), Error::Malformed(_)));
    let deep = format!("<t:Other>{}", "<t:x>".repeat(100));
    assert_eq!(fails(&good.replace("<t:TSPInformation>", &deep)), Error::TooMuch("64 levels"));
    let long = format!("<t:Name>{}</t:Name>", "x".repeat(MAX_TEXT + 1));
    assert!(matches!(fails(&good.replace("<t:TSPName>", &format!("<t:TSPName>{long}"))), Error::TooMuch(_)));
    let twice = format!("<t:ServiceStatus>{GRANTED}</t:ServiceStatus></t:ServiceInformation>");
    assert_eq!(fails(&good.replacen("</t:ServiceInformation>", &twice, 1)), Error::Twice);
    let many: Vec<&[u8]> = vec![b"x"; MAX_IDENTITIES + 1];
    assert!(matches!(fails(&list(&service(QUALIFIED_TIME_STAMPS, GRANTED, "", &many))), Error::TooMuch(_)));
    let mut roots = Roots::default();
    assert!(matches!(read(b"\xff\xfe<\0", "x".into(), at(NOW), &mut roots), Err(Error::Malformed(_))));
}
