use std::time::Duration;

use super::*;
use chrono::{DateTime, TimeDelta};
use store::faulty::{Faulty, Plan};
use store::model::Model;

use crate::catalogue::orphans::{Holds, Orphans};

const ORG: &str = "acme";

fn noon() -> Timestamp {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn later(seconds: i64) -> Timestamp {
    noon() + TimeDelta::seconds(seconds)
}

struct World {
    documents: Documents,
    orphans: Orphans,
    store: Arc<Model>,
    blobs: Blobs,
}

fn world() -> World {
    let (store, blobs) = (Arc::new(Model::new()), Blobs::memory());
    let documents = Documents::new(
        store.clone(),
        blobs.clone(),
        CpuPool::default(),
        Workers::none(),
        Options { max_bytes: 1000, ..Options::default() },
    );
    let orphans = Orphans::new(store.clone(), blobs.clone()).knowing(documents.clone());
    World { documents, orphans, store, blobs }
}

fn owner(name: &str) -> Owner {
    Owner::new(name).unwrap()
}

fn json_upload(content: &str) -> Upload {
    Upload {
        name: Some("facts".into()),
        extension: Some("json".into()),
        content: Some(Bytes::copy_from_slice(content.as_bytes())),
        ..Upload::default()
    }
}

impl World {
    async fn upload(&self, content: &str) -> Document {
        self.documents.upload(ORG, json_upload(content), noon()).await.unwrap()
    }

    async fn private(&self, name: &str) -> Document {
        let upload = Upload { owner: Some(owner(name)), ..json_upload("{\"private\":true}") };
        self.documents.upload(ORG, upload, noon()).await.unwrap()
    }

    async fn has_bytes(&self, document: &Document) -> bool {
        self.blobs.get(ORG, &document.digest).await.unwrap().is_some()
    }
}

/// No process that is still alive holds anything.
fn nobody_holds() -> Holds {
    Arc::new(|_, _, _| Box::pin(std::future::ready(false)))
}

#[tokio::test]
async fn what_was_uploaded_can_be_read() {
    let world = world();
    let upload = Upload { tags: vec![" a b".into()], ..json_upload("{}") };

    let document = world.documents.upload(ORG, upload, noon()).await.unwrap();

    let read = world.documents.read(ORG, document.id, None).await.unwrap();
    assert_eq!(read, document);
    assert_eq!((read.tags[0].as_str(), read.size), ("AB", 2));
    assert_eq!(read.archive_hash, "99914b932bd37a50b983c5e7c90ae93b");
    assert_eq!(world.documents.bytes(ORG, &read).await.unwrap(), "{}");
}

#[tokio::test]
async fn all_problems_of_an_upload_are_told_at_once_and_nothing_is_stored() {
    let world = world();
    let upload =
        Upload { name: Some("two words".into()), extension: Some("exe".into()), tags: vec!["null".into()], ..Upload::default() };

    let Err(Error::Invalid(problems)) = world.documents.upload(ORG, upload, noon()).await else { panic!("not refused") };

    let members: Vec<_> = problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(members, ["name", "extension", "tags", "content"]);
    assert!(world.blobs.organizations().await.unwrap().is_empty());
}

#[tokio::test]
async fn content_over_the_limit_is_too_large() {
    let world = world();
    let fits = format!("\"{}\"", "x".repeat(998));
    assert!(world.documents.upload(ORG, json_upload(&fits), noon()).await.is_ok());
    let over = world.documents.upload(ORG, json_upload(&format!("{fits} ")), noon()).await;
    assert!(matches!(over, Err(Error::TooLarge(1000))));
}

#[tokio::test]
async fn one_organization_leaves_the_others_room_for_their_uploads() {
    let options = Options { max_bytes: 4096, max_bytes_in_flight: 1 << 20 };
    let documents = Documents::new(Arc::new(Model::new()), Blobs::memory(), CpuPool::default(), Workers::none(), options);
    let mut uploads: Vec<_> = (0..1000).map(|_| documents.upload_room(ORG)).collect();
    let taken = uploads.iter_mut().filter_map(|upload| upload.take(4096).ok()).count();
    assert!((128..=192).contains(&taken), "{taken}");
    assert!(documents.upload_room(ORG).take(4096).is_err());
    assert_eq!(documents.upload_room("other").take(4096), Ok(()));
    drop(uploads);
    assert_eq!(documents.upload_room(ORG).take(4096), Ok(()));
}

#[tokio::test]
async fn readers_of_one_link_leave_the_others_room() {
    let world = world();
    let document = world.upload("{}").await;
    let open = |link: &'static str| world.documents.download_by_link(ORG, &document, link);
    let mut readers = Vec::new();
    while let Ok(reader) = open("first").await {
        readers.push(reader);
    }
    assert!(matches!(open("first").await, Err(Error::Busy(_))));
    assert!(open("second").await.is_ok());
    assert!(world.documents.download(ORG, &document).await.is_ok());
    let mut reader = readers.pop().unwrap();
    assert_eq!((reader.size(), reader.next().await.unwrap().unwrap().as_ref()), (2, b"{}".as_slice()));
    assert!(reader.next().await.unwrap().is_none());
}

#[tokio::test]
async fn documents_of_another_organization_do_not_exist() {
    let world = world();
    let document = world.upload("{}").await;
    assert!(matches!(world.documents.read("other", document.id, None).await, Err(Error::NotFound)));
}

#[tokio::test]
async fn a_private_document_needs_its_owner_in_any_case_of_letters() {
    let world = world();
    let document = world.private("Ana@Example.com").await;
    let read = async |owner: Option<Owner>| world.documents.read(ORG, document.id, owner.as_ref()).await;

    assert!(read(Some(owner(" ANA@example.COM"))).await.is_ok());
    assert!(matches!(read(None).await, Err(Error::NotOwner)));
    assert!(matches!(read(Some(owner("ben@example.com"))).await, Err(Error::NotOwner)));
}

#[tokio::test]
async fn a_public_document_is_reached_with_and_without_an_owner() {
    let world = world();
    let document = world.upload("{}").await;
    assert!(world.documents.read(ORG, document.id, None).await.is_ok());
    assert!(world.documents.read(ORG, document.id, Some(&owner("ana"))).await.is_ok());
}

#[tokio::test]
async fn logical_deletion_keeps_the_bytes_and_hides_the_document() {
    let world = world();
    let document = world.upload("{}").await;

    assert_eq!(world.documents.delete(ORG, document.id, None, later(1)).await.unwrap(), later(1));

    assert!(matches!(world.documents.read(ORG, document.id, None).await, Err(Error::Gone)));
    assert!(matches!(world.documents.delete(ORG, document.id, None, later(2)).await, Err(Error::AlreadyDeleted)));
    assert!(world.has_bytes(&document).await);
    assert_eq!(world.documents.item(ORG, document.id).await.unwrap().state, State::Deleted { at: later(1) });
}

#[tokio::test]
async fn physical_deletion_after_a_logical_one_tells_the_first_instant() {
    let world = world();
    let document = world.upload("{}").await;
    world.documents.delete(ORG, document.id, None, later(1)).await.unwrap();

    assert_eq!(world.documents.delete_physically(ORG, document.id, None, later(2)).await.unwrap(), later(1));

    assert!(!world.has_bytes(&document).await);
    assert!(matches!(world.documents.delete_physically(ORG, document.id, None, later(3)).await, Err(Error::AlreadyDeleted)));
    assert!(matches!(world.documents.delete(ORG, document.id, None, later(3)).await, Err(Error::Gone)));
    assert!(matches!(world.documents.read(ORG, document.id, None).await, Err(Error::Gone)));
    assert!(matches!(world.documents.bytes(ORG, &document).await, Err(Error::Gone)));
}

#[tokio::test]
async fn deleting_what_never_existed_is_not_found() {
    let world = world();
    let id = Uuid::from_u128(1);
    assert!(matches!(world.documents.delete(ORG, id, None, noon()).await, Err(Error::NotFound)));
    assert!(matches!(world.documents.delete_physically(ORG, id, None, noon()).await, Err(Error::NotFound)));
}

#[tokio::test]
async fn a_stranger_cannot_delete_or_learn_that_a_document_was_deleted() {
    let world = world();
    let document = world.private("ana").await;
    assert!(matches!(world.documents.delete(ORG, document.id, None, noon()).await, Err(Error::NotOwner)));
    world.documents.delete(ORG, document.id, Some(&owner("ana")), noon()).await.unwrap();
    assert!(matches!(world.documents.read(ORG, document.id, None).await, Err(Error::NotOwner)));
}

#[tokio::test]
async fn equal_bytes_stay_until_their_last_holder_gives_them_up() {
    let world = world();
    let (first, second) = (world.upload("{}").await, world.upload("{}").await);
    let process = Uuid::from_u128(9);
    assert_eq!(first.digest, second.digest);
    world.documents.hold(ORG, &first.digest, process, noon()).await.unwrap();

    world.documents.delete_physically(ORG, first.id, None, noon()).await.unwrap();
    assert!(world.has_bytes(&second).await);
    world.documents.delete_physically(ORG, second.id, None, noon()).await.unwrap();
    assert_eq!(world.documents.held_bytes(ORG, &second.digest).await.unwrap(), "{}");

    for _ in 0..2 {
        world.documents.release(ORG, &second.digest, process, noon()).await.unwrap();
        assert!(!world.has_bytes(&second).await);
    }
}

#[tokio::test]
async fn holding_removed_bytes_is_refused_and_leaves_no_reference() {
    let world = world();
    let document = world.upload("{}").await;
    world.documents.delete_physically(ORG, document.id, None, noon()).await.unwrap();

    let held = world.documents.hold(ORG, &document.digest, Uuid::from_u128(9), noon()).await;

    assert!(matches!(held, Err(Error::Gone)));
    assert!(!world.orphans.is_needed(&nobody_holds(), ORG, &document.digest, TimeDelta::hours(1), noon()).await.unwrap());
}

#[tokio::test]
async fn bytes_uploaded_again_after_their_removal_are_there_again() {
    let world = world();
    let first = world.upload("{}").await;
    world.documents.delete_physically(ORG, first.id, None, noon()).await.unwrap();
    let second = world.upload("{}").await;
    assert_eq!(world.documents.bytes(ORG, &second).await.unwrap(), "{}");
}

#[tokio::test(start_paused = true)]
async fn an_upload_outlives_a_removal_that_died_half_way() {
    let world = world();
    let first = world.upload("{}").await;
    world.documents.references.announce_and_stop(ORG, &first.digest, noon()).await;
    world.blobs.delete(ORG, &first.digest).await.unwrap();

    let second = world.upload("{}").await;

    assert_eq!(world.documents.bytes(ORG, &second).await.unwrap(), "{}");
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_stood_still_hurts_nobody_who_came_later() {
    let world = world();
    let first = world.upload("{}").await;
    let digest = first.digest;
    let reach = world.documents.references.announce_and_stop(ORG, &digest, noon()).await;

    // One who waited in vain, one who came after that, and a process that found the old bytes.
    let second = world.upload("{}").await;
    let third = world.upload("{}").await;
    world.documents.hold(ORG, &digest, Uuid::from_u128(9), noon()).await.unwrap();
    world.blobs.delete_copies(ORG, &digest, reach).await.unwrap();
    assert_eq!(world.documents.bytes(ORG, &third).await.unwrap(), "{}");

    // All is given up, and the bytes come once more: the late removal reaches them no better.
    for document in [first, second, third] {
        world.documents.delete_physically(ORG, document.id, None, noon()).await.unwrap();
    }
    world.documents.release(ORG, &digest, Uuid::from_u128(9), noon()).await.unwrap();
    assert!(world.blobs.get(ORG, &digest).await.unwrap().is_none());
    let last = world.upload("{}").await;
    world.blobs.delete_copies(ORG, &digest, reach).await.unwrap();
    assert_eq!(world.documents.bytes(ORG, &last).await.unwrap(), "{}");
}

#[tokio::test(start_paused = true)]
async fn a_process_that_takes_over_keeps_bytes_which_a_late_removal_still_reaches() {
    let world = world();
    let document = world.upload("{}").await;
    let reach = world.documents.references.announce_and_stop(ORG, &document.digest, noon()).await;
    world.documents.hold(ORG, &document.digest, Uuid::from_u128(9), noon()).await.unwrap();
    world.blobs.delete_copies(ORG, &document.digest, reach).await.unwrap();
    assert_eq!(world.documents.held_bytes(ORG, &document.digest).await.unwrap(), "{}");
}

/// Two servers on one store and the same files, each with locks of its own. Calls are late by chance, so that every step of one meets
/// every step of the other.
fn pair(seed: u64) -> [(Documents, Orphans); 2] {
    let plan = Plan { delayed: 500, delay: Duration::from_millis(2), ..Plan::default() };
    let (store, blobs) = (Arc::new(Faulty::new(Model::new(), seed, plan)), Blobs::slow(Duration::from_millis(3)));
    [(); 2].map(|()| {
        let documents = Documents::new(
            store.clone(),
            blobs.apart(),
            CpuPool::default(),
            Workers::none(),
            Options { max_bytes: 1000, ..Options::default() },
        );
        let orphans = Orphans::new(store.clone(), blobs.apart()).knowing(documents.clone());
        (documents, orphans)
    })
}

/// Puts and gives up a content that everybody else puts and gives up, too.
async fn come_and_go([mine, other]: [Documents; 2], worker: usize, now: Timestamp) {
    for round in 0..8 {
        let upload = json_upload(&format!("\"{}\"", (worker + round) % 2));
        let document = mine.upload(ORG, upload, now).await.unwrap();
        assert!(mine.bytes(ORG, &document).await.is_ok(), "an upload of worker {worker}, round {round}");
        let process = Uuid::new_v4();
        other.hold(ORG, &document.digest, process, now).await.unwrap();
        other.delete_physically(ORG, document.id, None, now).await.unwrap();
        assert!(mine.held_bytes(ORG, &document.digest).await.is_ok(), "a process of worker {worker}, round {round}");
        mine.release(ORG, &document.digest, process, now).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn uploads_removals_and_collections_on_two_servers_lose_no_bytes() {
    // All files look a day old to the collector: only references keep them.
    let tomorrow = chrono::Utc::now() + TimeDelta::days(1);
    for seed in 0..25 {
        let nodes = pair(seed);
        let mut all = Vec::new();
        for worker in 0..4 {
            let [(first, _), (second, _)] = nodes.clone();
            let nodes = if worker % 2 == 0 { [first, second] } else { [second, first] };
            all.push(tokio::spawn(come_and_go(nodes, worker, tomorrow)));
        }
        for (_, node) in nodes {
            all.push(tokio::spawn(async move {
                for _ in 0..2 {
                    node.collect(&nobody_holds(), TimeDelta::hours(1), tomorrow).await.unwrap();
                }
            }));
        }
        for ended in futures::future::join_all(all).await {
            assert!(ended.is_ok(), "seed {seed}: {ended:?}");
        }
    }
}

#[tokio::test]
async fn a_produced_document_is_stored_once() {
    let world = world();
    let produced = |bytes: &'static str| Produced {
        comparison: None,
        id: Uuid::from_u128(5),
        name: "sealed".into(),
        extension: Extension::Pdf,
        tags: vec!["kept-as-it-is".into()],
        owner: None,
        owned_with: None,
        bytes: Bytes::from_static(bytes.as_bytes()),
    };

    let first = world.documents.store_produced(ORG, produced("one"), noon()).await.unwrap();
    let again = world.documents.store_produced(ORG, produced("two"), later(1)).await.unwrap();

    assert_eq!(first, again);
    assert_eq!(first.tags, ["kept-as-it-is"]);
    assert_eq!(world.documents.bytes(ORG, &again).await.unwrap(), "one");
}

#[tokio::test]
async fn produced_twice_at_once_the_first_wins_and_nothing_is_left_over() {
    let world = world();
    let produced = |n: usize| Produced {
        comparison: None,
        id: Uuid::from_u128(5),
        name: "sealed".into(),
        extension: Extension::Pdf,
        tags: vec![],
        owner: None,
        owned_with: None,
        bytes: Bytes::from(format!("seal {n}")),
    };
    let all = (0..8).map(|n| world.documents.store_produced(ORG, produced(n), noon()));
    let stored: Vec<_> = futures::future::join_all(all).await.into_iter().map(Result::unwrap).collect();

    assert!(stored.iter().all(|document| *document == stored[0]));
    assert!(world.has_bytes(&stored[0]).await);
    for n in 0..8 {
        let digest = Digest::of(&produced(n).bytes);
        assert_eq!(world.blobs.get(ORG, &digest).await.unwrap().is_some(), digest == stored[0].digest, "{n}");
    }
}

#[tokio::test]
async fn only_a_private_document_changes_its_owner() {
    let world = world();
    let (public, private) = (world.upload("{}").await, world.private("ana").await);
    let change = async |document: &Document, by: Option<&Owner>| {
        world.documents.change_owner(ORG, document.id, by, owner("BEN"), later(1)).await
    };
    let (ana, ben) = (owner("ana"), owner("ben"));

    assert!(matches!(change(&public, Some(&ana)).await, Err(Error::Public)));
    assert!(matches!(change(&private, None).await, Err(Error::NotOwner)));
    assert_eq!(change(&private, Some(&ana)).await.unwrap().owner.unwrap().as_str(), "ben");
    assert!(world.documents.read(ORG, private.id, Some(&ana)).await.is_err());
    assert!(world.documents.read(ORG, private.id, Some(&ben)).await.is_ok());
    world.documents.delete(ORG, private.id, Some(&ben), later(2)).await.unwrap();
    assert!(matches!(change(&private, Some(&ben)).await, Err(Error::Gone)));
}

#[tokio::test]
async fn a_document_that_is_owned_with_another_one_follows_its_owner_until_it_goes_its_own_way() {
    let world = world();
    let filled = world.private("ana").await;
    let (ana, ben, eva) = (owner("ana"), owner("ben"), owner("eva"));
    let signed = Produced {
        id: Uuid::from_u128(6),
        name: "signed".into(),
        extension: Extension::Pdf,
        tags: vec![],
        // What the process knew when it began.
        owner: Some(owner("somebody")),
        owned_with: Some(filled.id),
        bytes: Bytes::from_static(b"pdf"),
        comparison: None,
    };
    let signed = world.documents.store_produced(ORG, signed, noon()).await.unwrap().id;
    let reads = async |by: &Owner| match world.documents.read(ORG, signed, Some(by)).await {
        Ok(document) => document.owner.as_ref() == Some(by),
        Err(Error::NotOwner) => false,
        Err(error) => panic!("{error:?}"),
    };
    assert!(reads(&ana).await && !reads(&owner("somebody")).await);
    world.documents.change_owner(ORG, filled.id, Some(&ana), ben.clone(), later(1)).await.unwrap();
    assert!(reads(&ben).await && !reads(&ana).await);
    // Also once the other one was deleted.
    world.documents.delete_physically(ORG, filled.id, Some(&ben), later(2)).await.unwrap();
    assert!(reads(&ben).await);

    assert!(matches!(world.documents.change_owner(ORG, signed, Some(&ana), eva.clone(), later(3)).await, Err(Error::NotOwner)));
    world.documents.change_owner(ORG, signed, Some(&ben), eva.clone(), later(4)).await.unwrap();
    assert!(reads(&eva).await && !reads(&ben).await);
    assert!(matches!(world.documents.delete(ORG, signed, Some(&ben), later(5)).await, Err(Error::NotOwner)));
    world.documents.delete(ORG, signed, Some(&eva), later(6)).await.unwrap();
}

#[tokio::test]
async fn every_version_of_a_record_is_kept() {
    let world = world();
    let document = world.private("ana").await;
    world.documents.change_owner(ORG, document.id, Some(&owner("ana")), owner("ben"), later(1)).await.unwrap();
    world.documents.delete(ORG, document.id, Some(&owner("ben")), later(2)).await.unwrap();

    let key = document.id.to_string();
    let history = world.documents.items.history(ORG, &key, None, 10).await.unwrap().items;
    let versions: Vec<_> = history.iter().map(|found| found.version).collect();
    assert_eq!(versions, [3, 2, 1]);
    assert_eq!((history[2].item.value.clone(), history[0].created_at()), (document, noon()));
    let log = world.documents.items.changelog(ORG, &key, None, 10).await.unwrap().items;
    let done: Vec<_> = log.iter().map(|line| (line.change.what.as_str(), line.at)).collect();
    assert_eq!(done, [("deleted", later(2)), ("given to another owner", later(1)), ("created", noon())]);
}

/// As the program wrote it before the catalogue had items.
const FIRST_RECORD: &str = r#"{"id":"00000000-0000-0000-0000-000000000004","name":"facts","extension":"json","tags":["AB"],"owner":"ana",
    "digest":"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","archive_hash":"99914b932bd37a50b983c5e7c90ae93b",
    "size":2,"created_at":"2026-11-01T10:00:00.123456Z","state":"deleted","at":"2026-11-02T10:00:00Z"}"#;

#[tokio::test]
async fn a_record_of_an_older_version_is_still_read_and_changed() {
    let world = world();
    let (id, ana) = (Uuid::from_u128(4), owner("ana"));
    let key = Items::<Document>::key(ORG, &id.to_string());
    world.store.put_if(&key, 0, noon(), FIRST_RECORD.into()).await.unwrap();

    let document = world.documents.find(ORG, id).await.unwrap();
    assert_eq!((document.name.as_str(), document.size, document.owner), ("facts", 2, Some(ana.clone())));
    assert!(matches!(world.documents.read(ORG, id, Some(&ana)).await, Err(Error::Gone)));
    let deleted = world.documents.delete_physically(ORG, id, Some(&ana), later(1)).await.unwrap();
    assert_eq!(deleted.to_rfc3339(), "2026-11-02T10:00:00+00:00");

    // and an older version reads what this one writes: the members it knows stand where they stood
    let first: serde_json::Value = serde_json::from_str(FIRST_RECORD).unwrap();
    let mut now: serde_json::Value = serde_json::from_slice(&world.store.get(&key).await.unwrap().unwrap().body).unwrap();
    assert_eq!(now["state"].take(), "removed");
    for (member, value) in first.as_object().unwrap().iter().filter(|(member, _)| *member != "state") {
        assert_eq!(&now[member], value, "{member}");
    }
}

#[tokio::test]
async fn of_concurrent_deletions_exactly_one_succeeds() {
    let world = world();
    let document = world.upload("{}").await;
    let all = (0..6).map(|n| world.documents.delete(ORG, document.id, None, later(n)));
    let outcomes = futures::future::join_all(all).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(_) | Err(Error::AlreadyDeleted))));
}

