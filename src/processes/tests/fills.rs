//! Fills of dynamic templates, by a renderer that does as it is told: crashes between all steps, failures of each kind, a store that fails.

use std::collections::VecDeque;

use ::store::blobs::Digest;
use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::json;
use workflows::{
    Language,
    fill::{self, Command, Effect, Fill, FillState, Outcome, Priority, Record, Template},
};

use super::{server::Server, whole::PLAN, *};
use crate::{
    catalogue::{
        self,
        documents::{Document as Stored, Extension},
        orphans::Holds,
    },
    fill_queue::{self, Full},
    processes::fill::{Adapter, Desk, Error, Fills, Renderer, Rendering, Wanted},
};

const TEMPLATE: &[u8] = b"<p>{{NAME}}</p>";
const SECRET: &str = "Nicanor";

/// A renderer that does as it is told, and then renders.
#[derive(Clone, Default)]
pub(super) struct Told {
    orders: Arc<Mutex<VecDeque<Order>>>,
    jobs: Arc<Mutex<Vec<html::Job>>>,
}

/// What becomes of a rendering.
pub(super) enum Order {
    Say(Rendering),
    Panic,
    /// It never ends.
    Hang,
}

#[async_trait]
impl Renderer for Told {
    async fn render(&self, _: &str, job: html::Job) -> Rendering {
        self.jobs.lock().push(job.clone());
        let order = self.orders.lock().pop_front();
        match order {
            Some(Order::Say(rendering)) => rendering,
            Some(Order::Panic) => panic!("as it was told"),
            Some(Order::Hang) => std::future::pending().await,
            None => Rendering::Pdf(format!("%PDF-1.7 {} {}", job.title, job.data).into()),
        }
    }
}

impl Told {
    fn tell(&self, orders: impl IntoIterator<Item = Order>) {
        self.orders.lock().extend(orders);
    }
}

fn broke() -> Order {
    Order::Say(Rendering::Broke("rendering exceeded 10 s / 1 GB".into()))
}

fn interrupted() -> Order {
    Order::Say(Rendering::Interrupted("too much work is waiting".into()))
}

impl Setting {
    pub(super) fn fills(&self) -> Fills {
        let options = fill_queue::Options { places: 2, waiting_each: 30, waiting: 40 };
        Fills::for_tests(&options, &self.clock)
    }

    /// The bytes of a template, kept by an item of the catalogue; answers its identifier and their digest.
    async fn template(&self) -> (Uuid, Digest) {
        let id = Uuid::now_v7();
        let produced = || crate::catalogue::documents::Produced {
            id,
            name: "template".into(),
            extension: Extension::Pdf,
            tags: Vec::new(),
            owner: None,
            owned_with: None,
            bytes: Bytes::from_static(TEMPLATE),
            comparison: None,
        };
        let now = self.clock.now();
        let stored = persistently(async || self.documents.store_produced(ORGANIZATION, produced(), now).await).await;
        (id, stored.digest)
    }

    fn wanted(&self, template: Digest, name: &str) -> Wanted {
        let data = json!({"NAME": SECRET, "OF": name}).to_string();
        Wanted { data, name: name.into(), ..wanted(template) }
    }

    /// What would perform the effects of `Bare`.
    fn filler(&self, bare: &Bare) -> (Adapter, Fills) {
        let world = self.world(&self.channels);
        let fills = world.fills.clone();
        (Adapter::new(Arc::new(world), bare.processes.clone()), fills)
    }

    async fn ask(&self, processes: &Processes, fills: &Fills, wanted: Wanted) -> Result<Uuid, Error> {
        let files = self.sealed_files();
        let wall_clock = self.clock.now();
        Desk { processes, documents: &self.documents, files: &files, fills, wall_clock }.ask(ORGANIZATION, wanted).await
    }

    async fn filled(&self, record: &Record) -> (Stored, Bytes) {
        let id = record.document.expect("it was filled");
        let document = persistently(async || self.documents.find(ORGANIZATION, id).await).await;
        let bytes = persistently(async || self.documents.bytes(ORGANIZATION, &document).await).await;
        (document, bytes)
    }

    async fn is_kept(&self, digest: &str) -> bool {
        let digest = digest.parse().expect("a digest");
        self.blobs.is_there(ORGANIZATION, &digest).await.expect("the blobs can be asked")
    }
}

