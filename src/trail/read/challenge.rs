//! `WWW-Authenticate`: challenges and their parameters (RFC 9110, 11.6.1; RFC 6750, 3; RFC 9728, 5.1).

/// One challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// Scheme, lower case.
    pub scheme: String,
    /// Parameters in order, names in lower case.
    pub params: Vec<(String, String)>,
}

impl Challenge {
    /// The first value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Names of parameters that are there more than once.
    pub fn repeated(&self) -> impl Iterator<Item = &str> {
        let again = |at: usize, name: &String| self.params.iter().take(at).any(|(earlier, _)| earlier == name);
        self.params
            .iter()
            .enumerate()
            .filter(move |(at, (name, _))| again(*at, name))
            .map(|(_, (name, _))| name.as_str())
    }
}

/// The first piece of a field value that is no part of a challenge: neither scheme, parameter nor token68
/// (RFC 9110, 11.6.1).
pub fn stray(value: &str) -> Option<&str> {
    let mut has_scheme = false;
    for item in split_items(value).into_iter().map(str::trim).filter(|item| !item.is_empty()) {
        if is_parameter(item) {
            if !has_scheme {
                return Some(item);
            }
            continue;
        }
        let (scheme, rest) = item.split_once([' ', '\t']).unwrap_or((item, ""));
        let rest = rest.trim();
        if !is_token(scheme) || !(rest.is_empty() || is_parameter(rest) || is_token68(rest)) {
            return Some(item);
        }
        has_scheme = true;
    }
    None
}

/// `token BWS "=" BWS ( token / quoted-string )`.
fn is_parameter(text: &str) -> bool {
    let Some((name, value)) = text.split_once('=') else { return false };
    let value = value.trim_start();
    is_token(name.trim_end()) && (is_token(value) || is_quoted(value))
}

fn is_quoted(text: &str) -> bool {
    let Some(inner) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return false };
    let mut escaped = false;
    for octet in inner.bytes() {
        match octet {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return false,
            _ => {}
        }
    }
    !escaped
}

/// RFC 9110, 5.6.2.
fn is_token(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(allowed)
}

fn is_token68(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    !body.is_empty() && body.bytes().all(allowed)
}

/// Reads every challenge of one field value. What is malformed is passed over up to the next comma.
pub fn parse(value: &str) -> Vec<Challenge> {
    let mut challenges: Vec<Challenge> = Vec::new();
    for item in split_items(value) {
        let item = item.trim();
        let (head, rest) = match item.find([' ', '\t', '=']) {
            Some(at) => item.split_at(at),
            None => (item, ""),
        };
        if head.is_empty() {
            continue;
        }
        if let Some(parameter) = rest.trim_start().strip_prefix('=') {
            // A parameter of the challenge before it.
            if let Some(challenge) = challenges.last_mut() {
                challenge.params.push((head.trim().to_ascii_lowercase(), unquote(parameter.trim())));
            }
            continue;
        }
        let mut challenge = Challenge { scheme: head.to_ascii_lowercase(), params: Vec::new() };
        if let Some((name, parameter)) = rest.trim().split_once('=') {
            challenge.params.push((name.trim().to_ascii_lowercase(), unquote(parameter.trim())));
        }
        challenges.push(challenge);
    }
    challenges
}

/// Splits at commas outside quoted strings.
fn split_items(value: &str) -> Vec<&str> {
    let mut items = Vec::new();
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    for (at, octet) in value.bytes().enumerate() {
        match octet {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                items.push(value.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
    }
    items.push(value.get(start..).unwrap_or_default());
    items
}

/// The content of a quoted string, or the token itself.
fn unquote(text: &str) -> String {
    let Some(inner) = text.strip_prefix('"') else { return text.to_owned() };
    let mut plain = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => plain.extend(chars.next()),
            c => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_challenges_in_one_field() {
        let found =
            parse(r#"Basic realm="a, b", Bearer error="invalid_token", scope="x y" ,DPoP algs="ES256", Negotiate"#);
        let shape: Vec<_> = found.iter().map(|c| (c.scheme.as_str(), c.params.len())).collect();
        assert_eq!(shape, [("basic", 1), ("bearer", 2), ("dpop", 1), ("negotiate", 0)]);
        assert_eq!(found[0].get("realm"), Some("a, b"));
        assert_eq!(found[1].get("scope"), Some("x y"));
    }

    #[test]
    fn malformed_values_do_not_panic() {
        for value in ["", ",", "=", "Bearer =", "Bearer x=\"", "Bearer x=\"\\", "\u{e9}=1, Bearer"] {
            let _ = parse(value);
        }
        assert_eq!(parse("Bearer resource_metadata=https://a/b=c")[0].get("resource_metadata"), Some("https://a/b=c"));
    }

    #[test]
    fn strays_and_repetitions() {
        let fine = [
            r#"Bearer realm="a, b", error=invalid_token"#,
            "Negotiate abc==",
            "Basic, Bearer",
            r#"Bearer scope = "x \" y" , error="e""#,
            "",
        ];
        for value in fine {
            assert_eq!(stray(value), None, "{value}");
        }
        let broken = [
            ("Bearer resource_metadata=https://a/b", "Bearer resource_metadata=https://a/b"),
            (r#"Bearer error="a" scope="b""#, r#"Bearer error="a" scope="b""#),
            (r#"error="invalid_token""#, r#"error="invalid_token""#),
            (r#"Bearer realm="x", scope=a b"#, "scope=a b"),
        ];
        for (value, expected) in broken {
            assert_eq!(stray(value), Some(expected), "{value}");
        }
        let repeated = parse(r#"Bearer scope="a", SCOPE="b", error="e", DPoP scope="c""#);
        let repeated: Vec<&str> = repeated.iter().flat_map(Challenge::repeated).collect();
        assert_eq!(repeated, ["scope"]);
    }
}