#[tokio::test]
async fn what_a_crash_left_behind_is_not_referenced_after_the_grace_period() {
    let world = world();
    let digest = world.blobs.put(ORG, Bytes::from_static(b"torn upload")).await.unwrap();
    let references = References::new(Records::new(world.store.clone()), world.blobs.clone());
    references.keep(ORG, &digest, Holder::Document(Uuid::from_u128(3)), noon()).await.unwrap();
    let grace = TimeDelta::hours(1);

    assert!(world.orphans.is_needed(&nobody_holds(), ORG, &digest, grace, later(60)).await.unwrap());
    assert!(!world.orphans.is_needed(&nobody_holds(), ORG, &digest, grace, later(3600)).await.unwrap());

    let kept = world.upload("{}").await;
    world.documents.delete(ORG, kept.id, None, later(1)).await.unwrap();
    assert!(world.orphans.is_needed(&nobody_holds(), ORG, &kept.digest, grace, later(1_000_000)).await.unwrap());
}

#[tokio::test]
async fn a_process_holds_bytes_while_it_lives_and_none_that_never_came_to_be() {
    let world = world();
    let document = world.upload("{}").await;
    let (alive, never) = (Uuid::from_u128(8), Uuid::from_u128(9));
    world.documents.hold(ORG, &document.digest, alive, noon()).await.unwrap();
    world.documents.hold(ORG, &document.digest, never, noon()).await.unwrap();
    world.documents.delete_physically(ORG, document.id, None, later(1)).await.unwrap();
    let alone: Holds = Arc::new(move |_, process, _| Box::pin(std::future::ready(process == alive)));
    let grace = TimeDelta::hours(1);

    assert!(world.orphans.is_needed(&alone, ORG, &document.digest, grace, later(7200)).await.unwrap());
    assert!(world.orphans.is_needed(&nobody_holds(), ORG, &document.digest, grace, later(60)).await.unwrap());
    assert!(!world.orphans.is_needed(&nobody_holds(), ORG, &document.digest, grace, later(7200)).await.unwrap());
}

