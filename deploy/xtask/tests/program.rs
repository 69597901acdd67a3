//! A program in the foreground gets our signals, and its exit code comes back.

use std::path::Path;
use std::process::Command;

use local_engines::keeper::{self, Signal};
use xtask::program;

#[tokio::test]
async fn an_interrupt_reaches_the_program_and_its_answer_comes_back() {
    let place = tempfile::tempdir().unwrap();
    let ready = place.path().join("ready");
    let mut command: Command = program::tied(Path::new("sh"));
    command.args(["-c", "trap 'exit 7' INT; : > \"$0\"; while :; do sleep 0.05; done"]).arg(&ready);
    let running = program::run(command);
    let interrupting = async {
        while !ready.exists() {
            tokio::task::yield_now().await;
        }
        keeper::signal(std::process::id(), Signal::INT);
    };
    let (status, ()) = tokio::join!(running, interrupting);
    assert_eq!(status.unwrap().code(), Some(7));
}
