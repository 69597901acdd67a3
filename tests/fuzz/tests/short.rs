//! The short run: each target over its corpus, its seeds changed by chance, and its words grown long.
//!
//! An input is written to `target/fuzz-last/<target>` before it is tried and taken away when all went well, so that it
//! is there even after a stack overflow.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use fuzz_targets::{
    TARGETS, Target,
    mutate::{Mutator, grown},
    target,
};

/// As many changed seeds are tried until this much time has gone, at least [`FEWEST`].
const SPENT: Duration = Duration::from_millis(500);
const FEWEST: usize = 100;
const MOST: usize = 5_000;
/// How long the grown inputs are.
const GROWN: usize = 48 * 1024;
/// No input may take longer; other tests run at the same time.
const PATIENCE: Duration = Duration::from_secs(10);
/// What a thread of a service has.
const STACK: usize = 2 * 1024 * 1024;

macro_rules! short_runs {
    ($($name:ident)*) => {
        $(#[test] fn $name() { short(stringify!($name)); })*

        #[test]
        fn no_target_is_left_out() {
            let tested = [$(stringify!($name)),*];
            assert_eq!(TARGETS.iter().map(|it| it.name).collect::<Vec<_>>(), tested);
        }
    };
}

short_runs! {
    event header request command name playbook condition calendar limit scenario organisation complaints recorded token
    configuration phone plate vin person query mask field
}

fn short(name: &str) {
    let target = target(name).expect("a target of that name");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let seeds = read(&folder);
    assert!(!seeds.is_empty(), "no seeds in {}", folder.display());
    let last = last(name);
    let runner = thread::Builder::new().stack_size(STACK).name(name.to_owned());
    let run = runner.spawn(move || tries(target, &seeds, &last)).expect("a thread");
    let tried = run.join().unwrap_or_else(|_| panic!("target {name}: see the input above"));
    println!("{name}: {tried} inputs");
}

fn tries(target: &Target, seeds: &[Vec<u8>], last: &Path) -> usize {
    let one = |input: &[u8]| attempt(target, input, last);
    seeds.iter().for_each(|seed| one(seed));
    let long = grown(target, seeds, GROWN);
    long.iter().for_each(|input| one(input));
    let mut mutator = Mutator::new(1, target, seeds);
    let began = Instant::now();
    let mut tried = 0;
    while tried < FEWEST || (tried < MOST && began.elapsed() < SPENT) {
        one(&mutator.changed());
        tried += 1;
    }
    let _ = fs::remove_file(last);
    seeds.len() + long.len() + tried
}

/// One input; if it fails, the unwinding passes through `Kept`, which says where the input is.
fn attempt(target: &Target, input: &[u8], last: &Path) {
    fs::write(last, input).expect("the input is kept");
    let kept = Kept { input, last };
    let began = Instant::now();
    (target.run)(input);
    let took = began.elapsed();
    assert!(took < PATIENCE, "{} took {took:?} for {} bytes", target.name, input.len());
    std::mem::forget(kept);
}

struct Kept<'a> {
    input: &'a [u8],
    last: &'a Path,
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        let shown: String = String::from_utf8_lossy(self.input).chars().take(400).collect();
        eprintln!("the input ({} bytes) is kept in {}:\n{shown}", self.input.len(), self.last.display());
    }
}

fn read(folder: &Path) -> Vec<Vec<u8>> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).expect("a seed")).collect()
}

fn last(name: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"), PathBuf::from);
    let folder = target.join("fuzz-last");
    fs::create_dir_all(&folder).expect("a folder for what fails");
    folder.join(name)
}