#[tokio::test]
async fn collecting_removes_what_nothing_needs_and_keeps_the_rest() {
    let world = world();
    let kept = world.upload("{}").await;
    let orphan = world.blobs.put(ORG, Bytes::from_static(b"torn upload")).await.unwrap();
    let tomorrow = chrono::Utc::now() + TimeDelta::days(1);

    let too_young = world.orphans.collect(&nobody_holds(), TimeDelta::days(2), tomorrow).await.unwrap();
    assert_eq!((too_young.seen, too_young.removed), (2, 0));
    let collected = world.orphans.collect(&nobody_holds(), TimeDelta::hours(1), tomorrow).await.unwrap();

    assert_eq!((collected.seen, collected.removed), (2, 1));
    assert!(world.has_bytes(&kept).await);
    assert!(world.blobs.get(ORG, &orphan).await.unwrap().is_none());
}

#[tokio::test]
async fn an_unreadable_record_is_an_error_and_no_panic() {
    let world = world();
    let id = Uuid::from_u128(4);
    world.store.put_if(&Items::<Document>::key(ORG, &id.to_string()), 0, noon(), b"\xff{".to_vec()).await.unwrap();
    let found = world.documents.find(ORG, id).await;
    assert!(matches!(found, Err(Error::Catalogue(CatalogueError::Record(records::Error::Unreadable(_))))));
}

