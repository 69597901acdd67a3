//! `hotline`: see `hotline help`.

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    let cli = hotline::cli::Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("hotline: the runtime could not be started: {error}");
            return std::process::ExitCode::FAILURE;
        }
    };
    match runtime.block_on(hotline::cli::carry_out(cli)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("hotline: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}
