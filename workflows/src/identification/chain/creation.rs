//! What a chain is made of.

use chrono::Duration;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Channel, Contact, Device, IdentificationType, ProviderType, TwoFactorType,
    identification::{
        identity_document::Terms,
        lifecycle::TIME_LIMIT,
        otp::{ContactPolicy, Policy, is_default},
    },
    values::Problems,
};

/// Maximum number of steps (contract: `sequence`).
pub const MAX_STEPS: usize = 10;

/// What a chain is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Creation {
    /// The person whom every step identifies.
    pub actor: Contact,
    /// Time limit of the chain and of its steps, counted from the creation.
    #[serde(with = "crate::values::duration")]
    pub expires_in: Duration,
    /// In the order of display and evidence; 1 to [`MAX_STEPS`].
    pub steps: Vec<Step>,
    /// From which it was asked for.
    pub device: Device,
}

/// One step: an identification of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Of the identification.
    pub id: Uuid,
    pub settings: Settings,
}

/// How a step identifies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Settings {
    Otp {
        channel: Channel,
        /// The tenant delivers the code itself.
        #[serde(default)]
        external: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        two_factor_type: Option<TwoFactorType>,
        policy: Policy,
        /// What is asked of the contact.
        #[serde(default, skip_serializing_if = "is_default")]
        contact_policy: ContactPolicy,
    },
    Agent,
    IdentityDocument {
        terms: Terms,
    },
}

impl Settings {
    /// The type in the contract.
    pub fn kind(&self) -> IdentificationType {
        match self {
            Self::Otp { .. } => IdentificationType::Otp,
            Self::Agent => IdentificationType::Agent,
            Self::IdentityDocument { .. } => IdentificationType::IdentityDocument,
        }
    }
}

impl Creation {
    /// Whether such a chain could ever end.
    ///
    /// # Errors
    /// What is wrong, in a whole sentence.
    pub fn check(&self) -> Result<(), &'static str> {
        if self.steps.is_empty() || self.steps.len() > MAX_STEPS {
            return Err("a chain has 1 to 10 steps");
        }
        let repeated = |index: usize| self.steps[..index].iter().any(|other| other.id == self.steps[index].id);
        if (0..self.steps.len()).any(repeated) {
            return Err("two steps are one identification");
        }
        if !TIME_LIMIT.contains(self.expires_in) {
            return Err("the time limit of a chain is from 1 minute to 30 days");
        }
        Ok(())
    }
}

/// A chain as it is asked for; nothing of it is checked yet.
#[derive(Clone, Debug)]
pub struct Request {
    pub actor: Contact,
    /// ISO-8601.
    pub expires_in: String,
    pub steps: Vec<StepRequest>,
    pub device: Device,
}

/// What the configuration says of new steps.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// Of codes.
    pub policy: Policy,
    /// What is asked of the contact.
    pub contact_policy: ContactPolicy,
    /// Of checks of identity documents.
    pub terms: Terms,
}

/// A step as it is asked for. Two that are equal are one step twice (contract note chain-sequence).
#[derive(Clone, Debug, PartialEq)]
pub struct StepRequest {
    pub kind: IdentificationType,
    /// Needed by OTP, and allowed for that alone.
    pub otp: Option<OtpRequest>,
    /// Allowed for IDENTITY_DOCUMENT alone.
    pub identity_document: Option<IdentityDocumentRequest>,
}

/// The settings of an OTP step.
#[derive(Clone, Debug, PartialEq)]
pub struct OtpRequest {
    pub channel: Option<Channel>,
    pub external: bool,
    pub two_factor_type: Option<TwoFactorType>,
}

/// The settings of an IDENTITY_DOCUMENT step.
#[derive(Clone, Debug, PartialEq)]
pub struct IdentityDocumentRequest {
    /// Who scores the document; without it, this service.
    pub provider_type: Option<ProviderType>,
}

