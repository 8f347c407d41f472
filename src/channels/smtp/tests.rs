use std::sync::Arc;

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::{
    super::{
        Channel,
        tests::{message, noon},
    },
    *,
};

/// What the server of a test does at a point of the dialogue.
#[derive(Clone, Copy, PartialEq)]
enum Act {
    Reply(&'static str),
    Drop,
    Hang,
}

/// A server that takes mail, except for the acts of its script.
#[derive(Clone, Copy)]
struct Script {
    greeting: Act,
    hello: Act,
    auth: Act,
    mail: Act,
    rcpt: Act,
    data: Act,
    /// After the dot that ends the data.
    end: Act,
}

const TAKES_ALL: Script = Script {
    greeting: Act::Reply("220 test ESMTP"),
    hello: Act::Reply("250-test\r\n250-AUTH PLAIN\r\n250 8BITMIME"),
    auth: Act::Reply("235 welcome"),
    mail: Act::Reply("250 ok"),
    rcpt: Act::Reply("250 ok"),
    data: Act::Reply("354 go on"),
    end: Act::Reply("250 queued as 7"),
};

/// What one connection sent: its commands, and the data of its mails.
#[derive(Debug, Default)]
struct Seen {
    commands: Vec<String>,
    mails: Vec<String>,
}

type Log = Arc<Mutex<Vec<Seen>>>;

struct Server {
    port: u16,
    log: Log,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(script: Script) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let log = Log::default();
    let seen = log.clone();
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let number = {
                let mut seen = seen.lock();
                seen.push(Seen::default());
                seen.len() - 1
            };
            tokio::spawn(dialogue(stream, script, seen.clone(), number));
        }
    });
    Server { port, log, task }
}

/// Carries the act out; `None` when the connection is to end.
async fn act(stream: &mut BufReader<TcpStream>, act: Act) -> Option<()> {
    match act {
        Act::Reply(line) => stream.write_all(format!("{line}\r\n").as_bytes()).await.ok(),
        Act::Drop => None,
        Act::Hang => {
            // Until the client gives up.
            let mut line = String::new();
            while stream.read_line(&mut line).await.ok()? > 0 {}
            None
        }
    }
}

async fn dialogue(stream: TcpStream, script: Script, log: Log, number: usize) -> Option<()> {
    let mut stream = BufReader::new(stream);
    act(&mut stream, script.greeting).await?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        log.lock()[number].commands.push(line.trim_end().to_owned());
        match line.get(..4).unwrap_or_default() {
            "EHLO" => act(&mut stream, script.hello).await?,
            "AUTH" => act(&mut stream, script.auth).await?,
            "MAIL" => act(&mut stream, script.mail).await?,
            "RCPT" => act(&mut stream, script.rcpt).await?,
            "DATA" => {
                act(&mut stream, script.data).await?;
                let mut mail = String::new();
                while !mail.ends_with("\r\n.\r\n") {
                    if stream.read_line(&mut mail).await.ok()? == 0 {
                        return None;
                    }
                }
                log.lock()[number].mails.push(mail);
                act(&mut stream, script.end).await?;
            }
            _ => act(&mut stream, Act::Reply("250 ok")).await?,
        }
    }
}

fn options(port: u16) -> SmtpOptions {
    let text = "host = '127.0.0.1'\nsecurity = 'none'\nfrom = 'Rubrica <no-reply@example.org>'\ntimeout_ms = 60000";
    SmtpOptions { port: Some(port), ..toml::from_str(text).unwrap() }
}

async fn outcome(script: Script) -> Outcome {
    // Short where it must pass, long where it must not.
    let hangs = [script.greeting, script.rcpt, script.data, script.end].contains(&Act::Hang);
    let server = serve(script).await;
    let options = SmtpOptions { timeout_ms: if hangs { 1000 } else { 60_000 }, ..options(server.port) };
    Smtp::new(&options).unwrap().send(&message(Channel::Email, "r1"), noon()).await
}

