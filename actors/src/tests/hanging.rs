//! A store whose calls never return.

use std::{sync::atomic::Ordering, time::Duration};

use store::faulty::Fault;

use crate::{
    Error,
    testing::{Cmd, Server, Setting, eventually},
};

/// Calls are cut off after half of this.
const STEP: Duration = Duration::from_millis(400);

fn impatient() -> (Setting, Server) {
    let mut setting = Setting::new();
    setting.options.step_timeout = STEP;
    let server = setting.server();
    (setting, server)
}

#[actix::test]
async fn an_append_that_never_returns_is_resolved_by_its_id() {
    let (setting, server) = impatient();
    let id = server.open().await;
    for (fault, item) in [(Fault::HangApplied, 1), (Fault::HangNotApplied, 2)] {
        setting.store.faulty().fail_next_write(fault);
        let items = server.ask(id, Cmd::Add(item)).await.expect("it is known what became of it").items.clone();
        assert_eq!(items, (1..=item).collect::<Vec<_>>(), "{fault:?}");
    }
    assert_eq!(setting.journal(id).await.len(), 3, "nothing is written twice");
}

#[actix::test]
async fn a_read_that_never_returns_holds_up_nobody_for_ever() {
    let (setting, server) = impatient();
    let id = server.open().await;
    server.kill();
    let server = setting.server();
    setting.store.faulty().fail_next(Fault::HangNotApplied);
    assert!(matches!(server.ask(id, Cmd::Add(1)).await, Err(Error::Unavailable(_))));
    assert_eq!(server.ask(id, Cmd::Add(2)).await.expect("read anew").items, [2]);
}

#[actix::test]
async fn a_step_that_does_not_end_is_cut_off_and_its_actor_starts_again_from_the_journal() {
    let (setting, server) = impatient();
    let id = server.open().await;
    let other = server.open().await;
    // The append is done, and neither it nor the question what became of it returns.
    setting.store.faulty().fail_next_write(Fault::HangApplied);
    // Twice, as on a busy machine the first question may end at the moment at which the step is cut off.
    (0..2).for_each(|_| setting.store.faulty().fail_next(Fault::HangNotApplied));
    let stopped = Err(Error::Unavailable("the process stopped while it was at work".into()));
    assert_eq!(server.ask(id, Cmd::Add(1)).await, stopped);
    setting.store.faults.store(false, Ordering::Release);

    assert_eq!(server.ask(other, Cmd::Add(7)).await.expect("others go on").items, [7]);
    assert_eq!(server.ask(id, Cmd::Add(2)).await.expect("it goes on with what the journal holds").items, [1, 2]);
    assert_eq!(setting.journal(id).await.len(), 3);
}

#[actix::test]
async fn wake_ups_go_on_after_a_look_at_them_that_never_returned() {
    let (setting, server) = impatient();
    let id = server.open().await;
    let every = Duration::from_millis(1);
    let options = crate::TimerOptions { every, call_timeout: every, ..crate::TimerOptions::default() };
    setting.store.faulty().fail_next(Fault::HangNotApplied);
    let timer = server.timer(options);
    eventually("the look hangs", async || setting.store.faulty().injected() == 1).await;
    setting.clock.advance(chrono::Duration::days(2));
    eventually("its time is over", async || setting.journal(id).await.len() == 2).await;
    timer.stop().await;
}
