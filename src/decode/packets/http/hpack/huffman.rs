//! Huffman code of header compression (RFC 7541, 5.2 and appendix B).
//!
//! The code is canonical: the lengths say everything.

/// The length of each code; the last one is the end of string.
#[rustfmt::skip]
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];

/// Bits of the longest code.
const LONGEST: usize = 30;

/// Symbols in the order of their codes, and for each length the first code and where its symbols begin.
struct Code {
    symbols: [u16; 257],
    first: [u32; LONGEST + 2],
    offset: [u16; LONGEST + 2],
}

const CODE: Code = canonical();

const fn canonical() -> Code {
    let mut code = Code { symbols: [0; 257], first: [0; LONGEST + 2], offset: [0; LONGEST + 2] };
    let (mut next, mut count, mut length) = (0u32, 0u16, 1);
    while length <= LONGEST {
        next <<= 1;
        code.first[length] = next;
        code.offset[length] = count;
        let mut symbol = 0;
        while symbol < 257 {
            if LENGTHS[symbol] as usize == length {
                code.symbols[count as usize] = symbol as u16;
                count += 1;
                next += 1;
            }
            symbol += 1;
        }
        length += 1;
    }
    code.first[LONGEST + 1] = next << 1;
    code.offset[LONGEST + 1] = count;
    code
}

/// Decodes a string; `None` where it is no such code.
pub(super) fn decode(input: &[u8]) -> Option<Vec<u8>> {
    // The shortest code has five bits.
    let mut out = Vec::with_capacity(input.len() * 8 / 5);
    let (mut bits, mut count) = (0u64, 0usize);
    let mut rest = input.iter();
    loop {
        while count <= 56
            && let Some(octet) = rest.next()
        {
            bits |= u64::from(*octet) << (56 - count);
            count += 8;
        }
        let Some((symbol, length)) = symbol(bits).filter(|(_, length)| *length <= count) else { break };
        out.push(symbol);
        bits <<= length;
        count -= length;
    }
    // RFC 7541, 5.2: padding is fewer than eight bits, all of them set.
    let padding = !0u64 << (64 - count.clamp(1, 63));
    (count == 0 || count < 8 && bits & padding == padding).then_some(out)
}

/// The symbol whose code begins `bits`, and the length of its code; `None` for the end of string.
fn symbol(bits: u64) -> Option<(u8, usize)> {
    for length in 5..=LONGEST {
        let code = (bits >> (64 - length)) as u32;
        let (first, offset) = (*CODE.first.get(length)?, *CODE.offset.get(length)?);
        let symbols = CODE.offset.get(length + 1)? - offset;
        if let Some(index) = code.checked_sub(first)
            && index < u32::from(symbols)
        {
            let symbol = CODE.symbols.get(usize::from(offset) + index as usize)?;
            return u8::try_from(*symbol).ok().map(|symbol| (symbol, length));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_of_the_specification() {
        // RFC 7541, C.4.1 and C.6.1.
        let text = decode(&[0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff]);
        assert_eq!(text.as_deref(), Some(&b"www.example.com"[..]));
        assert_eq!(decode(&[0x64, 0x02]).as_deref(), Some(&b"302"[..]));
        assert_eq!(decode(&[]).as_deref(), Some(&b""[..]));
    }

    #[test]
    fn what_is_no_code() {
        // RFC 7541, 5.2: longer padding, padding that is not all ones, an end of string.
        assert_eq!(decode(&[0xff]), None);
        assert_eq!(decode(&[0x64, 0x02, 0xff]), None);
        assert_eq!(decode(&[0x00, 0x00]), None);
        assert_eq!(decode(&[0xff, 0xff, 0xff, 0xff]), None);
    }
}
