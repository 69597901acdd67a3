//! What was bundled at build time. Names carry a hash of the content, so a
//! browser may keep them for ever.

use axum::{
    body::Body,
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

pub(crate) struct Bundled {
    pub name: &'static str,
    plain: &'static [u8],
    brotli: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The address of the bundle that began as this file.
pub fn address(stem: &str, extension: &str) -> String {
    let is_it = |name: &str| {
        name.strip_prefix(stem).is_some_and(|rest| rest.starts_with('-')) && name.ends_with(extension)
    };
    let name = BUNDLED.iter().map(|one| one.name).find(|name| is_it(name)).unwrap_or_default();
    format!("/assets/{name}")
}

pub async fn serve(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(one) = BUNDLED.iter().find(|one| one.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let accepts = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let packed = accepts.is_some_and(|accepts| accepts.split(',').any(|each| each.trim().starts_with("br")));
    let mut response = Response::new(Body::from(if packed { one.brotli } else { one.plain }));
    let kind =
        if name.ends_with(".css") { "text/css; charset=utf-8" } else { "text/javascript; charset=utf-8" };
    let given = response.headers_mut();
    given.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    given.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    given.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if packed {
        given.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bundle_has_an_address() {
        for (stem, extension) in [("desk", "js"), ("chart", "js"), ("style", "css")] {
            let address = address(stem, extension);
            assert!(address.len() > "/assets/".len() + stem.len(), "{stem}: {address}");
        }
    }
}