fn wanted(template: Digest) -> Wanted {
    Wanted {
        template: Template {
            external_id: "factura_mensual".into(),
            major: 1,
            minor: 2,
            digest: template.to_string(),
            engine: String::new(),
        },
        structure: json!({"type": "object"}),
        data: "{}".into(),
        language: Language::Es,
        name: "factura".into(),
        tags: vec!["MONTHLY".into()],
        priority: Priority::Low,
        origin: "billing".into(),
    }
}

async fn record(processes: &Processes, id: Uuid) -> Record {
    let state = persistently(async || processes.fill.read(ORGANIZATION, id).await).await;
    state.existing().expect("it was asked for").clone()
}

/// Waits for the end, as time passes, and until nothing of the data is left.
async fn ended(setting: &Setting, processes: &Processes, id: Uuid) -> Record {
    ended_after(setting, processes, id, TimeDelta::seconds(1)).await
}

/// Waits for the end, as time passes.
async fn over(setting: &Setting, processes: &Processes, id: Uuid, step: TimeDelta) -> Record {
    eventually("the fill ends", async || {
        setting.clock.advance(step);
        processes.fill.read(ORGANIZATION, id).await.is_ok_and(|fill| fill.existing().is_ok_and(|record| record.state.is_final()))
    })
    .await;
    record(processes, id).await
}

async fn ended_after(setting: &Setting, processes: &Processes, id: Uuid, step: TimeDelta) -> Record {
    let record = over(setting, processes, id, step).await;
    eventually("the data are gone", async || {
        setting.clock.advance(step);
        !setting.is_kept(&record.creation.data.file).await
    })
    .await;
    record
}

#[actix_rt::test]
async fn a_fill_becomes_a_document_without_owner_with_the_label_of_its_template() {
    let setting = Setting::calm().await;
    let server = Server::start(&setting);
    let (_, template) = setting.template().await;
    let id = setting.ask(&server.processes, &server.fills, setting.wanted(template, "factura_7")).await.expect("taken");
    let asked = record(&server.processes, id).await;
    assert_eq!((asked.created_at, asked.creation.origin.as_str()), (setting.clock.now(), "billing"));
    let done = ended(&setting, &server.processes, id).await;
    let (document, bytes) = setting.filled(&done).await;
    assert_eq!((document.name.as_str(), document.tags), ("factura_7", vec!["MONTHLY".into(), "factura_mensual-v1.2".to_owned()]));
    assert!(document.owner.is_none());
    assert!(String::from_utf8_lossy(&bytes).contains(SECRET));
    let job = setting.renderer.jobs.lock().remove(0);
    assert_eq!((job.source.template.as_slice(), job.source.language.as_str(), job.title.as_str()), (TEMPLATE, "ES", "factura_7"));
    assert_eq!((job.source.structure, job.created), (json!({"type": "object"}), asked.created_at.timestamp()));
    let journal = format!("{:?}", setting.events::<Fill>(id).await);
    assert!(!journal.contains(SECRET), "the values of fields are not in the journal");
    server.stop().await;
}

#[actix_rt::test]
async fn a_poison_template_is_rendered_twice_and_fails_and_others_are_filled() {
    let setting = Setting::calm().await;
    let server = Server::start(&setting);
    let (_, template) = setting.template().await;
    setting.renderer.tell([broke(), broke()]);
    let poison = setting.ask(&server.processes, &server.fills, setting.wanted(template, "poison")).await.expect("taken");
    let failed = ended(&setting, &server.processes, poison).await;
    assert_eq!((failed.state, failed.error.as_deref()), (FillState::Failed, Some("rendering exceeded 10 s / 1 GB")));
    assert_eq!(setting.renderer.jobs.lock().len(), 2);
    let other = setting.ask(&server.processes, &server.fills, setting.wanted(template, "other")).await.expect("taken");
    assert_eq!(ended(&setting, &server.processes, other).await.state, FillState::Completed);
    server.stop().await;
}

#[actix_rt::test]
async fn what_is_no_fault_of_the_template_is_repeated_and_frees_its_place() {
    let setting = Setting::calm().await;
    let server = Server::start(&setting);
    let (_, template) = setting.template().await;
    // As many as there are places, and more.
    setting.renderer.tell([Order::Panic, interrupted(), Order::Panic, interrupted(), Order::Panic]);
    let mut ids = Vec::new();
    for number in 0..5 {
        let wanted = setting.wanted(template, &format!("fill_{number}"));
        ids.push(setting.ask(&server.processes, &server.fills, wanted).await.expect("taken"));
    }
    for id in ids {
        assert_eq!(ended(&setting, &server.processes, id).await.state, FillState::Completed);
    }
    assert_eq!(setting.tagged("MONTHLY").await.len(), 5, "each is stored once");
    server.stop().await;
}

