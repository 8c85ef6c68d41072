//! Names of the addresses in a recording: those of the hosts file, and those of recorded DNS answers. Nobody is asked.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;
use std::path::Path;

use simple_dns::rdata::RData;
use simple_dns::{Packet, PacketFlag};

/// Addresses of which names are kept.
const ADDRESSES: usize = 1 << 14;
/// Names of one address.
const NAMES: usize = 16;
/// Octets of a hosts file that are read.
const HOSTS: usize = 1 << 20;

/// The names of addresses.
#[derive(Debug, Default)]
pub(super) struct Names {
    hosts: HashMap<IpAddr, Vec<String>>,
    seen: HashSet<IpAddr>,
    known: BTreeMap<IpAddr, Vec<String>>,
    /// Addresses whose names were not written yet.
    fresh: Vec<IpAddr>,
}

impl Names {
    /// With the names of a hosts file.
    pub(super) fn with_hosts(path: &Path) -> Names {
        let content = std::fs::read(path).unwrap_or_default();
        let content = content.get(..content.len().min(HOSTS)).unwrap_or_default();
        Names { hosts: hosts(&String::from_utf8_lossy(content)), ..Names::default() }
    }

    /// An address of a packet.
    pub(super) fn seen(&mut self, address: IpAddr) {
        if self.seen.len() < ADDRESSES && self.seen.insert(address) {
            for name in self.hosts.get(&address).cloned().unwrap_or_default() {
                self.learn(address, name);
            }
        }
    }

    /// The content of a datagram from a name server.
    pub(super) fn answer(&mut self, octets: &[u8]) {
        let Ok(packet) = Packet::parse(octets) else { return };
        if !packet.has_flags(PacketFlag::RESPONSE) {
            return;
        }
        let asked = packet.questions.first().map(|question| question.qname.to_string());
        for record in &packet.answers {
            let address = match &record.rdata {
                RData::A(found) => IpAddr::from(found.address.to_be_bytes()),
                RData::AAAA(found) => IpAddr::from(found.address.to_be_bytes()),
                _ => continue,
            };
            // An alias leads to the name that was asked for: both are names of the address.
            let names = asked.iter().cloned().chain([record.name.to_string()]);
            names.for_each(|name| self.learn(address, name));
        }
    }

    /// Names that were not written yet.
    pub(super) fn fresh(&mut self) -> Vec<(IpAddr, &[String])> {
        if self.fresh.is_empty() {
            return Vec::new();
        }
        let mut fresh = std::mem::take(&mut self.fresh);
        fresh.sort_unstable();
        fresh.dedup();
        fresh.into_iter().filter_map(|address| Some((address, self.known.get(&address)?.as_slice()))).collect()
    }

    /// Every name.
    pub(super) fn all(&self) -> impl Iterator<Item = (IpAddr, &[String])> {
        self.known.iter().map(|(address, names)| (*address, names.as_slice()))
    }

    fn learn(&mut self, address: IpAddr, name: String) {
        if name.is_empty() || (self.known.len() >= ADDRESSES && !self.known.contains_key(&address)) {
            return;
        }
        let names = self.known.entry(address).or_default();
        if names.len() < NAMES && !names.contains(&name) {
            names.push(name);
            self.fresh.push(address);
        }
    }
}

/// Lines of an address and its names; `#` begins a comment.
fn hosts(text: &str) -> HashMap<IpAddr, Vec<String>> {
    let mut hosts: HashMap<IpAddr, Vec<String>> = HashMap::new();
    for line in text.lines() {
        let mut words = line.split('#').next().unwrap_or_default().split_ascii_whitespace();
        if let Some(Ok(address)) = words.next().map(str::parse) {
            hosts.entry(address).or_default().extend(words.map(str::to_owned));
        }
    }
    hosts
}

#[cfg(test)]
mod tests {
    use simple_dns::rdata::{A, CNAME};
    use simple_dns::{CLASS, Name, Question, ResourceRecord, TYPE};

    use super::*;

    fn shown(names: &[(IpAddr, &[String])]) -> Vec<String> {
        names.iter().map(|(address, names)| format!("{address} {}", names.join(" "))).collect()
    }

    #[test]
    fn the_hosts_file_names_addresses_that_are_seen() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "# local\n127.0.0.1 localhost mcp.acme.test # mine\nnonsense\n::1 ip6-localhost\n")
            .unwrap();
        let mut names = Names::with_hosts(file.path());
        assert!(names.fresh().is_empty());
        let address = IpAddr::from([127, 0, 0, 1]);
        names.seen(address);
        names.seen(address);
        names.seen(IpAddr::from([192, 0, 2, 1]));
        assert_eq!(shown(&names.fresh()), ["127.0.0.1 localhost mcp.acme.test"]);
        assert!(names.fresh().is_empty());
        assert_eq!(names.all().count(), 1);
    }

    #[test]
    fn an_answer_names_the_address_by_alias_and_name() {
        let mut packet = Packet::new_reply(7);
        let (asked, real) = (Name::new_unchecked("mcp.acme.test"), Name::new_unchecked("edge.acme.test"));
        packet.questions.push(Question::new(asked.clone(), TYPE::A.into(), CLASS::IN.into(), false));
        packet.answers.push(ResourceRecord::new(asked, CLASS::IN, 9, RData::CNAME(CNAME(real.clone()))));
        packet.answers.push(ResourceRecord::new(real, CLASS::IN, 9, RData::A(A { address: 0xc000_0207 })));
        let mut names = Names::default();
        names.answer(&packet.build_bytes_vec().unwrap());
        names.answer(b"no answer");
        assert_eq!(shown(&names.fresh()), ["192.0.2.7 mcp.acme.test edge.acme.test"]);
    }
}
