use chrono::TimeDelta;
use workflows::identification::otp::Policy;

use super::{reading::without_value, *};

fn from(text: &str, environment: &[(&str, &str)]) -> Result<Config, Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rubrica.toml");
    std::fs::write(&path, text).unwrap();
    Config::load(Some(&path), environment.iter().map(|(name, value)| (name.to_string(), value.to_string())))
}

#[test]
fn nothing_configured_is_development_with_the_sandbox() {
    let config = Config::load(None, []).unwrap();
    assert!(config.channels.sandbox_is_on() && config.access.development);
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.codes.policy(), Policy::default());
}

#[test]
fn production_has_no_sandbox_and_no_development_tokens() {
    let issuer = "[[access.issuers]]\nissuer = \"https://id.example\"\naudiences = [\"rubrica\"]\njwks_url = \"https://id.example/jwks\"\n";
    let config = from(&format!("mode = \"production\"\n{issuer}"), &[]).unwrap();
    assert!(!config.channels.sandbox_is_on() && !config.access.development);
    let refused = from("mode = \"production\"", &[]).unwrap_err().to_string();
    assert!(refused.contains("access.issuers"), "{refused}");
    for unsafe_here in ["[access]\ndevelopment = true\n", "[channels]\nsandbox = true\n"] {
        let text = format!("mode = \"production\"\n{unsafe_here}{issuer}");
        assert!(from(&text, &[]).unwrap_err().to_string().contains("false in production mode"), "{text}");
    }
}

#[test]
fn an_organization_can_have_fallback_channels_of_its_own() {
    let text = "[codes]\nfallback_channels = [\"EMAIL\"]\n[organizations.acme]\nfallback_channels = [\"WHATSAPP\"]\n\
                [organizations.plain]\nname = \"Plain\"\n";
    let policies = from(text, &[]).unwrap().code_policies();
    let all = [Channel::Sms, Channel::Email, Channel::Whatsapp];
    for (organization, expected) in [("acme", Channel::Whatsapp), ("plain", Channel::Email), ("other", Channel::Email)] {
        assert_eq!(policies.of(organization, &all).fallback_channels, [expected], "{organization}");
    }
    assert_eq!(from("", &[]).unwrap().code_policies().of("acme", &all).fallback_channels, [], "off by default");
}

#[test]
fn an_organization_can_have_rules_for_consents_of_its_own() {
    let text = "[consents]\nrequire_display = true\n[organizations.acme.consents]\nretention_after_deletion = \"PT0S\"\n\
                late_capture = \"overwrite\"\n[organizations.plain]\nname = \"Plain\"\n";
    let policies = from(text, &[]).unwrap().consent_policies();
    let (acme, plain) = (policies.of("acme"), policies.of("plain"));
    assert_eq!((acme.retention_after_deletion, acme.late_capture), (TimeDelta::zero(), LateCapture::Overwrite));
    assert!(acme.require_display && acme.default_region == "ES", "what is left out is as for all");
    assert_eq!((plain.retention_after_deletion, plain.late_capture), (TimeDelta::days(1095), LateCapture::Merge));
    assert_eq!(policies.of("other"), plain);
}

#[test]
fn the_environment_wins_over_the_file() {
    let config =
        from("[codes]\ndigits = 7\n", &[("RUBRICA_CODES__DIGITS", "9"), ("RUBRICA_LOG__FILTER", "debug"), ("RUBRICA_JOBS", "2")])
            .unwrap();
    assert_eq!((config.codes.digits, config.log.filter.as_str()), (9, "debug"));
}

const MASTER: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

#[test]
fn a_shared_store_needs_keys_and_files_that_are_shared_too() {
    let store = ("RUBRICA_STORE", "scylla://ana:22222@db1,db2/rubrica");
    let (keys, files) = (("RUBRICA_KEYS__MASTER", MASTER), ("RUBRICA_BLOBS__URL", "s3://files"));
    for (given, missing) in [(vec![store, files], "keys.master"), (vec![store, keys], "blobs.url")] {
        let message = from("", &given).unwrap_err().to_string();
        assert!(message.contains(missing) && !message.contains("22222"), "{message}");
    }
    let config = from("[store]\ntimeout = \"PT2S\"\n", &[store, keys, files]).unwrap();
    assert!(config.store.is_shared() && config.store.timeout == TimeDelta::seconds(2));
    let described = crate::engine::describe(&crate::engine::Settings::of(&config));
    assert!(described.contains("db1:9042") && described.contains("ana") && !described.contains("22222"), "{described}");
    assert!(!format!("{config:?}").contains("22222"));
}