#[actix_rt::test]
async fn what_the_template_or_the_data_lack_fails_at_once_with_words() {
    let setting = Setting::calm().await;
    let server = Server::start(&setting);
    let (_, template) = setting.template().await;
    setting.renderer.tell([Order::Say(Rendering::Failed("line 3: no glyph for U+4E2D".into()))]);
    let id = setting.ask(&server.processes, &server.fills, setting.wanted(template, "fill")).await.expect("taken");
    let failed = ended(&setting, &server.processes, id).await;
    assert_eq!((failed.attempts, failed.error.as_deref()), (1, Some("line 3: no glyph for U+4E2D")));
    assert!(failed.document.is_none() && failed.finished_at.is_some());
    server.stop().await;
}

#[actix_rt::test]
async fn a_template_that_is_deleted_after_the_fill_was_taken_is_filled_all_the_same() {
    let setting = Setting::calm().await;
    let (id, template) = setting.template().await;
    let bare = setting.bare();
    let (_, fills) = setting.filler(&bare);
    let fill = setting.ask(&bare.processes, &fills, setting.wanted(template, "fill")).await.expect("taken");
    setting.documents.delete_physically(ORGANIZATION, id, None, setting.clock.now()).await.expect("deleted");
    assert_eq!(
        collected(&setting, &bare.processes, TimeDelta::hours(25)).await.expect("collected"),
        0,
        "for as long as a fill can live"
    );
    drop(bare);
    let server = Server::start(&setting);
    assert_eq!(ended_after(&setting, &server.processes, fill, TimeDelta::seconds(5)).await.state, FillState::Completed);
    server.stop().await;
    let bare = setting.bare();
    let (_, fills) = setting.filler(&bare);
    assert!(collected(&setting, &bare.processes, TimeDelta::days(3)).await.expect("collected") > 0);
    let gone = setting.ask(&bare.processes, &fills, setting.wanted(template, "fill")).await;
    assert!(matches!(gone, Err(Error::TemplateGone)), "{gone:?}");
}

/// What the collector of orphans removes when it comes so much later.
async fn collected(setting: &Setting, processes: &Processes, later: TimeDelta) -> Result<u64, catalogue::Error> {
    let processes = processes.clone();
    let holds: Holds = Arc::new(move |organization, process, digest| {
        let processes = processes.clone();
        Box::pin(async move { processes.hold(&organization, process, &digest).await })
    });
    Ok(setting.orphans().collect(&holds, TimeDelta::hours(1), setting.clock.now() + later).await?.removed)
}

#[actix_rt::test]
async fn where_too_many_wait_nothing_is_kept() {
    let setting = Setting::calm().await;
    let bare = setting.bare();
    let (_, fills) = setting.filler(&bare);
    let (_, template) = setting.template().await;
    let room: Vec<_> = (0..30).map(|_| fills.queue.reserve(ORGANIZATION, Uuid::new_v4()).expect("room")).collect();
    let held = setting.held_for_processes().await;
    let refused = setting.ask(&bare.processes, &fills, setting.wanted(template, "fill")).await;
    assert!(matches!(refused, Err(Error::Full(Full::OfOrganization(30)))), "{refused:?}");
    assert_eq!(setting.held_for_processes().await, held);
    drop(room);
    assert!(setting.ask(&bare.processes, &fills, setting.wanted(template, "fill")).await.is_ok());
}

/// The steps of a fill after which its server dies.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
enum Dies {
    /// It is taken and answered; the queue is lost.
    Taken,
    /// Its turn has come.
    Begun,
    /// The document is stored, which nobody knows.
    Stored,
    /// The end is known; the data are still there.
    Rendered,
}