#[actix_rt::test]
async fn a_mail_reaches_the_server() {
    let server = serve(TAKES_ALL).await;
    let smtp = Smtp::new(&options(server.port)).unwrap();
    let mail = Message {
        subject: "Su código\r\nBcc: all@example.org".into(),
        html: Some("<p>123456</p>".into()),
        ..message(Channel::Email, "r1")
    };
    let Outcome::Accepted { provider_id: Some(id) } = smtp.send(&mail, noon()).await else { panic!("not accepted") };

    let log = server.log.lock();
    assert_eq!(
        log[0].commands[..4],
        ["EHLO example.org", "MAIL FROM:<no-reply@example.org>", "RCPT TO:<ana@example.org>", "DATA"]
    );
    let sent = &log[0].mails[0];
    for header in [
        "From: Rubrica <no-reply@example.org>\r\n",
        "To: ana@example.org\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "Date: Sat, 21 Nov 2026 12:00:00 +0000\r\n",
        &format!("Message-ID: <{id}>\r\n"),
    ] {
        assert!(sent.contains(header), "{header} in {sent}");
    }
    assert!(!sent.contains("\r\nBcc"), "a subject adds no header: {sent}");
    assert!(sent.contains("text/plain") && sent.contains("text/html") && sent.contains("<p>123456</p>"), "{sent}");
}

async fn to(server: &Server, address: &str) -> Outcome {
    let mail = Message { to: address.into(), ..message(Channel::Email, "r1") };
    Smtp::new(&options(server.port)).unwrap().send(&mail, noon()).await
}

#[actix_rt::test]
async fn an_internationalized_domain_goes_out_as_its_a_label() {
    let server = serve(TAKES_ALL).await;
    assert!(matches!(to(&server, "ana@MÜNCHEN.example").await, Outcome::Accepted { .. }));
    let log = server.log.lock();
    assert_eq!(log[0].commands[1..3], ["MAIL FROM:<no-reply@example.org>", "RCPT TO:<ana@xn--mnchen-3ya.example>"]);
    assert!(log[0].mails[0].contains("To: ana@xn--mnchen-3ya.example\r\n"), "{}", log[0].mails[0]);
    assert!(log[0].mails[0].is_ascii());
}

#[actix_rt::test]
async fn the_senders_internationalized_domain_goes_out_as_its_a_label() {
    let server = serve(TAKES_ALL).await;
    let options = SmtpOptions { from: "Acme <no-reply@münchen.example>".into(), ..options(server.port) };
    let outcome = Smtp::new(&options).unwrap().send(&message(Channel::Email, "r1"), noon()).await;
    let Outcome::Accepted { provider_id: Some(id) } = outcome else { panic!("{outcome:?}") };
    assert!(id.ends_with("@xn--mnchen-3ya.example"), "{id}");
    let log = server.log.lock();
    assert_eq!(log[0].commands[..2], ["EHLO xn--mnchen-3ya.example", "MAIL FROM:<no-reply@xn--mnchen-3ya.example>"]);
}

#[actix_rt::test]
async fn a_local_part_outside_ascii_goes_out_with_smtputf8_or_not_at_all() {
    let takes = Script { hello: Act::Reply("250-test\r\n250-SMTPUTF8\r\n250 8BITMIME"), ..TAKES_ALL };
    let server = serve(takes).await;
    for address in ["josé@españa.example", "😀@example.org"] {
        assert!(matches!(to(&server, address).await, Outcome::Accepted { .. }), "{address}");
    }
    let without = serve(TAKES_ALL).await;
    let outcome = to(&without, "josé@example.org").await;

    assert!(matches!(&outcome, Outcome::Refused { reason } if reason.contains("outside ASCII")), "{outcome:?}");
    assert!(without.log.lock()[0].commands.iter().all(|command| !command.starts_with("MAIL")));
    let log = server.log.lock();
    let commands = ["MAIL FROM:<no-reply@example.org> SMTPUTF8 BODY=8BITMIME", "RCPT TO:<josé@xn--espaa-rta.example>"];
    assert_eq!(log[0].commands[1..3], commands);
    assert!(log[0].mails[0].contains("To: josé@xn--espaa-rta.example\r\n"), "{}", log[0].mails[0]);
    assert_eq!(log[1].commands[2], "RCPT TO:<😀@example.org>");
}

