//! The proof of possession of a request (RFC 9449, 4).

use crate::decode::exchange::Unknown;
use crate::trail::read::jwt::Claims;
use crate::trail::record::{Record, State, Value};
use crate::trail::schema::Field;
use crate::trail::view::View;

/// Sets key, nonce and id of the `DPoP` header.
pub(super) fn fill_proof(view: &View<'_>, record: &mut Record) {
    const PART: &str = "request.header.dpop";
    let header = view.request_header("dpop");
    let proof = header.as_text().map(Claims::read);
    let member = |read: &dyn Fn(&Claims) -> Option<String>| match (&header, &proof) {
        (State::Present(_), Some(Some(proof))) => State::text(read(proof).as_deref()),
        (State::Present(_), _) => State::Unread(Unknown::Opaque),
        (State::Unread(reason) | State::Unknown(reason), _) => State::Unknown(*reason),
        (State::Absent, _) => State::Absent,
    };
    let key = member(&Claims::header_key_thumbprint);
    record.set(Field::DpopJkt, key, format!("{PART}.jwk"));
    let nonce = member(&|proof| proof.text("nonce").map(str::to_owned));
    record.set(Field::DpopNonce, nonce, format!("{PART}.nonce"));
    let id = member(&|proof| proof.text("jti").map(str::to_owned));
    record.set(Field::DpopJti, id, format!("{PART}.jti"));
    for (field, name) in [(Field::DpopHtm, "htm"), (Field::DpopHtu, "htu"), (Field::DpopAth, "ath")] {
        record.set(field, member(&|proof| proof.text(name).map(str::to_owned)), format!("{PART}.{name}"));
    }
    let issued = match (&header, proof.as_ref().and_then(Option::as_ref)) {
        (State::Present(_), Some(proof)) => {
            proof.number("iat").map_or(State::Absent, |at| State::Present(Value::Number(at)))
        }
        _ => member(&|_| None),
    };
    record.set(Field::DpopIat, issued, format!("{PART}.iat"));
}
