//! What the messages of a handshake change: who speaks to whom, and under which keys.

use bytes::Bytes;

use super::agreement::Agreement;
use super::facts::{EarlyData, WhyClosed};
use super::flow::{At, Protection};
use super::hello::{self, ClientHello, ServerHello};
use super::keys::{Keys, Stage};
use super::layer::Tls;
use super::messages::{Message, kind};
use crate::decode::packets::stream::{Side, Sink};

impl<S: Sink> Tls<S> {
    /// Takes the handshake octets of one record.
    pub(super) fn messages(&mut self, side: Side, octets: Bytes, at: At) {
        for message in self.flow(side).messages.record(octets) {
            self.message(side, &message, at);
        }
    }

    fn message(&mut self, side: Side, message: &Message, at: At) {
        let stage = match &self.flow(side).protection {
            Protection::Plain => None,
            Protection::Open(keys) => Some(keys.stage),
            Protection::Sealed => return,
        };
        match (message.kind, side, stage) {
            (kind::CLIENT_HELLO, Side::Client, None | Some(Stage::Tls12)) => match hello::client_hello(&message.body) {
                Some(hello) => self.client_hello(hello, stage.is_some()),
                None => self.facts.problem(at.frame, "the ClientHello is broken; left out".to_owned()),
            },
            (kind::SERVER_HELLO, Side::Server, None | Some(Stage::Tls12)) => match hello::server_hello(&message.body) {
                Some(hello) => self.server_hello(hello),
                None => self.facts.problem(at.frame, "the ServerHello is broken; left out".to_owned()),
            },
            (kind::ENCRYPTED_EXTENSIONS, Side::Server, Some(Stage::Handshake)) => {
                let extensions = hello::encrypted_extensions(&message.body).unwrap_or_default();
                self.facts.alpn = extensions.alpn;
                self.decide_early_data(extensions.early_data);
            }
            (kind::END_OF_EARLY_DATA, Side::Client, Some(Stage::Early)) => self.go_on(side, Stage::Handshake),
            // After the handshake a client may finish a second time, to prove who it is (RFC 8446, 4.6.2).
            (kind::FINISHED, _, Some(Stage::Handshake)) => self.go_on(side, Stage::Application),
            (kind::KEY_UPDATE, _, Some(Stage::Application)) => self.update(side),
            _ => {}
        }
    }

    fn client_hello(&mut self, hello: ClientHello, again: bool) {
        if again {
            self.facts.renegotiations = self.facts.renegotiations.saturating_add(1);
            self.agreement = None;
            self.server_hello = None;
        } else if self.agreement.is_some() {
            return;
        }
        if self.facts.server_name.is_none() {
            self.facts.server_name = hello.server_name;
        }
        if self.facts.alpn_offered.is_empty() {
            self.facts.alpn_offered = hello.alpn;
        }
        self.facts.encrypted_hello |= hello.encrypted_hello;
        if hello.early_data && self.facts.early_data == EarlyData::NotOffered {
            self.facts.early_data = EarlyData::Offered;
        }
        self.client_random = Some(hello.random);
        self.agree();
    }

    fn server_hello(&mut self, hello: ServerHello) {
        if self.server_hello.is_some() {
            return;
        }
        self.facts.version = Some(hello.version);
        self.facts.suite = Some(hello.suite);
        if hello.is_retry() {
            self.facts.hello_retry = true;
            self.refuse_early_data();
            // The next hello of the client is the one that counts.
            self.client_random = None;
            return;
        }
        if hello.alpn.is_some() {
            self.facts.alpn.clone_from(&hello.alpn);
        }
        self.facts.resumed |= hello.pre_shared_key;
        self.server_hello = Some(hello);
        self.agree();
    }

    /// Both hellos are there, whichever came first in the capture.
    fn agree(&mut self) {
        let (Some(random), Some(hello)) = (&self.client_random, &self.server_hello) else { return };
        let agreement = Agreement::new(&self.keylog, random, hello);
        let tls13 = matches!(agreement, Agreement::Tls13 { .. });
        let resumed = hello.pre_shared_key;
        let server_keys = tls13.then(|| agreement.handshake_keys13(&self.keylog, Side::Server));
        self.agreement = Some(agreement);
        let Some(server_keys) = server_keys else { return };
        if !resumed {
            self.refuse_early_data();
        }
        let offered = self.facts.early_data == EarlyData::Offered;
        if !offered {
            self.start_handshake(self.facts.early_data == EarlyData::Refused);
        }
        match server_keys {
            Ok(keys) => self.arm(Side::Server, keys),
            Err(why) => self.seal(Side::Server, why),
        }
    }

