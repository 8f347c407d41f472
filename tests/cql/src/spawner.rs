//! Starts processes that cannot outlive this one, not even when it is killed.
//!
//! The kernel ends a child with `PR_SET_PDEATHSIG` when the *thread* that forked it ends, and tests run on threads that come and go.
//! All children are therefore forked by one thread that stays until the process ends.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::{OnceLock, mpsc};
use std::thread;

use rustix::process::{Pid, Signal, getpid, getppid, set_parent_process_death_signal};

struct Order {
    command: Command,
    reply: mpsc::SyncSender<io::Result<Child>>,
}

static ORDERS: OnceLock<mpsc::Sender<Order>> = OnceLock::new();

/// Starts a process that is killed when this one ends, in whichever way.
///
/// # Errors
/// Those of [`Command::spawn`].
pub fn spawn(mut command: Command) -> io::Result<Child> {
    let parent = getpid();
    // SAFETY: between fork and exec only two system calls are made; nothing is allocated and no lock is taken.
    unsafe {
        command.pre_exec(move || die_with(parent));
    }
    let orders = ORDERS.get_or_init(start_thread);
    let (reply, child) = mpsc::sync_channel(1);
    let ended = || io::Error::other("the thread that starts processes has ended");
    orders.send(Order { command, reply }).map_err(|_| ended())?;
    child.recv().map_err(|_| ended())?
}

fn start_thread() -> mpsc::Sender<Order> {
    let (sender, orders) = mpsc::channel::<Order>();
    // The sender stays in a static, so that the loop ends with the process only.
    thread::spawn(move || {
        for Order { mut command, reply } in orders {
            // Whoever ordered it may have gone; the child is then dropped and dies with the process.
            let _ = reply.send(command.spawn());
        }
    });
    sender
}

fn die_with(parent: Pid) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // The parent may have died before the line above; then no signal comes any more.
    if getppid() == Some(parent) { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
}