#[actix_rt::test]
async fn a_reason_is_in_our_words_or_the_servers() {
    let reason = |outcome: Outcome| match outcome {
        Outcome::Refused { reason } | Outcome::Retry { reason, .. } | Outcome::Ambiguous { reason } => reason,
        Outcome::Accepted { .. } => panic!("accepted"),
    };
    let told = reason(outcome(Script { rcpt: Act::Reply("550 5.1.1 no such user"), ..TAKES_ALL }).await);
    assert_eq!(told, "the mail server refuses: it answered 550 5.1.1 no such user");
    let told = reason(outcome(Script { end: Act::Reply("nonsense"), ..TAKES_ALL }).await);
    assert_eq!(told, "no reply to the data: its reply could not be read");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = listener.local_addr().unwrap().port();
    drop(listener);
    let told = Smtp::new(&options(closed)).unwrap().send(&message(Channel::Email, "r1"), noon()).await;
    assert_eq!(reason(told), "cannot use the mail server: the connection was refused");
}

#[actix_rt::test]
async fn the_message_id_is_the_same_in_every_attempt_and_in_no_other_message() {
    let server = serve(TAKES_ALL).await;
    let smtp = Smtp::new(&options(server.port)).unwrap();
    let first = smtp.send(&message(Channel::Email, "r1"), noon()).await;
    assert_eq!(first, smtp.send(&message(Channel::Email, "r1"), noon()).await);
    assert_ne!(first, smtp.send(&message(Channel::Email, "r2"), noon()).await);
    let elsewhere = Message { organization: "other".into(), ..message(Channel::Email, "r1") };
    assert_ne!(first, smtp.send(&elsewhere, noon()).await);
}

#[actix_rt::test]
async fn a_connection_is_used_again_and_one_that_the_server_closed_is_not() {
    let server = serve(TAKES_ALL).await;
    let smtp = Smtp::new(&options(server.port)).unwrap();
    for reference in ["r1", "r2"] {
        assert!(matches!(smtp.send(&message(Channel::Email, reference), noon()).await, Outcome::Accepted { .. }));
    }
    assert_eq!(server.log.lock().len(), 1);

    let closing = serve(Script { end: Act::Reply("250 queued\r\n421 bye"), ..TAKES_ALL }).await;
    let smtp = Smtp::new(&options(closing.port)).unwrap();
    for reference in ["r1", "r2"] {
        assert!(matches!(smtp.send(&message(Channel::Email, reference), noon()).await, Outcome::Accepted { .. }));
    }
    assert_eq!(closing.log.lock().len(), 2);
}

#[actix_rt::test]
async fn what_fails_before_the_end_of_the_data_is_certain() {
    let scripts = [
        Script { greeting: Act::Reply("554 not today"), ..TAKES_ALL },
        Script { greeting: Act::Drop, ..TAKES_ALL },
        Script { greeting: Act::Hang, ..TAKES_ALL },
        Script { mail: Act::Reply("530 who are you"), ..TAKES_ALL },
        Script { mail: Act::Drop, ..TAKES_ALL },
        Script { rcpt: Act::Reply("450 greylisted"), ..TAKES_ALL },
        Script { rcpt: Act::Hang, ..TAKES_ALL },
        Script { data: Act::Reply("451 disk full"), ..TAKES_ALL },
        Script { data: Act::Drop, ..TAKES_ALL },
        Script { data: Act::Hang, ..TAKES_ALL },
        // A negative reply to the data is a reply.
        Script { end: Act::Reply("452 disk full"), ..TAKES_ALL },
    ];
    let outcomes = futures::future::join_all(scripts.map(outcome)).await;
    for (number, outcome) in outcomes.into_iter().enumerate() {
        assert!(matches!(outcome, Outcome::Retry { after: None, .. }), "{number}: {outcome:?}");
    }
}