#[tokio::test]
async fn active_content_is_in_the_record_of_an_upload_and_found_in_bytes_that_have_none() {
    let store = Arc::new(Model::new());
    let documents = Documents::new(store.clone(), Blobs::memory(), CpuPool::default(), Workers::none(), Options::default());
    let active = Bytes::from(::documents::fixtures::active());
    let upload = Upload { extension: Some("pdf".into()), content: Some(active.clone()), ..json_upload("") };

    let uploaded = documents.upload(ORG, upload, noon()).await.unwrap();

    let told = uploaded.active_content.unwrap();
    assert_eq!((told.javascript, told.embedded_files, told.xfa), (1, 1, true));
    assert_eq!(documents.find(ORG, uploaded.id).await.unwrap().active_content, Some(told));
    // a document that the server made, or a record of an older version
    let produced = Produced {
        id: Uuid::from_u128(9),
        name: "sealed".into(),
        extension: Extension::Pdf,
        tags: vec![],
        owner: None,
        owned_with: None,
        bytes: active,
        comparison: None,
    };
    let made = documents.store_produced(ORG, produced, noon()).await.unwrap();
    assert_eq!(made.active_content, None);
    assert!(!serde_json::to_string(&made).unwrap().contains("active_content"), "an older version reads it as well");
    assert_eq!(documents.active_content(ORG, &made).await.unwrap(), Some(told));
    let text = documents.upload(ORG, json_upload("{}"), noon()).await.unwrap();
    assert_eq!(documents.active_content(ORG, &text).await.unwrap(), None);
}

