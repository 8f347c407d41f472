//! Whole lives of sign processes.

use crate::support::{Journey, Server};

#[test]
fn a_server_stops_on_sigterm_and_goes_on_where_it_was() {
    // given a process on a server whose data stays
    let folder = tempfile::tempdir().unwrap();
    let options = || crate::support::Options { data: Some(folder.path().to_owned()), ..Default::default() };
    let server = Server::start_with(options());
    let journey = Journey::new(server.client());
    let document = journey.upload("contract.pdf", &documents::fixtures::contract(&[]));
    let process = journey.create(&Journey::creation(&[Journey::signer("buyer", "restart@example.org")], &[&document]));
    let code = journey.code(&journey.signers(&process)[0].identification, "restart@example.org");
    // when the server stops and another one starts on the same data
    assert!(server.terminate().success());
    let server = Server::start_with(options());
    // then the code that was sent before is still good, and the process goes on to its end
    let journey = Journey::new(server.client());
    let signer = journey.signers(&process).remove(0);
    journey.validate(&signer.identification, &serde_json::json!({ "code": code })).expect(204);
    journey.sign(&signer.sign).expect(204);
    let process = journey.until(&process, "CERTIFIED");
    assert!(process["certificate_id"].is_string(), "{process}");
}