    /// The client goes on with its handshake. Where it sent 0-RTT data in vain, they stand before it.
    fn start_handshake(&mut self, patient: bool) {
        let Some(agreement) = &self.agreement else { return };
        match agreement.handshake_keys13(&self.keylog, Side::Client) {
            Ok(mut keys) => {
                if patient {
                    keys = keys.uncertain(0);
                    keys.patient = true;
                }
                self.arm(Side::Client, keys);
            }
            Err(why) => self.seal(Side::Client, why),
        }
    }

    fn refuse_early_data(&mut self) {
        if self.facts.early_data == EarlyData::Offered {
            self.facts.early_data = EarlyData::Refused;
        }
    }

    fn decide_early_data(&mut self, accepted: bool) {
        if self.facts.early_data != EarlyData::Offered || !self.client.is_plain() {
            return;
        }
        if !accepted {
            self.facts.early_data = EarlyData::Refused;
            return self.start_handshake(true);
        }
        self.facts.early_data = EarlyData::Accepted;
        self.start_early_data();
    }

    /// The client goes on with 0-RTT data. Without their secret they are lost, and what follows them is not.
    fn start_early_data(&mut self) {
        let Some(agreement) = &self.agreement else { return };
        match agreement.keys13(&self.keylog, Side::Client, Stage::Early) {
            Ok(keys) => self.arm(Side::Client, keys),
            Err(why) => {
                self.facts.why.get_or_insert(why);
                self.start_handshake(true);
            }
        }
    }

    /// The server will not say any more whether it takes 0-RTT data. Then they are taken as sent.
    pub(super) fn server_is_silent(&mut self) {
        let tls13 = matches!(self.agreement, Some(Agreement::Tls13 { .. }));
        if tls13 && self.facts.early_data == EarlyData::Offered && self.client.is_plain() {
            self.start_early_data();
        }
    }

    fn go_on(&mut self, side: Side, stage: Stage) {
        let Some(agreement) = &self.agreement else { return };
        match agreement.keys13(&self.keylog, side, stage) {
            Ok(keys) => self.arm(side, keys),
            Err(why) => self.seal(side, why),
        }
        if side == Side::Server {
            self.server_is_silent();
        }
    }

    fn update(&mut self, side: Side) {
        self.facts.key_updates = self.facts.key_updates.saturating_add(1);
        let (Some(agreement), Protection::Open(keys)) = (&self.agreement, &self.keys_of(side)) else { return };
        if let Some(next) = agreement.following(&self.keylog, side, keys) {
            self.arm(side, next);
        }
    }

    fn keys_of(&self, side: Side) -> &Protection {
        match side {
            Side::Client => &self.client.protection,
            Side::Server => &self.server.protection,
        }
    }

    /// The keys that ChangeCipherSpec of TLS 1.2 takes up, once for each handshake; `None` where there was none.
    pub(super) fn take_up(&mut self, side: Side) -> Option<Result<Keys, WhyClosed>> {
        let Some(Agreement::Old { client, server, why }) = &mut self.agreement else { return None };
        let keys = if side == Side::Client { client.take() } else { server.take() };
        Some(keys.ok_or(why.unwrap_or(WhyClosed::RecordsMissing)))
    }

    /// ChangeCipherSpec. In TLS 1.3 it means nothing.
    pub(super) fn change_cipher(&mut self, side: Side) {
        let tls13 = self.facts.hello_retry || matches!(self.agreement, Some(Agreement::Tls13 { .. }));
        if tls13 {
            return;
        }
        match self.take_up(side) {
            Some(Ok(keys)) => self.arm(side, keys),
            // A second one in the same handshake.
            Some(Err(_)) if !self.flow(side).is_plain() => {}
            Some(Err(why)) => self.seal(side, why),
            None => self.seal_both(self.why_unanswered()),
        }
    }
}
