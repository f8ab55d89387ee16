//! The Mann-Whitney U test: does one set of samples tend to be larger than another?
//!
//! Source: H. B. Mann and D. R. Whitney, "On a test of whether one of two random variables is
//! stochastically larger than the other", Annals of Mathematical Statistics 18 (1947), 50-60. The
//! variance with ties is the usual correction, as in E. L. Lehmann, "Nonparametrics: Statistical
//! Methods Based on Ranks" (1975), section 1.4:
//!
//! ```text
//! var(U) = n m / 12 * (N + 1 - sum(t^3 - t) / (N (N - 1))),  N = n + m, t the size of each tie
//! ```

/// The exact distribution is used up to this many samples on each side (the largest of the published
/// tables of critical values), the normal approximation above it.
const EXACT_UP_TO: usize = 20;

/// More samples than this on one side are refused: it is more than a week of minutes.
const MAX_SAMPLES: usize = 20_000;

/// The result of the test of samples `a` against samples `b`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MannWhitney {
    /// Pairs in which the sample of `a` is the larger one, ties counted as half.
    pub u: f64,
    /// `u` in standard deviations from its mean, with ties corrected and, towards the mean, half a
    /// step of continuity correction.
    pub z: f64,
    /// Probability of a `u` this large or larger if both came from one distribution: small means that
    /// `a` is larger.
    pub p_one_sided_greater: f64,
}

/// Tests whether `a` tends to be larger than `b`. `None` where either is empty, holds a NaN, or is
/// unreasonably long. If all samples are equal, `p` is 1.
pub fn mann_whitney(a: &[f64], b: &[f64]) -> Option<MannWhitney> {
    let usable = |side: &[f64]| (1..=MAX_SAMPLES).contains(&side.len()) && !side.iter().any(|x| x.is_nan());
    if !usable(a) || !usable(b) {
        return None;
    }
    let ranked = rank(a, b);
    let (n, m) = (count(a.len())?, count(b.len())?);
    let u = ranked.rank_sum_a - n * (n + 1.0) / 2.0;
    let z = z_score(u, n, m, ranked.tie_term);
    let small = a.len() <= EXACT_UP_TO && b.len() <= EXACT_UP_TO;
    let p = if small && ranked.tie_term == 0.0 {
        exact_p(a.len(), b.len(), u)
    } else {
        z.map_or(1.0, |z| upper_tail(z).clamp(0.0, 1.0))
    };
    Some(MannWhitney {
        u,
        z: z.unwrap_or(0.0),
        p_one_sided_greater: p,
    })
}

fn count(length: usize) -> Option<f64> {
    u32::try_from(length).ok().map(f64::from)
}

struct Ranked {
    /// Sum of the ranks of `a`, ties sharing the mean of theirs.
    rank_sum_a: f64,
    /// Sum of `t^3 - t` over all ties.
    tie_term: f64,
}

fn rank(a: &[f64], b: &[f64]) -> Ranked {
    let mut all: Vec<(f64, bool)> = a
        .iter()
        .map(|x| (*x, true))
        .chain(b.iter().map(|x| (*x, false)))
        .collect();
    all.sort_by(|(x, _), (y, _)| x.total_cmp(y));
    let mut ranked = Ranked {
        rank_sum_a: 0.0,
        tie_term: 0.0,
    };
    let mut before = 0.0;
    // Equality, not total order, decides a tie: -0 and 0 are the same measurement.
    for tied in all.chunk_by(|(x, _), (y, _)| x == y) {
        let size = tied.iter().fold(0.0, |size, _| size + 1.0);
        let of_a = tied
            .iter()
            .fold(0.0, |sum, (_, is_a)| if *is_a { sum + 1.0 } else { sum });
        ranked.rank_sum_a += of_a * (before + (size + 1.0) / 2.0);
        ranked.tie_term += size * size * size - size;
        before += size;
    }
    ranked
}

/// `None` where all samples are equal: then nothing varies.
fn z_score(u: f64, n: f64, m: f64, tie_term: f64) -> Option<f64> {
    let total = n + m;
    let variance = n * m / 12.0 * (total + 1.0 - tie_term / (total * (total - 1.0)));
    // Rounding leaves a little where the exact result is 0.
    (variance > 1e-9 * n * m).then(|| (u - n * m / 2.0 - 0.5) / variance.sqrt())
}

/// `P(Z >= z)` of the standard normal distribution.
fn upper_tail(z: f64) -> f64 {
    0.5 * libm::erfc(z / std::f64::consts::SQRT_2)
}