#[tokio::test]
async fn the_newest_uploads_are_found_page_by_page_however_they_lie_in_time() {
    let world = world();
    let now = u64::try_from(noon().timestamp_millis()).unwrap();
    let id = |millis: u64, n: u16| {
        let mut random = [7; 10];
        random[..2].copy_from_slice(&n.to_be_bytes());
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    };
    // Some now, very many within one second a year ago, two of long before, and one of a server whose clock is ahead.
    let year = 365 * 86_400_000;
    let dense = (0..700).map(|n| id(now - year + u64::from(n % 900), n));
    let mut all: Vec<Uuid> = (0..3).map(|n| id(now - u64::from(n) * 40_000, n)).chain(dense).collect();
    all.extend([id(now - 20 * year, 1), id(5, 2), id(now + 60_000, 3)]);
    for id in all.iter().copied().chain([Uuid::new_v8([1; 16]), Uuid::new_v8([0xfe; 16])]) {
        let produced = Produced {
            id,
            name: "facts".into(),
            extension: Extension::Json,
            tags: vec![],
            owner: None,
            owned_with: None,
            bytes: Bytes::from_static(b"{}"),
            comparison: None,
        };
        world.documents.store_produced(ORG, produced, noon()).await.unwrap();
    }

    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let (page, next) = world.documents.newest(ORG, before, noon(), 50).await.unwrap();
        assert!(page.len() <= 50);
        seen.extend(page.iter().map(|version| version.item.value.id));
        match next {
            Some(next) => before = Some(next),
            None => break,
        }
        assert!(seen.len() <= all.len(), "nothing is shown twice");
    }

    all.sort_unstable_by(|one, other| other.cmp(one));
    assert_eq!(seen, all, "the newest first, all of them, and nothing that the server made");
    assert_eq!(world.documents.newest("other", None, noon(), 50).await.unwrap().0, []);
}

