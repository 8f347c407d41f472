use std::sync::{Barrier, mpsc};

use super::*;

const LONG: Duration = Duration::from_secs(60);

fn pool(places: usize, time: Duration) -> CpuPool {
    let options = Options { places, memory: 10 << 20, waiting_each: 100, waiting: 1000, patience: LONG, time };
    CpuPool::new(options, Metrics::default())
}

fn job(organization: &str) -> Job {
    Job::new(organization, 1)
}

/// Work that goes on until the other end is dropped.
fn held_up() -> (mpsc::Sender<()>, impl FnOnce(&Cutoff) + Send) {
    let (sender, receiver) = mpsc::channel::<()>();
    (sender, move |_: &Cutoff| {
        let _ = receiver.recv();
    })
}

/// Lets what is spawned get as far as it can.
async fn settle(pool: &CpuPool, running: i64) {
    let until = Instant::now() + Duration::from_secs(10);
    while pool.0.metrics.running_now() != running {
        assert!(Instant::now() < until, "{} run, not {running}", pool.0.metrics.running_now());
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_panic_is_an_error_and_gives_its_place_back() {
    let pool = pool(1, LONG);
    for _ in 0..5 {
        assert_eq!(pool.run(job("a"), |_| panic!("on purpose")).await, Err::<(), _>(Error::Interrupted));
    }
    assert_eq!(pool.run(job("a"), |_| 7).await, Ok(7));
    assert_eq!((pool.0.metrics.count(Outcome::Panicked), pool.0.metrics.count(Outcome::Done)), (5, 1));
}

#[tokio::test]
async fn an_organization_whose_jobs_never_end_holds_up_no_other() {
    let pool = pool(2, LONG);
    let mut holders = Vec::new();
    for _ in 0..10 {
        let (holder, work) = held_up();
        holders.push(holder);
        let pool = pool.clone();
        tokio::spawn(async move { pool.run(job("hostile"), work).await });
    }
    settle(&pool, 2).await;
    for turn in 0..20 {
        assert_eq!(pool.run(job("other"), move |_| turn).await, Ok(turn));
    }
    drop(holders);
}

#[tokio::test]
async fn documents_are_read_only_when_there_is_room_for_them() {
    let pool = pool(2, LONG);
    let held = Arc::new(AtomicBool::new(false));
    let mut tasks = Vec::new();
    for _ in 0..40 {
        let (pool, held) = (pool.clone(), held.clone());
        tasks.push(tokio::spawn(async move {
            let turn = pool.turn(Job::new("a", 8 << 20)).await.unwrap();
            // Eight of ten MiB: never two at once.
            assert!(!held.swap(true, Ordering::SeqCst));
            tokio::task::yield_now().await;
            let free = held.clone();
            turn.run(move |_| free.store(false, Ordering::SeqCst)).await.unwrap();
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let larger = pool.turn(Job::new("a", 1 << 40)).await.unwrap();
    assert_eq!(larger.run(|_| ()).await, Ok(()), "what is larger than everything is read alone");
}

#[tokio::test]
async fn the_memory_is_held_as_long_as_the_work_runs_though_nobody_waits_for_it() {
    let pool = pool(1, LONG);
    let (holder, work) = held_up();
    let turn = pool.turn(Job::new("a", 8 << 20)).await.unwrap();
    let running = tokio::spawn(async move { turn.run(work).await });
    settle(&pool, 1).await;
    running.abort();
    assert!(running.await.is_err());
    let mut next = std::pin::pin!(pool.turn(Job::new("a", 8 << 20)));
    assert!(futures::poll!(&mut next).is_pending());
    drop(holder);
    assert!(next.await.is_ok());
}

#[tokio::test]
async fn work_is_cut_off_when_its_time_is_over_or_nobody_waits_for_it() {
    let until_cut_off = |cutoff: &Cutoff| {
        while !cutoff.is_reached() {
            std::thread::yield_now();
        }
    };
    let short = pool(1, Duration::from_millis(50));
    let cut = short.run(job("a"), until_cut_off).await;
    assert_eq!(cut, Err(Error::CutOff(Duration::from_millis(50))));
    let long = pool(1, LONG);
    let running = tokio::spawn({
        let long = long.clone();
        async move { long.run(job("a"), until_cut_off).await }
    });
    settle(&long, 1).await;
    running.abort();
    settle(&long, 0).await;
    assert_eq!(long.run(job("a"), |_| 7).await, Ok(7));
}

#[tokio::test]
async fn a_file_that_was_cut_off_twice_is_set_aside_at_once() {
    let time = Duration::from_millis(20);
    let pool = pool(2, time);
    let too_long = |cutoff: &Cutoff| {
        while !cutoff.is_reached() {
            std::thread::yield_now();
        }
    };
    let (poison, other) = (Digest::of(b"poison"), Digest::of(b"other"));
    let reads = |file| job("a").on(file, Work::Read);
    assert_eq!(pool.run(reads(poison), too_long).await, Err(Error::CutOff(time)));
    assert_eq!(pool.run(reads(poison), too_long).await, Err(Error::SetAside(time)));
    assert_eq!(pool.run(reads(poison), |_| panic!("it is not tried")).await, Err::<(), _>(Error::SetAside(time)));
    assert!(matches!(pool.turn(reads(poison)).await, Err(Error::SetAside(_))));
    assert_eq!(pool.run(reads(other), |_| 7).await, Ok(7));
    assert_eq!(pool.run(job("a").on(poison, Work::Draw), |_| 7).await, Ok(7));
    let told = Error::SetAside(Duration::from_secs(20)).to_string();
    assert!(told.contains("20 s") && told.contains("twice") && told.contains("save it again"), "{told}");
}

#[tokio::test]
async fn work_that_heeds_no_cutoff_is_not_waited_for_but_keeps_its_place() {
    let pool = pool(1, Duration::from_millis(10));
    let poison = Digest::of(b"poison");
    let mut holders = Vec::new();
    for organization in ["a", "b"] {
        let (holder, work) = held_up();
        holders.push(holder);
        let told = pool.run(job(organization).on(poison, Work::Read), work).await;
        assert!(matches!(told, Err(Error::CutOff(_) | Error::SetAside(_))), "{told:?}");
    }
    assert!(matches!(pool.run(job("c").on(poison, Work::Read), |_| ()).await, Err(Error::SetAside(_))));
    settle(&pool, 2).await;
    let mut next = std::pin::pin!(pool.run(job("c"), |_| ()));
    assert!(futures::poll!(&mut next).is_pending());
    drop(holders);
    assert_eq!(next.await, Ok(()));
    assert_eq!(pool.0.set_aside.lock().count(Instant::now()), 1, "each failure was counted once");
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let options = Options { places: 1, waiting_each: 1, ..Options::default() };
    let pool = CpuPool::new(options, Metrics::default());
    let (_holder, work) = held_up();
    let running = tokio::spawn({
        let pool = pool.clone();
        async move { pool.run(job("a"), work).await }
    });
    settle(&pool, 1).await;
    let mut waiting = std::pin::pin!(pool.run(job("a"), |_| ()));
    assert!(futures::poll!(&mut waiting).is_pending());
    assert_eq!(pool.run(job("a"), |_| ()).await, Err(Error::Busy));
    assert!(Error::Busy.is_transient());
    running.abort();
}

#[test]
fn the_end_waits_for_no_work() {
    let pool = pool(1, Duration::from_secs(3600));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (holder, work) = held_up();
    let began = Arc::new(Barrier::new(2));
    let reached = began.clone();
    let (running, waiting) = (pool.clone(), pool.clone());
    let running = runtime.spawn(async move {
        let work = move |cutoff: &Cutoff| {
            reached.wait();
            work(cutoff);
        };
        running.run(job("a"), work).await
    });
    let waiting = runtime.spawn(async move { waiting.run(job("a"), |_| ()).await });
    runtime.block_on(async { tokio::task::yield_now().await });
    began.wait();
    let closing = Instant::now();
    pool.close();
    assert_eq!(runtime.block_on(running).unwrap(), Err(Error::Closed));
    assert_eq!(runtime.block_on(waiting).unwrap(), Err(Error::Closed));
    assert_eq!(runtime.block_on(pool.run(job("a"), |_| ())), Err(Error::Closed));
    drop(runtime);
    assert!(closing.elapsed() < Duration::from_secs(5), "{:?}", closing.elapsed());
    drop(holder);
}
