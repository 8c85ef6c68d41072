//! `application/x-www-form-urlencoded`: query strings and forms (WHATWG URL, 5; RFC 6749, appendix B).

use percent_encoding::percent_decode_str;

/// Parameters in the order in which they stand, decoded, with repetitions.
#[derive(Clone, Default)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Reads a query string or a form. Octets that are no UTF-8 become U+FFFD.
    pub fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        });
        Params(pairs.collect())
    }

    /// The query of a request target or URL; empty where there is none.
    pub fn of_query(target: &str) -> Self {
        let without_fragment = target.split_once('#').map_or(target, |(before, _)| before);
        without_fragment.split_once('?').map_or_else(Params::default, |(_, query)| Params::parse(query))
    }

    /// The first value of `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every value of `name`, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every value, in order.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(_, value)| value.as_str())
    }

    /// Whether `name` is there, with whatever value.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Names, each once, in order.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in &self.0 {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names
    }

    /// Names that are there more than once, in order, `resource` apart, which may be (RFC 8707, 2).
    pub fn repeated(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for (at, (name, _)) in self.0.iter().enumerate() {
            let again = self.0.iter().take(at).any(|(earlier, _)| earlier == name);
            if again && name != "resource" && !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names
    }
}

fn decode(text: &str) -> String {
    if !text.bytes().any(|octet| matches!(octet, b'+' | b'%')) {
        return text.to_owned();
    }
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_as_forms_do() {
        let params = Params::of_query("/a?x=1+2&x=%2B&y&resource=a&resource=b#x=9");
        assert_eq!(params.all("x").collect::<Vec<_>>(), ["1 2", "+"]);
        assert_eq!(params.get("y"), Some(""));
        assert!(!params.has("z"));
        assert_eq!(params.repeated(), ["x"]);
    }
}