#[tokio::test]
async fn what_was_done_to_a_document_and_why_is_in_its_versions() {
    let world = world();
    let document = world.upload("{}").await;
    let twin = world.upload("{}").await;
    let act = Act { at: later(5), by: Some("olga"), why: Some("asked for") };
    world.documents.delete(ORG, document.id, None, act).await.unwrap();

    let versions = world.documents.versions(ORG, document.id, 10).await.unwrap();
    let told = |version: &Found<Document>| version.item.change.clone().map(|change| (change.what, change.by));
    assert_eq!(told(&versions[0]), Some(("deleted: asked for".into(), Some("olga".into()))));
    assert_eq!(versions.len(), 2);
    let current = world.documents.current(ORG, document.id).await.unwrap();
    assert_eq!(current.item.state, State::Deleted { at: later(5) });
    let holders = world.documents.holders(ORG, &document, 10).await.unwrap();
    assert_eq!(holders.len(), 2);
    assert!([document.id, twin.id].into_iter().all(|id| holders.contains(&Holder::Document(id))));
    assert_eq!(world.documents.holders(ORG, &document, 1).await.unwrap().len(), 1);
}

#[test]
fn a_file_name_has_its_extension_once() {
    let document = |name: &str| Document {
        comparison: None,
        id: Uuid::nil(),
        name: name.into(),
        extension: Extension::Pdf,
        tags: vec![],
        owner: None,
        owned_with: None,
        digest: Digest::of(b""),
        archive_hash: String::new(),
        size: 0,
        active_content: None,
    };
    assert_eq!(document("contract").file_name(), "contract.pdf");
    assert_eq!(document("contract.PDF").file_name(), "contract.PDF");
}
