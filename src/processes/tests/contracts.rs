//! Contracts and their sign processes: at most one at once, whatever fails between the two, and what became of it is seen at once.

use ::store::faulty::Fault;
use workflows::Language;

use super::{
    server::Server,
    whole::{Client, PLAN},
    *,
};
use crate::{
    catalogue::{contracts::Contract as Record, documents::Owner, item::Act},
    codes::Policies,
    handwriting::Handwritings,
    processes::{
        contracts::{Desk, Error, Place, Signing, Standing},
        creation::{Creator, SignerRequest},
    },
};

struct Party<'a> {
    setting: &'a Setting,
    contracts: Contracts,
    policies: Policies,
    /// Nobody keeps a key for handwritings.
    handwritings: Handwritings,
}

impl<'a> Party<'a> {
    fn of(setting: &'a Setting) -> Self {
        let handwritings = setting.handwritings_by(Default::default());
        Self { setting, contracts: setting.contracts(), policies: Policies::default(), handwritings }
    }

    /// A filled contract of an owner, whose form has fields for signatures.
    async fn filled(&self, owner: &str, fields: &[&str]) -> Uuid {
        let content = Bytes::from(fixtures::contract(fields));
        let upload = || Upload {
            name: Some("rental".into()),
            extension: Some("pdf".into()),
            owner: Some(Owner::new(owner).expect("an owner")),
            content: Some(content.clone()),
            ..Upload::default()
        };
        let now = self.setting.clock.now();
        let document = persistently(async || self.setting.documents.upload(ORGANIZATION, upload(), now).await).await;
        self.setting.contract(document.id).await
    }

    fn signing(contracts: &[Uuid]) -> Signing {
        let person =
            Contact { name: Some("Ana".into()), email: Some(EMAIL.into()), language: Language::En, ..Contact::default() };
        let signer = SignerRequest { alias: "seller".into(), person, two_factor_type: None, evidence_required: false };
        Signing { place: Place::Online, signers: vec![signer], contracts: contracts.to_vec(), previews: Vec::new() }
    }

    async fn sign(&self, processes: &Processes, signing: Signing) -> Result<Uuid, Error> {
        let now = self.setting.clock.now();
        let creator = Creator {
            processes,
            documents: &self.setting.documents,
            configurations: &self.setting.configurations,
            policies: &self.policies,
            handwritings: &self.handwritings,
            terms: crate::config::IdentityDocuments::default().terms(),
            wall_clock: now,
        };
        let desk = Desk { contracts: &self.contracts, creator };
        desk.sign(ORGANIZATION, signing, now, Act::from(now)).await
    }

    async fn record(&self, contract: Uuid) -> Record {
        persistently(async || self.contracts.get(ORGANIZATION, contract).await).await
    }

    async fn standing(&self, processes: &Processes, contract: Uuid) -> Standing {
        let record = self.record(contract).await;
        persistently(async || processes.standing(ORGANIZATION, &record).await).await
    }
}

async fn cancel(processes: &Processes, process: Uuid) {
    let command = sign_process::Command::Cancel { reason: "changed our minds".into(), by: None };
    processes.sign.ask(ORGANIZATION, process, command).await.expect("cancelled");
}

#[actix_rt::test]
async fn a_contract_is_in_one_process_at_a_time_and_may_be_signed_again_after_one_that_ended() {
    let setting = Setting::calm().await;
    let bare = setting.bare();
    let party = Party::of(&setting);
    let contract = party.filled("ana", &["SELLER"]).await;
    assert_eq!(party.standing(&bare.processes, contract).await, Standing::Free { ended: None });

    let first = party.sign(&bare.processes, Party::signing(&[contract])).await.expect("created");
    assert_eq!(party.standing(&bare.processes, contract).await, Standing::UnderSignature { process: first });
    let second = party.sign(&bare.processes, Party::signing(&[contract])).await;
    assert!(matches!(&second, Err(Error::UnderSignature { process, .. }) if *process == first), "{second:?}");

    cancel(&bare.processes, first).await;
    assert_eq!(party.standing(&bare.processes, contract).await, Standing::Free { ended: Some(first) });
    let again = party.sign(&bare.processes, Party::signing(&[contract])).await.expect("created again");
    assert_eq!(party.standing(&bare.processes, contract).await, Standing::UnderSignature { process: again });
    // Past its time, though no wake-up came.
    setting.clock.advance(TimeDelta::days(31));
    assert_eq!(party.standing(&bare.processes, contract).await, Standing::Free { ended: Some(again) });
}

