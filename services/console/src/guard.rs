//! What every request passes and every answer carries: no post from another
//! site, no script or style that is not ours, no framing, nothing cached.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

/// `data:` for images lets signatures be looked at before they are sent.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const GIVEN: [(HeaderName, &str); 7] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(self), microphone=(self), geolocation=()"),
    (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
];

pub async fn guard(request: Request, next: Next) -> Response {
    let mut response = if changes(request.method()) && !is_ours(request.headers()) {
        tracing::warn!(path = request.uri().path(), "a post from another site was refused");
        (StatusCode::FORBIDDEN, "跨站请求已拒绝。 A request from another site was refused.").into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    for (name, value) in GIVEN {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

fn changes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Browsers say where a request comes from; what says nothing at all is no browser and has no
/// cookie that somebody else could use.
fn is_ours(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    match text(HeaderName::from_static("sec-fetch-site")) {
        Some("same-origin") => true,
        Some(_) => false,
        None => match (text(header::ORIGIN), text(header::HOST)) {
            (Some(origin), Some(host)) => {
                origin.split_once("://").is_some_and(|(_, place)| place.eq_ignore_ascii_case(host))
            }
            (Some(_), None) => false,
            (None, _) => text(header::COOKIE).is_none(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(pairs: &[(&str, &str)]) -> bool {
        let pairs = pairs.iter().map(|(name, value)| {
            (HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap())
        });
        is_ours(&pairs.collect())
    }

    #[test]
    fn only_our_own_pages_may_post() {
        assert!(ours(&[("sec-fetch-site", "same-origin")]));
        for site in ["cross-site", "same-site", "none"] {
            assert!(!ours(&[("sec-fetch-site", site), ("origin", "https://a"), ("host", "a")]), "{site}");
        }
        assert!(ours(&[("origin", "https://desk.example"), ("host", "desk.example")]));
        assert!(!ours(&[("origin", "https://evil.example"), ("host", "desk.example")]));
        assert!(!ours(&[("origin", "null"), ("host", "desk.example")]));
        assert!(!ours(&[("host", "desk.example"), ("cookie", "a=b")]));
        assert!(ours(&[("host", "desk.example")]), "no browser, no cookie");
    }
}
