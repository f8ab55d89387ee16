//! "Did you mean ...?"

/// The candidate that `given` was most likely meant to be, or nothing where none is close.
///
/// Close is a Damerau-Levenshtein distance of at most a third of the longer word, and at least one
/// edit is always forgiven. Case, `-` and `_` don't count, because mixing up naming styles is the
/// most common slip of all.
pub(crate) fn nearest<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Longer than any word of ours; comparing it would only cost time.
    if given.is_empty() || given.len() > 64 {
        return None;
    }
    let folded = fold(given);
    candidates
        .into_iter()
        .map(|candidate| {
            let other = fold(candidate);
            let allowed = (folded.chars().count().max(other.chars().count()) / 3).max(1);
            (strsim::damerau_levenshtein(&folded, &other), allowed, candidate)
        })
        .filter(|(distance, allowed, _)| distance <= allowed)
        .min_by_key(|(distance, _, _)| *distance)
        .map(|(_, _, candidate)| candidate)
}

fn fold(text: &str) -> String {
    text.chars()
        .filter(|c| !matches!(c, '-' | '_'))
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_find_their_word_and_strangers_do_not() {
        let words = ["pause", "weight", "healthCheck"];
        assert_eq!(nearest("puase", words), Some("pause"));
        assert_eq!(nearest("health_check", words), Some("healthCheck"));
        assert_eq!(nearest("weigth", words), Some("weight"));
        assert_eq!(nearest("colour", words), None);
        assert_eq!(nearest("", words), None);
    }

    #[test]
    fn a_third_of_the_longer_word_may_differ_and_one_edit_always() {
        assert_eq!(nearest("ab", ["cb"]), Some("cb"));
        assert_eq!(nearest("ab", ["cd"]), None);
        // Six letters: two edits. Five: one.
        assert_eq!(nearest("abcdef", ["abcdxy"]), Some("abcdxy"));
        assert_eq!(nearest("abcdef", ["abcxyz"]), None);
        assert_eq!(nearest("abcde", ["abcxy"]), None);
        // The longer of the two counts, whichever it is.
        assert_eq!(nearest("abcd", ["abcdef"]), Some("abcdef"));
        assert_eq!(nearest("abcdef", ["abcd"]), Some("abcd"));
    }

    #[test]
    fn the_nearest_of_several_wins_and_of_equals_the_first() {
        assert_eq!(nearest("weight", ["eight", "weight"]), Some("weight"));
        assert_eq!(nearest("paus", ["pauses", "pause"]), Some("pause"));
        assert_eq!(nearest("max", ["mix", "mac"]), Some("mix"));
    }

    #[test]
    fn words_of_up_to_sixty_four_bytes_are_compared() {
        let long = "x".repeat(64);
        let longer = "x".repeat(65);
        assert_eq!(nearest(&long, [long.as_str()]), Some(long.as_str()));
        assert_eq!(nearest(&longer, [longer.as_str()]), None);
    }
}