#[actix_rt::test]
async fn a_server_that_dies_between_any_two_steps_leaves_a_fill_that_ends_with_one_document() {
    for dies in [Dies::Taken, Dies::Begun, Dies::Stored, Dies::Rendered] {
        let setting = Setting::calm().await;
        let bare = setting.bare();
        let (adapter, fills) = setting.filler(&bare);
        let (_, template) = setting.template().await;
        let id = setting.ask(&bare.processes, &fills, setting.wanted(template, "fill")).await.expect("taken");
        if dies >= Dies::Begun {
            bare.processes.fill.ask(ORGANIZATION, id, Command::Begin).await.expect("begun");
        }
        if dies >= Dies::Stored {
            let call = setting.calls::<Fill>(id).await.pop().expect("it is to be rendered");
            assert_eq!(call.effect, Effect::Render { attempt: 1 });
            let ended = fills.performed(&adapter, call).await;
            let actors::Attempt::Done(Some(command)) = ended else { panic!("{ended:?}") };
            assert!(matches!(&command, Command::Finished { outcome: Outcome::Rendered { .. }, .. }));
            if dies >= Dies::Rendered {
                bare.processes.fill.ask(ORGANIZATION, id, command).await.expect("told");
            }
        }
        drop(bare);
        let server = Server::start(&setting);
        let done = ended_after(&setting, &server.processes, id, TimeDelta::milliseconds(50)).await;
        assert_eq!(done.state, FillState::Completed, "{dies:?}");
        let tagged = setting.tagged("factura_mensual-v1.2").await;
        assert_eq!(tagged.len(), 1, "{dies:?}: {tagged:?}");
        let lived = (done.finished_at.expect("it ended") - done.created_at).num_seconds();
        assert!(lived < 120, "{dies:?}: it took {lived} s");
        server.stop().await;
    }
}

#[actix_rt::test]
async fn an_attempt_that_hangs_is_cut_off_and_another_one_is_made() {
    let setting = Setting::calm().await;
    let bare = setting.bare();
    let (adapter, fills) = setting.filler(&bare);
    let (_, template) = setting.template().await;
    let id = setting.ask(&bare.processes, &fills, setting.wanted(template, "fill")).await.expect("taken");
    bare.processes.fill.ask(ORGANIZATION, id, Command::Begin).await.expect("begun");
    setting.renderer.tell([Order::Hang]);
    let call = || async { setting.calls::<Fill>(id).await.pop().expect("it is to be rendered") };
    let hung = tokio::time::timeout(Duration::from_millis(20), fills.performed(&adapter, call().await)).await;
    assert!(hung.is_err(), "the host cuts it off");
    // The host tries again, and there is no turn any more.
    let again = actors::Effects::perform(&adapter, call().await).await;
    assert!(
        matches!(&again, actors::Attempt::Done(Some(Command::Finished { attempt: 1, outcome: Outcome::Interrupted { .. } }))),
        "{again:?}"
    );
}

#[actix_rt::test]
async fn fills_of_a_store_that_fails_at_random_all_end_with_one_document_each() {
    let setting = Setting::new(11, PLAN).await;
    let server = Server::start(&setting);
    let (_, template) = setting.template().await;
    setting.renderer.tell([Order::Panic, interrupted(), broke()]);
    let mut ids = Vec::new();
    for number in 0..12 {
        // A client that is answered 503 asks again, which makes another fill.
        let asked = persistently(async || {
            setting.ask(&server.processes, &server.fills, setting.wanted(template, &format!("fill_{number}"))).await
        });
        ids.push(asked.await);
    }
    let mut files = Vec::new();
    for id in &ids {
        let done = over(&setting, &server.processes, *id, TimeDelta::seconds(1)).await;
        assert_eq!(done.state, FillState::Completed, "{:?}", done.error);
        setting.filled(&done).await;
        files.push(done.creation.data.file);
    }
    // A removal that was announced and could not be carried out is left to the collector of orphans.
    eventually("the data are gone", async || {
        let _ = collected(&setting, &server.processes, TimeDelta::days(3)).await;
        let mut are_gone = true;
        for file in &files {
            are_gone &= !setting.is_kept(file).await;
        }
        are_gone
    })
    .await;
    server.stop().await;
}

#[actix_rt::test]
async fn what_waits_in_vain_has_failed_after_a_day_and_nothing_of_it_stays() {
    let setting = Setting::calm().await;
    let bare = setting.bare();
    let (_, fills) = setting.filler(&bare);
    let (_, template) = setting.template().await;
    let id = setting.ask(&bare.processes, &fills, setting.wanted(template, "fill")).await.expect("taken");
    drop(bare);
    setting.clock.advance(fill::LIFE);
    let server = Server::start(&setting);
    let failed = ended(&setting, &server.processes, id).await;
    assert_eq!(failed.state, FillState::Failed);
    assert!(failed.error.is_some_and(|words| words.contains("within a day")));
    assert!(setting.renderer.jobs.lock().is_empty());
    server.stop().await;
}

impl Fills {
    /// Performs an effect of a fill as if its turn had come.
    async fn performed(&self, adapter: &Adapter, call: Call<Fill>) -> actors::Attempt<Fill> {
        self.give_turn(call.entity.id);
        actors::Effects::perform(adapter, call).await
    }
}
