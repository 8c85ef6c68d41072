//! The small languages inside messages, from a stranger: each is read or not, never a crash.
//!
//! The first line is what a message is held against: a base URL, a registered redirect URI, a name.

#![no_main]

use authtrail::trail::read::{challenge, content, event_stream, jsonrpc, jwt, param_header, params, urls};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (first, rest) = text.split_once('\n').unwrap_or(("", text));
    for challenge in challenge::parse(rest) {
        let _ = (challenge.get(first), challenge.repeated().count());
    }
    let _ = challenge::stray(rest);
    for is_stream in [false, true] {
        let content = content::Content::read(rest, is_stream);
        let _ = (content.initialize_result(), content.announced_uri(), content.object());
        for message in content.messages() {
            let _ =
                (message.sort(), message.id_text(), message.meta_version(), message.client_info(), message.is_mcp());
        }
    }
    let _ = event_stream::parse(rest);
    let _ = jsonrpc::parse(rest);
    if let Some(token) = jwt::Claims::read(rest) {
        let _ = (token.text(first), token.number(first), token.list(first), token.header_key_thumbprint());
    }
    let _ = (param_header::decode(rest), param_header::is_unsafe(rest), param_header::named_in(rest));
    if let Ok(schema) = serde_json::from_str(rest) {
        let _ = param_header::annotations(&schema);
    }
    let parameters = params::Params::parse(rest);
    let _ = (parameters.get(first), parameters.repeated(), parameters.names());
    let _ = (urls::resolve(first, rest), urls::same(first, rest), urls::fits_redirect(first, rest));
    let _ = (urls::normal(rest), urls::endpoint(rest), urls::well_known(rest), urls::is_plain_http(rest));
});