#[test]
fn the_short_name_of_the_store_gives_way_to_the_long_one() {
    let config = from("", &[("RUBRICA_STORE__URL", "sqlite"), ("RUBRICA_STORE", "scylla://db/k")]).unwrap();
    assert!(!config.store.is_shared());
}

#[test]
fn no_error_shows_a_secret() {
    for text in [
        "[store]\nurl = \"scylla://ana:22222@db\"\n",
        "[store]\nurl = [\"22222\"]\n",
        "[store]\npassword = [\"22222\"]\n",
        "[blobs]\nsecret_access_key = [\"22222\"]\n",
        "[keys]\nmaster = hunter22222\n",
        "[keys]\nmaster = 22222\n",
        "[channels.smtp]\nhost = \"h\"\npassword = [\"22222\"]\n",
    ] {
        let message = from(text, &[]).unwrap_err().to_string();
        assert!(!message.contains("22222"), "{message}");
    }
}

#[test]
fn a_password_of_digits_is_a_password() {
    let config =
        from("[channels.smtp]\nhost = \"h\"\nfrom = \"a@b.example\"\n", &[("RUBRICA_CHANNELS__SMTP__PASSWORD", "12345678")])
            .unwrap();
    assert_eq!(config.channels.smtp.unwrap().password.unwrap().expose(), "12345678");
}

#[test]
fn unknown_options_and_values_out_of_bounds_are_named() {
    for (text, named) in [
        ("[server]\nlisten_on = 1\n", "listen_on"),
        ("[codes]\ndigits = 4\n", "codes.digits"),
        ("[codes]\nlifetime = \"PT1H\"\n", "codes.lifetime"),
        ("[codes]\nreceipt_timeout = \"PT30S\"\n", "codes.receipt_timeout"),
        ("[codes]\nfallback_channels = [\"SMS\", \"EMAIL\", \"SMS\"]\n", "codes.fallback_channels"),
        ("[organizations.acme]\nfallback_channels = [\"SMS\", \"SMS\"]\n", "organizations.acme.fallback_channels"),
        ("[scoring]\ntimeout = \"PT1H\"\n", "scoring.timeout"),
        ("[scoring]\nmemory = 1\n", "scoring.memory"),
        ("[scoring.levels]\nlow = 0.9\n", "scoring.levels"),
        ("[filling]\nmemory = 68719476737\n", "filling.memory"),
        ("[fills]\nplaces = 0\n", "fills.places"),
        ("[fills]\nwaiting = 0\n", "fills.waiting"),
        ("[fills]\nwaiting_per_organization = 1000001\n", "fills.waiting_per_organization"),
        ("[identity_documents]\nimage_limit = 1\n", "identity_documents.image_limit"),
        ("[identity_documents]\nattempt_time = \"PT1H\"\n", "identity_documents.attempt_time"),
        ("[identity_documents]\ndelegation_time = \"P2D\"\n", "identity_documents.delegation_time"),
        ("[identity_documents]\nvalidation_attempts = 0\n", "identity_documents.validation_attempts"),
        ("[identity_documents]\nlink_lifetime = \"P2D\"\n", "identity_documents.link_lifetime"),
        ("[biometric]\nescrow_certificates = [\"a\", \"b\", \"c\", \"d\"]\n", "biometric.escrow_certificates"),
        ("[biometric.gate]\nduration_ms_max = 70000\n", "biometric.gate: duration_ms_max"),
        ("[server]\ncors_origins = [\"*\"]\n", "server.cors_origins"),
        ("[server]\ncors_origins = [\"https://a.example/\"]\n", "server.cors_origins"),
        ("[consents]\nx_key_lifetime = \"PT59S\"\n", "consents.x_key_lifetime"),
        ("[consents]\ncomponent_token_lifetime = \"P2D\"\n", "consents.component_token_lifetime"),
        ("[consents]\nretention_after_deletion = \"P1Y\"\n", "consents.retention_after_deletion"),
        ("[consents]\nlate_capture = \"first\"\n", "consents.late_capture"),
        ("[consents]\ndefault_region = \"Spain\"\n", "consents.default_region"),
        ("[consents]\ncaptures_per_day = 0\n", "consents.captures_per_day"),
        ("[consents]\ncatalogue_ttl = \"PT2M\"\n", "consents.catalogue_ttl"),
        ("[organizations.acme.consents]\ndefault_region = \"es\"\n", "organizations.acme.consents.default_region"),
        ("[organizations.acme.consents]\nx_key_lifetime = \"PT1H\"\n", "x_key_lifetime"),
        ("[console]\nidle_time = \"PT10S\"\n", "console.idle_time"),
        ("[console]\nsession_time = \"P2D\"\n", "console.session_time"),
        ("[console.oidc]\nissuer = \"http://id.example\"\nclient_id = \"c\"\n", "console.oidc.issuer"),
        ("[console.oidc]\nissuer = \"https://id.example\"\nclient_id = \"\"\n", "console.oidc.client_id"),
        (
            "[server]\npublic_base_url = \"http://sign.example\"\n[console.oidc]\nissuer = \"https://id.example\"\nclient_id = \"c\"\n",
            "server.public_base_url",
        ),
        ("[processes]\neffect_lease = \"PT2H\"\n", "processes.effect_lease"),
        ("[log]\nfilter = \"a=b=c\"\n", "log.filter"),
        ("mode = \"test\"\n", "mode: expected"),
        ("[store]\nurl = \"postgres://db/k\"\n", "store.url"),
        ("[store]\ntimeout = \"PT1M\"\n", "store.timeout"),
        ("[blobs]\nurl = \"ftp://x\"\n", "blobs.url"),
    ] {
        let message = from(text, &[]).unwrap_err().to_string();
        assert!(message.contains(named), "{text}: {message}");
    }
}

