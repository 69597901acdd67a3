//! Cookies as this console uses them: `__Host-`, so that no other host and no
//! plain connection can set or read them.

use axum::http::{HeaderMap, HeaderValue, header};

pub fn read(headers: &HeaderMap, name: &str) -> Option<String> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = pairs.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
}

/// `seconds` 0: until the browser closes. Lax, because the telephone system opens pages by a link.
pub fn set(headers: &mut HeaderMap, name: &str, value: &str, seconds: u32) {
    let life = if seconds == 0 { String::new() } else { format!("; Max-Age={seconds}") };
    let line = format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax{life}");
    if let Ok(line) = HeaderValue::from_str(&line) {
        headers.append(header::SET_COOKIE, line);
    }
}

pub fn forget(headers: &mut HeaderMap, name: &str) {
    let line = format!("{name}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
    if let Ok(line) = HeaderValue::from_str(&line) {
        headers.append(header::SET_COOKIE, line);
    }
}