#[actix_rt::test]
async fn a_permanent_reply_to_the_message_is_a_refusal() {
    for script in [
        Script { mail: Act::Reply("553 no such sender"), ..TAKES_ALL },
        Script { rcpt: Act::Reply("550 no such user ana@example.org"), ..TAKES_ALL },
        Script { end: Act::Reply("554 spam: 123456"), ..TAKES_ALL },
    ] {
        let outcome = outcome(script).await;
        let Outcome::Refused { reason } = &outcome else { panic!("{outcome:?}") };
        assert!(reason.contains("55") && !reason.contains("123456") && !reason.contains("ana@"), "{reason}");
    }
}

#[actix_rt::test]
async fn what_breaks_after_the_end_of_the_data_is_ambiguous() {
    for end in [Act::Drop, Act::Hang, Act::Reply("nonsense")] {
        let outcome = outcome(Script { end, ..TAKES_ALL }).await;
        assert!(matches!(outcome, Outcome::Ambiguous { .. }), "{outcome:?}");
    }
}

#[actix_rt::test]
async fn a_server_that_cannot_be_reached_is_certain() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = listener.local_addr().unwrap().port();
    drop(listener);
    let plain = serve(TAKES_ALL).await;
    let unreachable = [
        options(closed),
        // No such name (RFC 6761).
        SmtpOptions { host: "mail.invalid".into(), ..options(25) },
        // No TLS on the other side, and none offered.
        SmtpOptions { security: Security::Tls, ..options(plain.port) },
        SmtpOptions { security: Security::Starttls, ..options(plain.port) },
    ];
    for options in unreachable {
        let outcome = Smtp::new(&options).unwrap().send(&message(Channel::Email, "r1"), noon()).await;
        assert!(matches!(outcome, Outcome::Retry { .. }), "{options:?}: {outcome:?}");
    }
    assert!(plain.log.lock().iter().all(|seen| seen.mails.is_empty()), "nothing is sent in the clear instead");
}

#[actix_rt::test]
async fn wrong_credentials_are_no_fault_of_the_message_and_do_not_show() {
    let with_password = |port| SmtpOptions {
        username: Some("rubrica".into()),
        password: Some(super::super::Secret::new("s3cret")),
        ..options(port)
    };
    let server = serve(TAKES_ALL).await;
    let outcome = Smtp::new(&with_password(server.port)).unwrap().send(&message(Channel::Email, "r1"), noon()).await;
    assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    assert!(server.log.lock()[0].commands[1].starts_with("AUTH PLAIN "));

    let server = serve(Script { auth: Act::Reply("535 wrong"), ..TAKES_ALL }).await;
    let outcome = Smtp::new(&with_password(server.port)).unwrap().send(&message(Channel::Email, "r1"), noon()).await;
    assert!(
        matches!(&outcome, Outcome::Retry { reason, .. } if reason.contains("535") && !reason.contains("s3cret")),
        "{outcome:?}"
    );
}

#[test]
fn wrong_options_are_errors_that_say_which() {
    let wrong = |options: SmtpOptions, expected: &str| {
        let problem = Smtp::new(&options).err().unwrap();
        assert!(problem.contains(expected), "{expected:?} in {problem:?}");
    };
    let password = || Some(super::super::Secret::new("s3cret"));
    let username = || Some("rubrica".to_owned());
    wrong(SmtpOptions { from: "nobody".into(), ..options(25) }, "from");
    wrong(SmtpOptions { password: password(), ..options(25) }, "belong together");
    wrong(
        SmtpOptions { host: "mail.example.org".into(), username: username(), password: password(), ..options(25) },
        "in the clear",
    );
    wrong(SmtpOptions { connections: 0, ..options(25) }, "connections");
    wrong(SmtpOptions { timeout_ms: 1, ..options(25) }, "timeout_ms");
    wrong(SmtpOptions { helo: Some("a b".into()), ..options(25) }, "helo");
    wrong(SmtpOptions { security: Security::Tls, ca_file: Some("/nowhere/ca.pem".into()), ..options(25) }, "/nowhere/ca.pem");
}

#[test]
fn the_port_follows_the_security() {
    for (security, port) in [(Security::None, 25), (Security::Starttls, 587), (Security::Tls, 465)] {
        assert_eq!(SmtpOptions { security, port: None, ..options(1) }.port(), port);
    }
}