const AUTHORITY: &str = "[[trust_services.time_stamp_authorities]]\nname = \"first\"\nurl = \"https://time.example/tsr\"\n";

#[test]
fn a_level_needs_what_it_is_made_of_and_a_deadline_an_attempt_after_it() {
    let told = |text: &str| from(text, &[]).unwrap_err().to_string();
    let level = "[sealing]\nlevel = \"B-T\"\n";
    assert!(told(level).contains("sealing.level: B-T needs an authority of time stamps"), "{}", told(level));
    let config = from(&format!("{level}deadline = \"PT4H\"\n{AUTHORITY}"), &[]).unwrap();
    assert_eq!((config.sealing.level, config.sealing.deadline), (documents::Level::T, Some(TimeDelta::hours(4))));
    let highest = from(&format!("[sealing]\nlevel = \"B-LTA\"\n{AUTHORITY}"), &[]).unwrap();
    assert_eq!(highest.sealing.level, documents::Level::Lta);
    assert!(told("[sealing]\nlevel = \"hunter2\"\n").contains("sealing.level: expected"));
    assert!(!told("[sealing]\nlevel = \"hunter2\"\n").contains("hunter2"));
    for (deadline, more) in
        [("PT5H", ""), ("P8D", "[processes]\neffect_attempts = 1000\n"), ("PT1H", "[processes]\neffect_attempts = 5\n")]
    {
        let text = format!("[sealing]\ndeadline = \"{deadline}\"\n{more}");
        assert!(told(&text).contains("sealing.deadline"), "{text}");
    }
    assert!(from("[sealing]\ndeadline = \"P7D\"\n[processes]\neffect_attempts = 1000\n", &[]).is_ok());
}