/// `P(U >= u)`, by counting the arrangements of each `u`. Their generating function is the Gaussian
/// binomial coefficient, the product of `(1 - q^(m+i)) / (1 - q^i)` for `i` from 1 to `n`.
fn exact_p(n: usize, m: usize, u: f64) -> f64 {
    let mut ways = vec![0_i64; n * m + 1];
    if let Some(first) = ways.first_mut() {
        *first = 1;
    }
    for i in 1..=n {
        multiply(&mut ways, m + i);
        divide(&mut ways, i);
    }
    let (mut above, mut all, mut value) = (0.0, 0.0, 0.0);
    for arrangements in ways {
        // At most C(40, 20), about 1.4e11: exact as a float.
        let arrangements = arrangements as f64;
        all += arrangements;
        if value >= u {
            above += arrangements;
        }
        value += 1.0;
    }
    above / all
}

/// Multiplies the series by `1 - q^power`.
fn multiply(series: &mut [i64], power: usize) {
    for at in (power..series.len()).rev() {
        series[at] -= series[at - power];
    }
}

/// Divides the series by `1 - q^power`.
fn divide(series: &mut [i64], power: usize) {
    for at in power..series.len() {
        series[at] += series[at - power];
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(a: f64, b: f64, within: f64) -> bool {
        (a - b).abs() <= within
    }

    #[test]
    fn scipys_documented_example() {
        // scipy.stats.mannwhitneyu: U1 = 17, exact two-sided p = 0.1111..., and with the asymptotic
        // method and continuity correction p = 0.11134688653314041.
        let males = [19.0, 22.0, 16.0, 29.0, 24.0];
        let females = [20.0, 11.0, 17.0, 12.0];
        let result = mann_whitney(&males, &females).unwrap();
        assert_eq!(result.u, 17.0);
        assert!(close(
            result.p_one_sided_greater,
            0.111_111_111_111_111_1 / 2.0,
            1e-15
        ));
        assert!(close(upper_tail(result.z), 0.111_346_886_533_140_41 / 2.0, 1e-12));
    }

    #[test]
    fn critical_values_of_the_published_table() {
        // Critical values of U, one-sided 0.05 (equivalently two-sided 0.10): a result is significant
        // where the smaller U is at most this.
        let table = [
            (5, 5, 4),
            (6, 6, 7),
            (7, 7, 11),
            (8, 8, 15),
            (10, 10, 27),
            (15, 15, 72),
            (20, 20, 138),
        ];
        for (n, m, critical) in table {
            let largest = f64::from(u32::try_from(n * m).unwrap());
            let at = exact_p(n, m, largest - f64::from(critical));
            let next = exact_p(n, m, largest - f64::from(critical + 1));
            assert!(at <= 0.05 && next > 0.05, "{n} {m} {critical}: {at} {next}");
        }
    }

    #[test]
    fn equal_samples_are_never_worse() {
        for n in [1, 5, 30] {
            let result = mann_whitney(&vec![3.0; n], &vec![3.0; n]).unwrap();
            assert_eq!(result.p_one_sided_greater, 1.0);
        }
    }

    #[test]
    fn nothing_and_not_a_number_have_no_result() {
        assert_eq!(mann_whitney(&[], &[1.0]), None);
        assert_eq!(mann_whitney(&[1.0], &[]), None);
        assert_eq!(mann_whitney(&[f64::NAN], &[1.0]), None);
    }

    #[test]
    fn ties_use_the_corrected_variance() {
        // By hand: a = {1,2,2}, b = {2,3}: U = 0 + 0.5*2 = 1, tie of 3: t^3-t = 24, N = 5,
        // var = 6/12 * (6 - 24/20) = 2.4, z = (1 - 3 - 0.5)/sqrt(2.4).
        let result = mann_whitney(&[1.0, 2.0, 2.0], &[2.0, 3.0]).unwrap();
        assert_eq!(result.u, 1.0);
        assert!(close(result.z, -2.5 / 2.4_f64.sqrt(), 1e-12));
    }

    #[test]
    fn scipys_results_with_ties_and_with_many_samples() {
        // scipy 1.x: mannwhitneyu(a, b, alternative="greater", method="asymptotic").
        let a = [12.1, 13.5, 13.5, 15.0, 18.2, 19.9, 20.0];
        let b = [11.0, 12.1, 12.9, 13.5, 14.1, 14.4];
        let few = mann_whitney(&a, &b).unwrap();
        assert_eq!(few.u, 32.5);
        assert!(close(few.p_one_sided_greater, 0.056_786_691_108_861_65, 1e-12));

        let a: Vec<f64> = (0..25).map(|i| 3.1 * f64::from(i) % 17.0 + 0.3).collect();
        let b: Vec<f64> = (0..30).map(|i| 2.7 * f64::from(i) % 13.0).collect();
        let many = mann_whitney(&a, &b).unwrap();
        assert_eq!(many.u, 431.5);
        assert!(close(many.p_one_sided_greater, 0.171_915_207_247_922_3, 1e-12));
    }

    /// So many different samples, one apart.
    fn rising(count: u32, from: f64) -> Vec<f64> {
        (0..count).map(|i| f64::from(i) + from).collect()
    }

    #[test]
    fn the_exact_distribution_is_used_up_to_twenty_samples_on_both_sides() {
        for (n, m, exact) in [
            (20, 20, true),
            (21, 20, false),
            (20, 21, false),
            (21, 1, false),
            (1, 21, false),
            (1, 20, true),
        ] {
            // Between those of the other: no ties.
            let (a, b) = (rising(n, 0.5), rising(m, 3.0));
            let result = mann_whitney(&a, &b).unwrap();
            let by_count = exact_p(a.len(), b.len(), result.u);
            let by_tail = upper_tail(result.z);
            assert!(!close(by_count, by_tail, 1e-9), "{n} {m}: nothing to tell apart");
            let expected = if exact { by_count } else { by_tail };
            assert_eq!(result.p_one_sided_greater, expected, "{n} {m}");
        }
    }

    #[test]
    fn samples_beyond_a_week_of_minutes_are_refused() {
        let most = vec![1.0; MAX_SAMPLES];
        let more = vec![1.0; MAX_SAMPLES + 1];
        assert!(mann_whitney(&most, &most).is_some());
        assert_eq!(mann_whitney(&more, &[1.0]), None);
        assert_eq!(mann_whitney(&[1.0], &more), None);
    }

    #[test]
    fn one_sample_that_differs_is_enough_to_vary() {
        // By hand: 31 of 32 are equal, t^3-t = 29760, var = 60/12 * (33 - 29760/992) = 15;
        // U = 30 + 0.5*30 = 45, z = (45 - 30 - 0.5)/sqrt(15).
        let result = mann_whitney(&[1.0, 2.0], &[1.0; 30]).unwrap();
        assert_eq!(result.u, 45.0);
        assert!(close(result.z, 14.5 / 15.0_f64.sqrt(), 1e-12));
        assert_eq!(result.p_one_sided_greater, upper_tail(result.z));
    }

    #[test]
    fn samples_that_do_not_vary_are_at_the_mean() {
        for (n, m) in [(1, 1), (1, 30), (30, 1), (7, 11), (20_000, 19_999)] {
            let result = mann_whitney(&vec![0.1; n], &vec![0.1; m]).unwrap();
            assert_eq!((result.z, result.p_one_sided_greater), (0.0, 1.0), "{n} {m}");
        }
    }

    /// `P(U >= u)` by trying every choice of which ranks belong to `a`.
    fn brute_force(n: usize, m: usize, u: f64) -> f64 {
        let (mut above, mut all) = (0.0, 0.0);
        for choice in 0_u32..1 << (n + m) {
            if choice.count_ones() as usize != n {
                continue;
            }
            let pairs = (0..n + m)
                .filter(|i| choice >> i & 1 == 1)
                .map(|i| (0..i).filter(|j| choice >> j & 1 == 0).count())
                .sum::<usize>();
            all += 1.0;
            if f64::from(u32::try_from(pairs).unwrap()) >= u {
                above += 1.0;
            }
        }
        above / all
    }

    #[test]
    fn the_exact_distribution_is_what_enumeration_gives() {
        for n in 1..=6 {
            for m in 1..=6 {
                for u in 0..=n * m {
                    let u = f64::from(u32::try_from(u).unwrap());
                    assert!(
                        close(exact_p(n, m, u), brute_force(n, m, u), 1e-12),
                        "{n} {m} {u}"
                    );
                }
            }
        }
    }

    proptest! {
        #[test]
        fn both_directions_share_all_pairs(
            a in proptest::collection::vec(0_u8..20, 1..30),
            b in proptest::collection::vec(0_u8..20, 1..30),
        ) {
            let a: Vec<f64> = a.into_iter().map(f64::from).collect();
            let b: Vec<f64> = b.into_iter().map(f64::from).collect();
            let (ab, ba) = (mann_whitney(&a, &b).unwrap(), mann_whitney(&b, &a).unwrap());
            prop_assert!(close(ab.u + ba.u, count(a.len()).unwrap() * count(b.len()).unwrap(), 1e-9));
            prop_assert!((0.0..=1.0).contains(&ab.p_one_sided_greater));
            let pairs: f64 = a.iter().flat_map(|x| b.iter().map(move |y| {
                if x > y { 1.0 } else if x == y { 0.5 } else { 0.0 }
            })).sum();
            prop_assert!(close(ab.u, pairs, 1e-9));
        }
    }
}