#[actix_rt::test]
async fn the_fields_that_are_named_after_the_signers_are_theirs() {
    let setting = Setting::calm().await;
    let bare = setting.bare();
    let party = Party::of(&setting);
    let contract = party.filled("ana", &["SELLER", "WITNESS"]).await;
    let process = party.sign(&bare.processes, Party::signing(&[contract])).await.expect("created");
    let read = bare.processes.sign.read(ORGANIZATION, process).await.expect("readable");
    let document = &read.data().expect("a process").creation.documents[0];
    assert_eq!(document.fields, [SignerFields { signer: "seller".into(), fields: vec!["SELLER".into()] }]);
    assert_eq!(document.contract.as_ref().map(|own| (own.id, own.version.as_str())), Some((contract, "1.0")));
    assert_eq!(document.owner.as_deref(), Some("ana"));
}

#[actix_rt::test]
async fn of_two_calls_at_once_for_the_same_contracts_one_gets_them_all() {
    let setting = Setting::calm().await;
    let bare = setting.bare();
    let party = Party::of(&setting);
    let contracts = [party.filled("ana", &[]).await, party.filled("bea", &[]).await];
    let both = || party.sign(&bare.processes, Party::signing(&contracts));
    let (one, other) = tokio::join!(both(), both());
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    let process = one.or(other).expect("one of them");
    for contract in contracts {
        assert_eq!(party.standing(&bare.processes, contract).await, Standing::UnderSignature { process });
    }
}

/// A server that died between the claim and the process leaves a claim, which holds others up for some minutes and no longer.
#[actix_rt::test]
async fn a_claim_without_a_process_ends() {
    let setting = Setting::calm().await;
    let bare = setting.bare();
    let party = Party::of(&setting);
    let contract = party.filled("ana", &[]).await;
    let first = party.sign(&bare.processes, Party::signing(&[contract])).await.expect("created");
    cancel(&bare.processes, first).await;
    let (judged, never, now) = (party.record(contract).await, process_id(Uuid::now_v7()), setting.clock.now());
    party.contracts.claim(ORGANIZATION, contract, &judged, true, never, now.into()).await.expect("claimed");

    assert_eq!(party.standing(&bare.processes, contract).await, Standing::Claimed { since: now, ended: Some(first) });
    setting.clock.advance(TimeDelta::minutes(9));
    let early = party.sign(&bare.processes, Party::signing(&[contract])).await;
    assert!(matches!(early, Err(Error::Claimed { .. })), "{early:?}");
    setting.clock.advance(TimeDelta::minutes(1));
    let process = party.sign(&bare.processes, Party::signing(&[contract])).await.expect("created");
    assert_eq!(party.standing(&bare.processes, contract).await, Standing::UnderSignature { process });
    cancel(&bare.processes, process).await;
    assert_eq!(party.standing(&bare.processes, contract).await, Standing::Free { ended: Some(process) });
}

/// Each call of the store in turn fails: whatever was claimed and held is given up, or a process is there.
#[actix_rt::test]
async fn a_creation_that_fails_anywhere_leaves_the_contract_free_or_a_process_under_way() {
    let setting = Setting::calm().await;
    let bare = setting.bare();
    let party = Party::of(&setting);
    for fault in [Fault::Refused, Fault::UnknownNotApplied, Fault::UnknownApplied] {
        for spared in 0.. {
            assert!(spared < 100, "the creation never ends");
            let contract = party.filled("ana", &[]).await;
            let met = setting.store.injected();
            (0..spared).for_each(|_| setting.store.fail_next(Fault::Delay(Duration::ZERO)));
            setting.store.fail_next(fault);
            let answer = party.sign(&bare.processes, Party::signing(&[contract])).await;
            let left = spared + 1 - (setting.store.injected() - met);
            for _ in 0..left {
                let _ = ::store::Store::ping(setting.store.as_ref()).await;
            }
            let standing = party.standing(&bare.processes, contract).await;
            match (&answer, standing) {
                (Ok(process), Standing::UnderSignature { process: under }) => assert_eq!(*process, under),
                (Err(_), Standing::Free { ended: None } | Standing::UnderSignature { .. }) => {}
                // What could not be given up: free after a while.
                (Err(_), Standing::Claimed { .. }) => {
                    setting.clock.advance(TimeDelta::minutes(10));
                    party.sign(&bare.processes, Party::signing(&[contract])).await.expect("created later");
                }
                (answer, standing) => panic!("{fault:?} after {spared} calls: {answer:?}, {standing:?}"),
            }
            if left > 0 {
                assert!(answer.is_ok(), "{answer:?}");
                break;
            }
        }
    }
}

