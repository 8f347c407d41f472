//! What is known of providers: the options that a preset fills where they are not given.

use super::super::{Authentication, Channel, ContentType, GatewayOptions, Preset, ReceiptStatus, Success};

/// Twilio Messages; the body's fields and the answer's members are those of its REST API, version 2010-04-01.
/// `ValidityPeriod` makes it drop a code that it could not deliver while it was valid.
const TWILIO_SMS: &str = "To={{to}}&From={{sender}}&Body={{text}}{{#if code}}&ValidityPeriod={{ttl}}{{/if}}\
                          {{#if receipt_url}}&StatusCallback={{receipt_url}}{{/if}}";
const TWILIO_WHATSAPP: &str = "To=whatsapp%3A{{to}}&From=whatsapp%3A{{sender}}&Body={{text}}\
                               {{#if receipt_url}}&StatusCallback={{receipt_url}}{{/if}}";

/// The field of Twilio's status callbacks, and the values of it that a message on its way out can have.
const TWILIO_STATUS: &str = "MessageStatus";
const TWILIO_STATUSES: [(&str, ReceiptStatus); 9] = [
    ("accepted", ReceiptStatus::Accepted),
    ("queued", ReceiptStatus::Accepted),
    ("sending", ReceiptStatus::Accepted),
    ("sent", ReceiptStatus::Sent),
    ("delivered", ReceiptStatus::Delivered),
    ("read", ReceiptStatus::Read),
    ("undelivered", ReceiptStatus::Failed),
    ("failed", ReceiptStatus::Failed),
    ("canceled", ReceiptStatus::Failed),
];

/// Meta WhatsApp Cloud: in an authentication template the code stands in the body and in the button that copies it.
const META: &str = r#"{"messaging_product":"whatsapp","recipient_type":"individual","to":"{{to_digits}}",
{{#if code}}"type":"template","template":{"name":"{{template}}","language":{"code":"{{language}}"},"components":[
{"type":"body","parameters":[{"type":"text","text":"{{code}}"}]},
{"type":"button","sub_type":"url","index":"0","parameters":[{"type":"text","text":"{{code}}"}]}]}
{{else}}{{#if notice_template}}"type":"template","template":{"name":"{{notice_template}}","language":{"code":"{{language}}"},
"components":[{"type":"body","parameters":[{"type":"text","text":"{{text}}"}]}]}
{{else}}"type":"text","text":{"body":"{{text}}"}{{/if}}{{/if}}}"#;

/// The options with what the preset knows in the places that were left open.
///
/// # Errors
/// A text that names what the preset needs and is not given.
pub(super) fn filled(options: &GatewayOptions, channel: Channel) -> Result<GatewayOptions, String> {
    let mut filled = options.clone();
    match options.preset {
        None => {}
        Some(Preset::Twilio) => {
            let account = needed(options.account.as_ref(), "account")?;
            needed(options.sender.as_ref(), "sender")?;
            let url = format!("https://api.twilio.com/2010-04-01/Accounts/{account}/Messages.json");
            let body = if channel == Channel::Whatsapp { TWILIO_WHATSAPP } else { TWILIO_SMS };
            filled.url.get_or_insert(url);
            filled.authentication.get_or_insert(Authentication::Basic);
            filled.content_type.get_or_insert(ContentType::Form);
            filled.body.get_or_insert_with(|| body.to_owned());
            filled.success.get_or_insert_with(|| created("/sid"));
            filled.message_id.get_or_insert_with(|| "/sid".to_owned());
            filled.error_text.get_or_insert_with(|| "/message".to_owned());
            let receipt = filled.receipt.get_or_insert_default();
            if receipt.status.is_empty() {
                receipt.status = TWILIO_STATUS.to_owned();
            }
            if receipt.statuses.is_empty() {
                receipt.statuses = TWILIO_STATUSES.map(|(word, status)| (word.to_owned(), status)).into();
            }
        }
        Some(Preset::MetaWhatsapp) => {
            if channel != Channel::Whatsapp {
                return Err("the preset meta_whatsapp is for the channel WHATSAPP".into());
            }
            let account = needed(options.account.as_ref(), "account")?;
            needed(options.template.as_ref(), "template")?;
            filled.url.get_or_insert_with(|| format!("https://graph.facebook.com/v21.0/{account}/messages"));
            filled.authentication.get_or_insert(Authentication::Bearer);
            filled.content_type.get_or_insert(ContentType::Json);
            filled.body.get_or_insert_with(|| META.to_owned());
            filled.success.get_or_insert_with(|| created("/messages/0/id"));
            filled.message_id.get_or_insert_with(|| "/messages/0/id".to_owned());
            filled.error_text.get_or_insert_with(|| "/error/message".to_owned());
            // No receipts: Meta reports to one address for the whole app, whatever the message, not to one that comes with it.
            // WhatsApp has no templates in Basque and Galician.
            for language in ["eu", "gl"] {
                filled.languages.entry(language.to_owned()).or_insert_with(|| "es".to_owned());
            }
        }
    }
    Ok(filled)
}

fn needed<'a>(value: Option<&'a String>, name: &str) -> Result<&'a str, String> {
    let value = value.map_or("", String::as_str);
    // It may become part of the URL's path.
    let usable = !value.is_empty() && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-+.".contains(&b));
    usable.then_some(value).ok_or_else(|| format!("the preset needs {name}, of letters, digits and _-+."))
}

fn created(pointer: &str) -> Success {
    Success { statuses: vec![200, 201], pointer: Some(pointer.to_owned()), equals: None }
}
