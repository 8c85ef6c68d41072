//! What both hellos agree on, and the keys that a key log gives for it.

use rustls::Tls13CipherSuite;

use super::cipher::{Schedule12, next_secret, opener13, openers12};
use super::facts::WhyClosed;
use super::hello::ServerHello;
use super::keylog::{ClientRandom, KeyLog, KeySecret, Label};
use super::keys::{Keys, Stage};
use super::suite;
use crate::decode::packets::stream::Side;

/// Records of the handshake that may stand before the first one under the keys of application data.
const HANDSHAKE_RECORDS: u64 = 16;

/// What both hellos agree on.
pub(super) enum Agreement {
    /// TLS 1.2, and what is older: keys are taken up at each ChangeCipherSpec.
    Old {
        /// `None` once they are taken up, and where there are none.
        client: Option<Keys>,
        server: Option<Keys>,
        /// Why there are none.
        why: Option<WhyClosed>,
    },
    /// TLS 1.3: keys follow the messages.
    Tls13 {
        /// `None` where this build does not decrypt it.
        suite: Option<&'static Tls13CipherSuite>,
        number: u16,
        client_random: ClientRandom,
    },
}

impl Agreement {
    pub(super) fn new(keylog: &KeyLog, client_random: &ClientRandom, hello: &ServerHello) -> Self {
        if hello.version == 0x0304 {
            let suite = suite::tls13(hello.suite);
            return Agreement::Tls13 { suite, number: hello.suite, client_random: *client_random };
        }
        match keys12(keylog, client_random, hello) {
            Ok((client, server)) => Agreement::Old { client: Some(client), server: Some(server), why: None },
            Err(why) => Agreement::Old { client: None, server: None, why: Some(why) },
        }
    }

    /// The keys of one side at a stage of TLS 1.3.
    pub(super) fn keys13(&self, keylog: &KeyLog, side: Side, stage: Stage) -> Result<Keys, WhyClosed> {
        let Agreement::Tls13 { suite, number, client_random } = self else { return Err(WhyClosed::RecordsMissing) };
        let suite = suite.ok_or(WhyClosed::Suite(*number))?;
        let label = match (stage, side) {
            (Stage::Early, _) => Label::ClientEarly,
            (Stage::Handshake, Side::Client) => Label::ClientHandshake,
            (Stage::Handshake, Side::Server) => Label::ServerHandshake,
            (_, Side::Client) => Label::ClientTraffic,
            (_, Side::Server) => Label::ServerTraffic,
        };
        let Some(secret) = keylog.secret(client_random, label) else {
            let known = keylog.knows(client_random);
            return Err(if known { WhyClosed::NoSecret(label.name()) } else { WhyClosed::NoKeys });
        };
        keys_from(suite, stage, KeySecret::new(secret.into())).ok_or(WhyClosed::WrongKeys)
    }

    /// The keys of the handshake of TLS 1.3. Some programs write only the secrets of application data: then those.
    pub(super) fn handshake_keys13(&self, keylog: &KeyLog, side: Side) -> Result<Keys, WhyClosed> {
        self.keys13(keylog, side, Stage::Handshake).or_else(|why| {
            let keys = self.keys13(keylog, side, Stage::Application);
            keys.map(|keys| keys.uncertain(HANDSHAKE_RECORDS)).map_err(|_| why)
        })
    }

    /// The keys of one side that follow these.
    pub(super) fn following(&self, keylog: &KeyLog, side: Side, keys: &Keys) -> Option<Keys> {
        let Agreement::Tls13 { suite, .. } = self else { return None };
        match keys.stage {
            Stage::Tls12 => None,
            Stage::Early => self.keys13(keylog, side, Stage::Handshake).ok(),
            Stage::Handshake => self.keys13(keylog, side, Stage::Application).ok(),
            Stage::Application => {
                let suite = (*suite)?;
                keys_from(suite, Stage::Application, next_secret(suite, keys.secret.as_deref()?)?)
            }
        }
    }
}

fn keys_from(suite: &Tls13CipherSuite, stage: Stage, secret: KeySecret) -> Option<Keys> {
    let mut keys = Keys::new(stage, opener13(suite, &secret)?);
    keys.secret = (stage == Stage::Application).then_some(secret);
    Some(keys)
}

fn keys12(keylog: &KeyLog, client_random: &ClientRandom, hello: &ServerHello) -> Result<(Keys, Keys), WhyClosed> {
    if hello.version != 0x0303 {
        return Err(WhyClosed::Version(hello.version));
    }
    if hello.compression {
        return Err(WhyClosed::Compression);
    }
    if suite::tls12(hello.suite).is_none() {
        return Err(WhyClosed::Suite(hello.suite));
    }
    let Some(master) = keylog.secret(client_random, Label::Master) else {
        let known = keylog.knows(client_random);
        return Err(if known { WhyClosed::NoSecret(Label::Master.name()) } else { WhyClosed::NoKeys });
    };
    let schedule = Schedule12 {
        suite: hello.suite,
        master,
        client_random,
        server_random: &hello.random,
        encrypt_then_mac: hello.encrypt_then_mac,
    };
    let openers = openers12(&schedule).ok_or(WhyClosed::Suite(hello.suite))?;
    let keys = |opener| {
        let mut keys = Keys::new(Stage::Tls12, opener);
        keys.overhead = openers.overhead;
        keys
    };
    Ok((keys(openers.client), keys(openers.server)))
}