#[actix_rt::test]
async fn whatever_is_wrong_with_a_request_is_told_and_claims_nothing() {
    let setting = Setting::calm().await;
    let bare = setting.bare();
    let party = Party::of(&setting);
    let [contract, deleted] = [party.filled("ana", &[]).await, party.filled("ana", &[]).await];
    let (now, owner) = (setting.clock.now(), Owner::new("ana").expect("an owner"));
    let document = party.record(deleted).await.document;
    setting.documents.delete(ORGANIZATION, document, Some(&owner), now).await.expect("deleted");
    let sign = |signing: Signing| party.sign(&bare.processes, signing);

    let missing = sign(Party::signing(&[contract, Uuid::now_v7()])).await;
    assert!(matches!(&missing, Err(Error::NotFound { path }) if path == "contracts[1].contract_id"), "{missing:?}");
    let gone = sign(Party::signing(&[deleted])).await;
    assert!(matches!(&gone, Err(Error::Deleted { path }) if path == "contracts[0].contract_id"), "{gone:?}");
    let problems = async |signing: Signing| match sign(signing).await {
        Err(Error::Creation(crate::processes::creation::Error::Invalid(problems))) => {
            problems.iter().map(ToString::to_string).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    let twice = problems(Party::signing(&[contract, contract])).await;
    assert_eq!(twice, ["contracts[1].contract_id: the document is named twice"]);
    assert_eq!(problems(Party::signing(&[])).await.len(), 1);
    assert_eq!(problems(Party::signing(&vec![contract; 51])).await.len(), 1);
    let mut onsite = Party::signing(&[contract]);
    onsite.place = Place::Onsite;
    let told = problems(onsite).await;
    assert!(told[0].starts_with("sign_type: ONSITE needs an escrow certificate"), "{told:?}");
    assert!(told.iter().any(|problem| problem.starts_with("signers[0].identity_document")), "{told:?}");
    assert_eq!(party.standing(&bare.processes, contract).await, Standing::Free { ended: None });
}

/// The signed document belongs to whom the contract belongs, also where that changed while it was being signed.
#[actix_rt::test]
async fn a_contract_is_signed_at_once_for_all_who_look_though_the_store_fails_at_random() {
    for seed in 1..=4 {
        let setting = Setting::new(seed, PLAN).await;
        let server = Server::start(&setting);
        let party = Party::of(&setting);
        let contract = party.filled("ana", &["SELLER"]).await;
        let signing = || Party::signing(&[contract]);
        let mut process = None;
        eventually("the process is created", async || {
            setting.clock.advance(TimeDelta::minutes(1));
            if let Ok(created) = party.sign(&server.processes, signing()).await {
                process = Some(created);
            }
            // Of a creation whose answer was lost the contract knows.
            let standing = party.standing(&server.processes, contract).await;
            if let Standing::UnderSignature { process: under } = standing {
                process = Some(under);
            }
            process.is_some()
        })
        .await;
        let process = process.expect("a process");
        let sign = &server.processes.sign;
        let data = persistently(async || sign.read(ORGANIZATION, process).await).await;
        let identification = data.data().expect("a process").creation.signers[0].identification;
        Client { setting: &setting, processes: &server.processes }.sign(process, identification).await;
        let record = party.record(contract).await;
        let (ana, bea) = (Owner::new("ana").expect("an owner"), Owner::new("bea").expect("an owner"));
        eventually("the owner changes", async || {
            let now = setting.clock.now();
            let _ = setting.documents.change_owner(ORGANIZATION, record.document, Some(&ana), bea.clone(), now).await;
            setting.documents.read(ORGANIZATION, record.document, Some(&bea)).await.is_ok()
        })
        .await;
        let mut seen = None;
        eventually("the process is certified", async || {
            setting.clock.advance(TimeDelta::minutes(1));
            let read = sign.read(ORGANIZATION, process).await;
            let sealed = read.ok().and_then(|read| read.data()?.sealed(record.document).map(|sealed| sealed.id));
            if let (Some(sealed), standing) = (sealed, party.standing(&server.processes, contract).await) {
                // From the moment at which the process says so.
                assert_eq!(standing, Standing::Signed { process: Some(process), document: sealed });
                seen = Some(sealed);
            }
            // Once it is certified the contract says so without its process.
            let read = sign.read(ORGANIZATION, process).await;
            let status = read.ok().and_then(|read| read.data().map(|data| data.status));
            let certified = status == Some(sign_process::Status::Certified);
            assert!(!certified || party.record(contract).await.signed_document.is_some());
            certified
        })
        .await;
        let signed = seen.expect("it was seen");
        for reader in [&bea, &ana] {
            let read = async || match setting.documents.read(ORGANIZATION, signed, Some(reader)).await {
                Err(crate::catalogue::documents::Error::NotOwner) => Ok(false),
                other => other.map(|_| true),
            };
            assert_eq!(persistently(read).await, *reader == bea, "{reader}");
        }
        setting.assert_intact("SIGNED").await;
        let again = persistently(async || match party.sign(&server.processes, signing()).await {
            Err(Error::Signed { .. }) => Ok(()),
            other => Err(format!("{other:?}")),
        });
        again.await;
        server.stop().await;
    }
}
