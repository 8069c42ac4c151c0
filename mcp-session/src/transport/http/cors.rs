//! Letting web pages read answers (CORS), where that is switched on.
//!
//! Which origins get in is the guard's decision, made before anything here.

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use crate::transport::http::headers::list;
use crate::transport::http::{HttpBody, reply};

/// The request headers that the protocol has, in both eras.
const ALLOWED: &str = "accept, authorization, content-type, last-event-id, mcp-method, mcp-name, \
                       mcp-protocol-version, mcp-session-id";

/// The response headers that a page may read.
const EXPOSED: HeaderValue =
    HeaderValue::from_static("mcp-session-id, retry-after, www-authenticate");

/// How many parameter headers one preflight is answered for.
const PARAMETERS: usize = 64;

/// The answer to a browser that asks before it sends (or to any other OPTIONS).
pub(super) fn preflight(request: &HeaderMap) -> Response<HttpBody> {
    let mut response = reply::empty(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    let methods = HeaderValue::from_static("GET, POST, DELETE, OPTIONS");
    headers.insert(header::ALLOW, methods.clone());
    let asked = header::ACCESS_CONTROL_REQUEST_HEADERS;
    let vary = "origin, access-control-request-method, access-control-request-headers";
    headers.insert(header::VARY, HeaderValue::from_static(vary));
    let Some(origin) = request.get(header::ORIGIN) else {
        return response;
    };
    // Names come back only in the form the http crate has checked.
    let parameters = list(request, &asked)
        .filter_map(|name| name.parse::<HeaderName>().ok())
        .filter(|name| name.as_str().starts_with("mcp-param-"))
        .take(PARAMETERS);
    let allowed = parameters.fold(ALLOWED.to_owned(), |all, name| format!("{all}, {name}"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    if let Ok(allowed) = HeaderValue::from_str(&allowed) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    }
    let an_hour = HeaderValue::from_static("3600");
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, an_hour);
    response
}

/// Lets the page that asked read an answer.
pub(super) fn expose(response: &mut Response<HttpBody>, origin: Option<HeaderValue>) {
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
}
