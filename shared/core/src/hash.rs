//! SHA-256 in hexadecimal.

use sha2::{Digest, Sha256};

/// The SHA-256 of `bytes`, in lowercase hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| {
        char::from(if nibble < 10 {
            b'0' + nibble
        } else {
            b'a' - 10 + nibble
        })
    };
    let digest = Sha256::digest(bytes);
    // Without formatting: journals and explored runs hash all the time.
    digest
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

#[cfg(test)]
#[path = "hash_tests.rs"]
mod tests;
