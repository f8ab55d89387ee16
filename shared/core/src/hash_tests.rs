use super::*;

/// Known answers of FIPS 180-2, appendix B, and of the empty text.
#[test]
fn known_answers_hold_in_lowercase_with_leading_zeros() {
    let answers = [
        (
            "",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ),
        (
            "abc",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ),
    ];
    for (text, hash) in answers {
        assert_eq!(sha256_hex(text.as_bytes()), hash, "`{text}`");
    }
}
