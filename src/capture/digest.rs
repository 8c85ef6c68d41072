//! What tells one recording from another.

/// Recordings up to this size are read whole for it.
const WHOLE: usize = 16 << 20;
/// What is read of both ends of longer ones, and of each stretch of that size between them.
const STRETCH: usize = 4 << 20;
const BLOCK: usize = 64 << 10;

/// BLAKE3 of a recording, as it is stored.
///
/// Of one that is longer than 16 MiB, of its length, its first and its last 4 MiB, and 64 KiB of each 4 MiB between them:
/// to read it whole would cost more than to find what is in it. Who needs to know that no octet was changed asks for
/// SHA-256.
pub fn digest(stored: &[u8]) -> [u8; 32] {
    if stored.len() <= WHOLE {
        return *blake3::hash(stored).as_bytes();
    }
    let mut hasher = blake3::Hasher::new_derive_key("authtrail 2026 digest of a long recording");
    hasher.update(&(stored.len() as u64).to_le_bytes());
    let (first, rest) = stored.split_at(STRETCH);
    let (rest, last) = rest.split_at(rest.len() - STRETCH);
    hasher.update(first);
    for blocks in rest.chunks(STRETCH) {
        hasher.update(blocks.get(..BLOCK).unwrap_or(blocks));
    }
    hasher.update(last);
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_appended_or_cut_off_tells() {
        let mut content = vec![0; WHOLE];
        let digest_of_whole = digest(&content);
        assert_eq!(digest_of_whole, *blake3::hash(&content).as_bytes());
        content.push(0);
        let longer = digest(&content);
        assert_ne!(longer, digest_of_whole);
        for at in [0, STRETCH, STRETCH * 2, WHOLE] {
            content[at] = 1;
            assert_ne!(digest(&content), longer, "{at}");
            content[at] = 0;
        }
    }
}
