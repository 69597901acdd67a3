//! Bundles what runs in the browser and embeds it: `npm ci` and esbuild into the
//! build's own folder, so that nothing is fetched at run time and the working
//! tree stays clean. Packages are fetched once per lock file.

use std::{
    env,
    ffi::OsStr,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, exit},
};

/// The oldest Node that is tested with.
const NODE: u32 = 20;
const WEB: &str = "web";

fn main() {
    println!("cargo::rerun-if-changed={WEB}");
    println!("cargo::rerun-if-changed=build");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo names the folder"));
    if let Err(why) = bundle(&out) {
        println!("cargo::error=the console's pages cannot be bundled: {why}");
        exit(1);
    }
}

fn bundle(out: &Path) -> Result<(), String> {
    check_node()?;
    let web = out.join(WEB);
    copy(Path::new(WEB), &web)?;
    install(&web)?;
    let assets = out.join("assets");
    if assets.exists() {
        fs::remove_dir_all(&assets).map_err(|error| said(&assets, &error))?;
    }
    run(Command::new("node").arg("build.mjs").arg(&assets).current_dir(&web))?;
    let list = list(&assets)?;
    let path = out.join("assets.rs");
    fs::write(&path, list).map_err(|error| said(&path, &error))
}

fn check_node() -> Result<(), String> {
    let missing = |what: &str| {
        format!(
            "{what}. Node {NODE} or later with npm is needed to build (not to run): https://nodejs.org, \
             or `apt-get install nodejs npm` where that is recent enough"
        )
    };
    let version = Command::new("node").arg("--version").output();
    let version = version.map_err(|_| missing("`node` is not on the PATH"))?;
    let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
    let major = version.trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < NODE) {
        return Err(missing(&format!("`node` is {version}")));
    }
    Command::new("npm").arg("--version").output().map_err(|_| missing("`npm` is not on the PATH"))?;
    Ok(())
}

/// The packages of the lock file, unless they are there already.
fn install(web: &Path) -> Result<(), String> {
    let lock = web.join("package-lock.json");
    let text = fs::read(&lock).map_err(|error| said(&lock, &error))?;
    let digest = blake3::hash(&text).to_hex().to_string();
    let stamp = web.join("installed");
    if fs::read_to_string(&stamp).is_ok_and(|known| known == digest) {
        return Ok(());
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"]);
    run(npm.current_dir(web)).map_err(|why| {
        format!("{why}\nThe packages of services/console/web/package-lock.json are fetched once; is the registry reachable?")
    })?;
    fs::write(&stamp, digest).map_err(|error| said(&stamp, &error))
}

fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("`{name}` cannot be run: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stderr, output.stdout].concat();
    Err(format!("`{name}` failed ({}):\n{}", output.status, String::from_utf8_lossy(&text)))
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    fs::create_dir_all(to).map_err(|error| said(to, &error))?;
    for entry in fs::read_dir(from).map_err(|error| said(from, &error))? {
        let path = entry.map_err(|error| said(from, &error))?.path();
        let name = path.file_name().unwrap_or_default();
        if name == OsStr::new("node_modules") {
            continue;
        }
        if path.is_dir() {
            copy(&path, &to.join(name))?;
        } else {
            fs::copy(&path, to.join(name)).map_err(|error| said(&path, &error))?;
        }
    }
    Ok(())
}

/// `(name, content type, plain, brotli)` of every file that came out.
fn list(assets: &Path) -> Result<String, String> {
    let mut names: Vec<String> = fs::read_dir(assets)
        .map_err(|error| said(assets, &error))?
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .filter(|name| !name.ends_with(".br"))
        .collect();
    names.sort();
    let mut text = String::from("pub(crate) const BUNDLED: &[Bundled] = &[\n");
    for name in names {
        let path = assets.join(&name);
        let _ = writeln!(
            text,
            "    Bundled {{ name: {name:?}, plain: include_bytes!({:?}), brotli: include_bytes!({:?}) }},",
            path.display().to_string(),
            format!("{}.br", path.display())
        );
    }
    text.push_str("];\n");
    Ok(text)
}

fn said(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