#[test]
fn an_authority_that_cannot_be_used_is_told_without_its_secret() {
    for (more, named) in [
        ("policy = \"hunter22222\"\n", "trust_services.time_stamp_authorities[0].policy"),
        ("user = \"acme\"\n", "trust_services.time_stamp_authorities[0].user"),
        ("passwort = \"hunter22222\"\n", "passwort"),
        ("[trust_services]\nattempts = 9\n", "trust_services.attempts"),
        ("[trust_services]\nbreaker_pause = \"P1D\"\n", "trust_services.breaker_pause"),
    ] {
        let text = if more.starts_with('[') { more.to_owned() } else { format!("{AUTHORITY}{more}") };
        let told = from(&text, &[]).unwrap_err().to_string();
        assert!(told.contains(named) && !told.contains("hunter22222"), "{told}");
    }
    let both = format!("{AUTHORITY}user = \"acme\"\npassword = \"hunter22222\"\npassword_file = \"/nowhere/password\"\n");
    let told = from(&both, &[]).unwrap().try_parts(Utc::now()).unwrap_err().to_string();
    assert!(told.contains("trust_services.time_stamp_authorities[0].password: give the secret") && !told.contains("hunter22222"));
}

const DEFAULT_FILE: &str = include_str!("../../deploy/rubrica.toml");

/// The file with every option switched on that is commented out by `#: `.
fn everything_switched_on() -> String {
    DEFAULT_FILE.lines().map(|line| line.strip_prefix("#: ").unwrap_or(line)).map(|line| format!("{line}\n")).collect()
}

#[test]
fn the_commented_default_file_holds_the_defaults() {
    let defaults = format!("{:?}", Config::load(None, []).unwrap());
    assert_eq!(format!("{:?}", from(DEFAULT_FILE, &[]).unwrap()), defaults);
    assert!(from(&everything_switched_on(), &[]).is_ok(), "{}", from(&everything_switched_on(), &[]).unwrap_err());
}

#[test]
fn the_commented_default_file_names_every_option() {
    // The declarations are the reference: each public field of a configuration's struct is an option.
    let texts = include_str!("../channels/texts/mod.rs").split("pub enum ").next().unwrap_or_default();
    let declared = [
        include_str!("mod.rs"),
        include_str!("biometric.rs"),
        include_str!("../../biometric/src/gate.rs"),
        include_str!("codes.rs"),
        include_str!("consents.rs"),
        include_str!("console.rs"),
        include_str!("../access/oidc/options.rs"),
        include_str!("fonts.rs"),
        include_str!("identity_documents.rs"),
        include_str!("log.rs"),
        include_str!("processes.rs"),
        include_str!("retention.rs"),
        include_str!("sealing.rs"),
        include_str!("server.rs"),
        include_str!("work.rs"),
        include_str!("store.rs"),
        include_str!("verification.rs"),
        include_str!("../access/options.rs"),
        include_str!("../channels/options.rs"),
        include_str!("../channels/senders/mod.rs"),
        include_str!("../scoring/options.rs"),
        include_str!("../trust_services/options.rs"),
        texts,
    ];
    let named: Vec<String> = everything_switched_on()
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(|line| match line.trim_start_matches('[').split_once([']', '=']) {
            Some((key, _)) => key.split('.').map(|part| part.trim().to_owned()).collect::<Vec<_>>(),
            None => Vec::new(),
        })
        .collect();
    let mut options = 0;
    for source in declared {
        let source = source.split("#[cfg(test)]").next().unwrap_or_default();
        // Only what is read from a file: other structs of these modules have public fields too.
        let read = source
            .split("#[derive(")
            .filter(|block| block.split(')').next().is_some_and(|derived| derived.contains("Deserialize")));
        let fields = read.flat_map(str::lines).filter_map(|line| line.strip_prefix("    pub ")?.split_once(": "));
        for (option, _) in fields.filter(|(name, _)| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')) {
            assert!(named.iter().any(|name| name == option), "{option} is not in deploy/rubrica.toml");
            options += 1;
        }
    }
    assert!(options > 70, "only {options} options were found in the declarations");
}

#[test]
fn a_value_quoted_by_serde_is_cut_out() {
    let cut = without_value("invalid type: integer `123456`, expected a string at line 1 column 20");
    assert_eq!(cut, "expected a string, found integer");
    let cut = without_value("invalid type: string \"a, expected b\", expected u32");
    assert_eq!(cut, "expected u32, found string");
    let cut = without_value("unknown variant `hunter2`, expected `inline` or `attachment`");
    assert_eq!(cut, "expected inline or attachment");
    assert_eq!(without_value("missing field `name` at line 1 column 2"), "missing field name");
}
