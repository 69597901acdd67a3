//! Passwords that live as long as the data they guard: from the kernel, never from a constant.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::{OnFile, Result};

/// 128 random bits. The letter in front keeps a configuration file from reading it as a number.
pub(crate) fn password() -> Result<String> {
    let mut text = String::from("p");
    for byte in bytes::<16>()? {
        write!(text, "{byte:02x}").expect("writing into a string does not fail");
    }
    Ok(text)
}

pub(crate) fn number() -> Result<u16> {
    Ok(u16::from_le_bytes(bytes::<2>()?))
}

fn bytes<const N: usize>() -> Result<[u8; N]> {
    let source = Path::new("/dev/urandom");
    let mut bytes = [0; N];
    File::open(source).and_then(|mut file| file.read_exact(&mut bytes)).on("read", source)?;
    Ok(bytes)
}
