//! Every code ends in one known fate; one that failed goes out on the next channel; SMS come from registered senders.

use std::time::Duration;

use workflows::{
    Channel,
    identification::otp::{CodeEvent, Event, Taken},
};

use crate::{
    World,
    receipts::events,
    receivers::{Mood, Receiver, until},
};

const BASE: &str = "https://sign.example.org";

/// A gateway that reports, with a mail server behind it for what fails, and what else is configured.
fn with_fallback(gateway: u16, mail: u16, more: &str) -> World {
    World::new(&format!(
        "[channels.gateway.sms]\nurl = \"http://127.0.0.1:{gateway}/send\"\nplain_http = true\n\
         body = '{{\"from\":\"{{{{sender}}}}\",\"ref\":\"{{{{ref}}}}\",\"text\":\"{{{{text}}}}\",\"receipt_url\":\"{{{{receipt_url}}}}\"}}'\n\
         [channels.gateway.sms.receipt]\nstatus = \"/status\"\nstatuses = {{ lost = \"failed\" }}\n\
         [channels.smtp]\nhost = \"127.0.0.1\"\nport = {mail}\nsecurity = \"none\"\nfrom = \"Rubrica <no-reply@example.org>\"\n\
         [server]\npublic_base_url = \"{BASE}\"\n\
         [organizations.acme]\nfallback_channels = [\"EMAIL\"]\n{more}"
    ))
}

impl World {
    async fn metrics(&self) -> String {
        let url = format!("{}/metrics", self.server.as_ref().expect("it runs").base());
        self.http.get(url).send().await.expect("an answer").text().await.expect("a text")
    }

    /// Waits until a line is among the metrics: it comes right after what it measures was journaled.
    async fn wait_for_measure(&self, line: &str) {
        for _ in 0..500 {
            if self.metrics().await.contains(line) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{line} is not in\n{}", self.metrics().await);
    }

    /// The channels on which the journal says that a code was taken, with what is known of each.
    async fn taken(&self, identification: &str) -> Vec<(Option<Channel>, Taken)> {
        let taken = |event| match event {
            Event::Own(CodeEvent::Delivered { channel, taken, .. }) => Some((channel, taken)),
            _ => None,
        };
        events(self, identification).await.into_iter().filter_map(taken).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_the_gateway_reports_as_lost_goes_out_by_mail() {
    let (gateway, mail) = (Receiver::gateway(Mood::Takes).await, Receiver::mail(Mood::Takes).await);
    let mut world = with_fallback(gateway.port, mail.port, "");
    let identification = world.identification("SMS").await;
    world.challenge(&identification).await;
    let sms = gateway.wait_for(1).await.remove(0);
    assert_eq!(mail.received().len(), 0, "nothing has failed yet");

    assert_eq!(world.report(&sms.receipt_url, "application/json", "{\"status\":\"lost\"}").await, 204);
    let code = mail.wait_for(1).await[0].code().to_owned();
    assert_eq!(code, sms.code(), "it is the same code, of the digits that the stricter channel demands");
    assert_eq!(code.len(), 8);
    world.validate(&identification, &code).await;

    for counted in [
        "rubrica_code_fates_total{channel=\"SMS\",fate=\"failed\",provider=\"sms\"} 1",
        "rubrica_code_fates_total{channel=\"EMAIL\",fate=\"delivered\",provider=\"smtp\"} 1",
    ] {
        world.wait_for_measure(counted).await;
    }
    world.stop();
    let channels: Vec<_> = world.taken(&identification).await.into_iter().map(|(channel, _)| channel).collect();
    assert_eq!(channels, [None, Some(Channel::Email)]);
    assert_eq!((gateway.received().len(), mail.received().len()), (1, 1), "once on each channel");
    assert!(!world.log().contains(&code), "the code is in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_does_not_wait_for_a_gateway_that_is_away_where_there_is_another_channel() {
    let (gateway, mail) = (Receiver::gateway(Mood::Refuses).await, Receiver::mail(Mood::Takes).await);
    let mut world = with_fallback(gateway.port, mail.port, "");
    let identification = world.identification("SMS").await;
    world.challenge(&identification).await;
    let code = mail.wait_for(1).await[0].code().to_owned();
    world.validate(&identification, &code).await;
    world.stop();
    gateway.wait_for_refusals(3).await;
    assert_eq!(gateway.received().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_whose_fate_is_unknown_is_sent_nowhere_else() {
    let (gateway, mail) = (Receiver::gateway(Mood::Hangs).await, Receiver::mail(Mood::Takes).await);
    let mut world = with_fallback(gateway.port, mail.port, "");
    let identification = world.identification("SMS").await;
    world.challenge(&identification).await;
    gateway.wait_for(1).await;
    world.wait_for_given_up(1).await;
    world.wait_for_measure("rubrica_code_fates_total{channel=\"SMS\",fate=\"unknown\",provider=\"sms\"} 1").await;
    world.stop();
    assert_eq!(mail.received().len(), 0);
    assert_eq!(world.taken(&identification).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_and_the_log_say_from_which_number_a_code_went_out_instead_of_its_alias() {
    let (gateway, mail) = (Receiver::gateway(Mood::Takes).await, Receiver::mail(Mood::Takes).await);
    let senders = "[[channels.senders.organizations.acme]]\ncountry = \"34\"\nalias = \"Acme\"\nregistered_until = \"2026-09-14\"\n\
                   fallback = \"+34600000001\"\n";
    let mut world = with_fallback(gateway.port, mail.port, senders);
    let identification = world.identification("SMS").await;
    world.challenge(&identification).await;
    let code = gateway.wait_for(1).await[0].code().to_owned();
    world.validate(&identification, &code).await;
    for counted in [
        "rubrica_sms_sender_unregistered_total{organization=\"acme\",outcome=\"fallback\",sender=\"Acme\"} 1",
        "rubrica_sms_sender_registered{country=\"34\",organization=\"acme\",provider=\"sms\",sender=\"Acme\"} 0",
    ] {
        world.wait_for_measure(counted).await;
    }
    until("warnings of the alias", || world.log().contains("was registered until 2026-09-14 only")).await;
    world.stop();
    assert!(world.log().contains("an SMS goes out from the fallback number, as its alias is not registered"));
    let taken = world.taken(&identification).await;
    assert_eq!(taken[0].1.sender.as_deref(), Some("+34600000001"));
    assert!(taken[0].1.reports);
}
