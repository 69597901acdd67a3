//! Starting child processes so that they cannot outlive this one.
//!
//! The kernel can send a child a signal when its parent dies, but the parent it watches is the *thread* that started
//! it. Tokio's threads come and go with their runtimes (one per test), so all children are started by one thread that
//! lives as long as the process. Asking the kernel for the signal needs code between fork and exec, which is unsafe in
//! Rust; `setpriv` of util-linux asks for it instead and then becomes the program, under the same process id.

use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};
use std::thread;

pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process};

/// What the child gets when this process dies without having stopped it.
#[derive(Clone, Copy, Debug)]
pub enum OnOurDeath {
    Kill,
    Terminate,
}

/// A command that runs `program` tied to the life of this process, as far as the system has the means.
#[must_use]
pub fn tied(program: &Path, on_our_death: OnOurDeath) -> Command {
    if !setpriv_ties() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    let signal = match on_our_death {
        OnOurDeath::Kill => "KILL",
        OnOurDeath::Terminate => "TERM",
    };
    command.args(["--pdeathsig", signal, "--"]).arg(program);
    command
}

/// Starts `command` on the thread that lives as long as the process.
pub fn spawn(command: Command) -> io::Result<Child> {
    let (reply, answer) = channel();
    keeper().send(Order { command, reply }).expect("the keeper thread never ends");
    answer.recv().expect("the keeper thread answers every order")
}

/// Sends a signal to a child. One that is gone already has done what it was asked.
pub fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

struct Order {
    command: Command,
    reply: Sender<io::Result<Child>>,
}

fn keeper() -> &'static Sender<Order> {
    static KEEPER: OnceLock<Sender<Order>> = OnceLock::new();
    KEEPER.get_or_init(|| {
        let (orders, inbox) = channel::<Order>();
        thread::Builder::new()
            .name("engine-keeper".into())
            .spawn(move || {
                for mut order in inbox {
                    // Whoever asked may have been cancelled: a child that nobody takes is killed, not leaked.
                    if let Err(unclaimed) = order.reply.send(order.command.spawn())
                        && let Ok(mut child) = unclaimed.0
                    {
                        let _ = child.kill();
                        let _ = child.wait();
                    }
                }
            })
            .expect("a process that runs can start one more thread");
        orders
    })
}

/// Busybox has a `setpriv` too, without the option.
fn setpriv_ties() -> bool {
    static TIES: OnceLock<bool> = OnceLock::new();
    *TIES.get_or_init(|| {
        Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--", "true"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    })
}
