//! The fleet's only randomness: hashes of its seed. Nothing here reads the
//! system's entropy, so the same seed and the same calls give the same fleet.

use serde::{Deserialize, Serialize};

/// One round of the SplitMix64 finaliser (Steele, Lea, Flood: "Fast splittable
/// pseudorandom number generators", 2014).
fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number in `0.0..1.0` that depends on nothing but its arguments. Noise is
/// drawn by name and instant rather than from a stream, so that a read, or one
/// more service, does not change what happens elsewhere.
pub(crate) fn noise(seed: u64, name: &str, at: i64) -> f64 {
    let mut hash = mix(seed ^ at.unsigned_abs());
    for byte in name.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit an f64 exactly")]
    let fraction = (mix(hash) >> 11) as f64 / (1_u64 << 53) as f64;
    fraction
}

/// A seeded source of identifiers: every call gives another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ids {
    seed: u64,
    drawn: u64,
}

impl Ids {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    fn next(&mut self) -> u64 {
        self.drawn = self.drawn.wrapping_add(1);
        mix(mix(self.seed).wrapping_add(self.drawn))
    }

    /// `digits` hexadecimal digits, as in the ids of tasks and target groups.
    pub(crate) fn hex(&mut self, digits: usize) -> String {
        let mut text = String::with_capacity(digits + 16);
        while text.len() < digits {
            text.push_str(&format!("{:016x}", self.next()));
        }
        text.truncate(digits);
        text
    }

    /// An identifier in the shape of a version 4 UUID.
    pub(crate) fn uuid(&mut self) -> String {
        let hex = self.hex(32);
        let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default().to_owned();
        format!(
            "{}-{}-4{}-a{}-{}",
            part(0, 8),
            part(8, 12),
            part(13, 16),
            part(17, 20),
            part(20, 32)
        )
    }

    /// `digits` decimal digits, as in the id of an ECS deployment.
    pub(crate) fn decimal(&mut self, digits: usize) -> String {
        let mut text = format!("{:020}", self.next());
        text = text.chars().rev().take(digits).collect();
        text
    }
}