impl Request {
    /// What the chain is made of, with a new id for each of its steps.
    ///
    /// # Errors
    /// Everything that is wrong, with the members of the contract's `CreateChainIdentificationRequest`.
    pub fn checked(self, defaults: &Defaults, new_id: impl Fn() -> Uuid) -> Result<Creation, Problems> {
        let mut problems = Problems::default();
        let actor = self.actor.checked("actor", &mut problems);
        let expires_in = problems.take("expires_in", TIME_LIMIT.read(&self.expires_in)).unwrap_or(TIME_LIMIT.max());
        if self.steps.is_empty() || self.steps.len() > MAX_STEPS {
            problems.note("sequence", format!("expected 1 to {MAX_STEPS} steps"));
        }
        // An agent or an identity document is the second proof of a contact that the person typed.
        let with_other_proof = self.steps.iter().any(|step| step.kind != IdentificationType::Otp);
        let contact_policy = defaults.contact_policy.clone().in_chain(with_other_proof);
        let defaults = &Defaults { contact_policy, ..defaults.clone() };
        let mut steps = Vec::new();
        for (index, step) in self.steps.iter().enumerate().take(MAX_STEPS) {
            let path = format!("sequence[{index}]");
            if let Some(first) = self.steps[..index].iter().position(|other| other == step) {
                problems.note(path, format!("the same step as sequence[{first}]; no step may be repeated"));
                continue;
            }
            steps.extend(step.settings(&path, defaults, &mut problems));
        }
        check_actor(&actor, &steps, &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        let steps = steps.into_iter().map(|settings| Step { id: new_id(), settings }).collect();
        Ok(Creation { actor, expires_in, steps, device: self.device })
    }
}

impl StepRequest {
    /// The settings, or notes of why there are none.
    fn settings(&self, path: &str, defaults: &Defaults, problems: &mut Problems) -> Option<Settings> {
        let is_otp = self.kind == IdentificationType::Otp;
        if self.otp.is_some() != is_otp {
            let message = if is_otp { "an OTP step needs it" } else { "only an OTP step may have it" };
            problems.note(format!("{path}.otp_step"), message);
        }
        if self.identity_document.is_some() && self.kind != IdentificationType::IdentityDocument {
            problems.note(format!("{path}.identity_document_step"), "only an IDENTITY_DOCUMENT step may have it");
        }
        match (self.kind, &self.otp) {
            (IdentificationType::Agent, _) => Some(Settings::Agent),
            (IdentificationType::IdentityDocument, _) => {
                let mut terms = defaults.terms.clone();
                if let Some(provider) = self.identity_document.as_ref().and_then(|step| step.provider_type) {
                    terms.provider = provider.name().to_owned();
                }
                Some(Settings::IdentityDocument { terms })
            }
            (IdentificationType::Otp, None) => None,
            (IdentificationType::Otp, Some(otp)) => {
                let OtpRequest { channel, external, two_factor_type } = *otp;
                let channel = channel.ok_or("an OTP step needs it");
                let channel = problems.take(format!("{path}.otp_step.channel"), channel)?;
                let (policy, contact_policy) = (defaults.policy.clone(), defaults.contact_policy.clone());
                Some(Settings::Otp { channel, external, two_factor_type, policy, contact_policy })
            }
        }
    }
}

/// Notes each member that the steps need of the actor, once.
fn check_actor(actor: &Contact, steps: &[Settings], problems: &mut Problems) {
    let mut missing = Problems::default();
    for step in steps {
        match step {
            Settings::Otp { channel, two_factor_type, .. } => {
                actor.check_channel("actor", *channel, &mut missing);
                actor.check_second_factor("actor", *two_factor_type, &mut missing);
            }
            Settings::Agent | Settings::IdentityDocument { .. } => {
                let why = format!("an {} step needs it", step.kind().name());
                actor.check_identity_document("actor", &why, &mut missing);
            }
        }
    }
    for problem in &missing {
        if !problems.has(&problem.path) {
            problems.note(&problem.path, &problem.message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DocumentType, IdentityDocument};

    fn otp(channel: Channel) -> StepRequest {
        let otp = OtpRequest { channel: Some(channel), external: false, two_factor_type: None };
        StepRequest { kind: IdentificationType::Otp, otp: Some(otp), identity_document: None }
    }

    fn agent() -> StepRequest {
        StepRequest { kind: IdentificationType::Agent, otp: None, identity_document: None }
    }

    fn request(steps: Vec<StepRequest>) -> Request {
        let number = |document_number: &str| IdentityDocument {
            document_number: document_number.into(),
            document_type: DocumentType::Nif,
            country: None,
        };
        let actor =
            Contact { email: Some("ana@example.org".into()), identity_document: Some(number("12345678Z")), ..Contact::default() };
        Request { actor, expires_in: "PT1H".into(), steps, device: Device::default() }
    }

    fn checked(request: Request) -> Result<Creation, Vec<String>> {
        checked_with(request, ContactPolicy::default())
    }

    fn checked_with(request: Request, contact_policy: ContactPolicy) -> Result<Creation, Vec<String>> {
        let defaults = Defaults { policy: Policy::default(), contact_policy, terms: Terms::default() };
        let creation = request.checked(&defaults, Uuid::new_v4);
        creation.map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn an_agent_or_an_identity_document_in_the_chain_is_the_second_proof_of_a_contact() {
        use crate::identification::otp::SecondProof;
        let policy = || ContactPolicy { second_proof: SecondProof::Needed, ..ContactPolicy::default() };
        let proof_of = |steps: Vec<StepRequest>, policy: ContactPolicy| {
            let creation = checked_with(request(steps), policy).expect("a chain");
            creation.steps.into_iter().find_map(|step| match step.settings {
                Settings::Otp { contact_policy, .. } => Some(contact_policy.second_proof),
                Settings::Agent | Settings::IdentityDocument { .. } => None,
            })
        };
        assert_eq!(proof_of(vec![otp(Channel::Email)], policy()), Some(SecondProof::Needed));
        assert_eq!(proof_of(vec![otp(Channel::Email), agent()], policy()), Some(SecondProof::Chain));
        assert_eq!(proof_of(vec![agent(), otp(Channel::Email)], ContactPolicy::default()), Some(SecondProof::NotNeeded));
    }

    #[test]
    fn what_is_right_becomes_steps_in_order_each_with_an_id_of_its_own() {
        let external = StepRequest {
            otp: Some(OtpRequest { channel: Some(Channel::Email), external: true, two_factor_type: Some(TwoFactorType::Email) }),
            ..otp(Channel::Email)
        };
        let creation = checked(request(vec![otp(Channel::Email), agent(), external])).expect("it is right");
        let kinds: Vec<_> = creation.steps.iter().map(|step| step.settings.kind()).collect();
        assert_eq!(kinds, [IdentificationType::Otp, IdentificationType::Agent, IdentificationType::Otp]);
        assert_eq!((creation.expires_in, creation.check()), (Duration::hours(1), Ok(())));
        let Settings::Otp { external, two_factor_type, .. } = creation.steps[2].settings else { panic!("it is OTP") };
        assert_eq!((external, two_factor_type), (true, Some(TwoFactorType::Email)));
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once_with_its_member() {
        let bare = |kind| StepRequest { kind, ..agent() };
        let document = Some(IdentityDocumentRequest { provider_type: Some(ProviderType::Internal) });
        let steps = vec![
            otp(Channel::Sms),
            bare(IdentificationType::Otp),
            StepRequest { identity_document: document.clone(), ..agent() },
            otp(Channel::Sms),
            StepRequest { kind: IdentificationType::Agent, ..otp(Channel::Email) },
            StepRequest { kind: IdentificationType::IdentityDocument, otp: None, identity_document: document },
            StepRequest {
                otp: Some(OtpRequest { channel: None, external: false, two_factor_type: None }),
                ..otp(Channel::Email)
            },
            otp(Channel::Whatsapp),
        ];
        let actor = Contact { email: Some("nobody".into()), ..Contact::default() };
        let told = checked(Request { actor, expires_in: "PT59S".into(), ..request(steps) }).expect_err("nothing is right");
        assert!(told[0].starts_with("actor.email: "));
        assert_eq!(
            told[1..],
            [
                "expires_in: expected PT1M to P30D",
                "sequence[1].otp_step: an OTP step needs it",
                "sequence[2].identity_document_step: only an IDENTITY_DOCUMENT step may have it",
                "sequence[3]: the same step as sequence[0]; no step may be repeated",
                "sequence[4].otp_step: only an OTP step may have it",
                "sequence[6].otp_step.channel: an OTP step needs it",
                "actor.msisdn: the channel needs it",
                "actor.identity_document: the member is missing: an AGENT step needs it",
            ]
        );
    }

    #[test]
    fn a_sequence_has_one_to_ten_steps() {
        let steps = |count: usize| {
            let step = |external| StepRequest {
                otp: Some(OtpRequest { channel: Some(Channel::Email), external, two_factor_type: None }),
                ..otp(Channel::Email)
            };
            (0..count).map(|index| step(index % 2 == 0)).collect()
        };
        for count in [0, 11] {
            let told = checked(request(steps(count))).expect_err("too few or too many");
            assert_eq!(told[0], "sequence: expected 1 to 10 steps");
        }
    }

    #[test]
    fn a_time_limit_is_one_minute_to_thirty_days() {
        let with = |expires_in: &str| checked(Request { expires_in: expires_in.into(), ..request(vec![agent()]) });
        for good in ["PT1M", "P30D", "PT90.5S"] {
            assert!(with(good).is_ok(), "{good}");
        }
        for wrong in ["PT59S", "P30DT1S", "P1M", "soon", ""] {
            assert!(with(wrong).expect_err(wrong)[0].starts_with("expires_in: "));
        }
    }
}
