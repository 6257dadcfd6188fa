//! Company names in a form whose likeness can be counted.

use crate::text::comparison_key;

/// Abbreviated legal forms that end a company's name and tell no two companies apart, as
/// [`comparison_key`] writes them. Written with full stops (`S.A.`, `L.L.C.`) they are found too.
const ABBREVIATED_FORMS: &[&str] = &[
    "ab", "ag", "aps", "as", "asa", "bhd", "bv", "bvba", "cc", "co", "company", "corp", "cv", "doo", "dooel",
    "ead", "eg", "ehf", "eirl", "eood", "fzco", "fze", "gbr", "gesmbh", "ggmbh", "gmbh", "gp", "hb", "hf",
    "inc", "jsc", "kb", "kft", "kg", "kgaa", "kk", "ks", "lda", "limitada", "limited", "llc", "llp", "lp",
    "ltd", "ltda", "mbh", "nv", "nyrt", "oao", "ohg", "ood", "ooo", "ou", "oy", "oyj", "pao", "plc", "pllc",
    "pte", "pty", "pvt", "sa", "sarl", "sas", "se", "sl", "srl", "sro", "uab", "ug", "zao", "зао", "оао",
    "ооо",
];

/// The forms in full, in several words, and those that are common words without their full stops
/// (`S.p.A.`, a spa).
const OTHER_FORMS: &[&str] = &[
    "aktiebolag",
    "corporation",
    "e v",
    "incorporated",
    "private limited",
    "s a de c v",
    "s p a",
    "sa de cv",
    "sp z o o",
    "sp z oo",
    "株式会社",
    "有限公司",
];

/// Most words in one legal form.
const LEGAL_FORM_WORDS_MAX: usize = 5;

/// `name` as two spellings of one company share it: folded by [`comparison_key`], without the legal
/// forms at its end. A name of nothing but legal forms keeps its first word.
pub fn company_key(name: &str) -> String {
    let key = comparison_key(name);
    let mut words: Vec<&str> = key.split(' ').collect();
    while let Some(count) = trailing_legal_form(&words) {
        words.truncate(words.len() - count);
    }
    words.join(" ")
}

/// How many words at the end are a legal form, leaving at least one word before it.
fn trailing_legal_form(words: &[&str]) -> Option<usize> {
    let most = LEGAL_FORM_WORDS_MAX.min(words.len().saturating_sub(1));
    (1..=most).rev().find(|count| {
        let end = &words[words.len() - count..];
        let spaced = end.join(" ");
        let is_lettered = end.iter().all(|word| word.chars().count() == 1);
        OTHER_FORMS.contains(&spaced.as_str())
            || ABBREVIATED_FORMS.contains(&if is_lettered { end.concat() } else { spaced }.as_str())
    })
}

/// Two neighbouring characters of a name, the blank between words included.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Gram(u64);

impl Gram {
    /// A NUL as second character stands for none: keys contain letters, digits and blanks only.
    fn new(first: char, second: char) -> Self {
        Self(u64::from(u32::from(first)) << 32 | u64::from(u32::from(second)))
    }
}

/// The set of grams of a [`company_key`], sorted. A key of one character is a set of one, an empty
/// key the empty set.
pub(super) fn grams(key: &str) -> Vec<Gram> {
    let mut grams: Vec<Gram> =
        key.chars().zip(key.chars().skip(1)).map(|(first, second)| Gram::new(first, second)).collect();
    if grams.is_empty() {
        grams.extend(key.chars().map(|only| Gram::new(only, '\0')));
    }
    grams.sort_unstable();
    grams.dedup();
    grams
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn legal_forms_are_removed_at_the_end_only() {
        for (name, expected) in [
            ("Contoso, Inc.", "contoso"),
            ("Contoso", "contoso"),
            ("Müller & Söhne GmbH & Co. KG", "muller sohne"),
            ("Smith & Co", "smith"),
            ("Fabrikam Pty Ltd", "fabrikam"),
            ("Ferreira S.A.", "ferreira"),
            ("Rossi S.r.l.", "rossi"),
            ("Rossi S.p.A.", "rossi"),
            ("Riverside Spa", "riverside spa"),
            ("Acme Private Limited", "acme"),
            ("Nowak Sp. z o.o.", "nowak"),
            ("Hansen A/S", "hansen"),
            ("Dupont S.à r.l.", "dupont"),
            ("Taller S.A. de C.V.", "taller"),
            ("Adatum L.L.C.", "adatum"),
            ("Ромашка ООО", "ромашка"),
            ("東京 株式会社", "東京"),
            ("Inc Magazine", "inc magazine"),
            ("SA Water", "sa water"),
            ("AB", "ab"),
            ("Co. Ltd.", "co"),
            ("Plan B", "plan b"),
            ("Incognito", "incognito"),
            ("", ""),
            ("???", ""),
        ] {
            assert_eq!(company_key(name), expected, "{name}");
        }
    }

    #[test]
    fn grams_are_a_set_of_neighbours_over_word_boundaries() {
        let gram = |text: &str| Gram::new(text.chars().next().unwrap(), text.chars().nth(1).unwrap());
        assert_eq!(grams("a b"), [gram(" b"), gram("a ")]);
        assert_eq!(grams("aaaa"), [gram("aa")]);
        assert_eq!(grams("a"), [gram("a\0")]);
        assert_eq!(grams(""), []);
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key(words in prop::collection::vec("[a-zé東о]{1,5}|inc|gmbh|co|s|a|p|z|o|sp|de|c|v", 0..6)) {
            let key = company_key(&words.join(" "));
            prop_assert_eq!(company_key(&key), key.clone());
            prop_assert_eq!(key.is_empty(), words.is_empty());
        }
    }
}
