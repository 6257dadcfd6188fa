//! Every code of the catalogue is met in a test: what nobody can bring about is no code, and what nobody has
//! brought about is not known to be told.

use std::path::Path;

use tests::repository;

#[test]
fn every_code_of_the_catalogue_is_met_in_a_test() {
    let tests = sources();
    assert!(tests.len() > 100, "{}", tests.len());
    let is_met = |code: &str| {
        let forms = [format!("\"{code}\""), format!("[{code}]"), format!("\\\"{code}\\\"")];
        let variant = format!("::{}", in_camel_case(code));
        tests.iter().any(|text| forms.iter().any(|form| text.contains(form)) || names(text, &variant))
    };
    let not_met: Vec<&str> =
        catalogue::entries().map(|entry| entry.code).filter(|code| !is_met(code)).collect();
    assert!(not_met.is_empty(), "bring them about in a test, or take them out of the catalogue: {not_met:?}");
}

/// Whether `text` has `name` as a whole word.
fn names(text: &str, name: &str) -> bool {
    let ends = |rest: &str| !rest.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '_');
    text.match_indices(name).any(|(at, _)| ends(&text[at + name.len()..]))
}

/// The name of an error that has the code: `role_missing` is `RoleMissing`.
fn in_camel_case(code: &str) -> String {
    let mut name = String::new();
    for word in code.split('_') {
        let (first, rest) = word.split_at(1);
        name.push_str(&first.to_uppercase());
        name.push_str(rest);
    }
    name
}

/// The tests of the workspace but for this one and the catalogue's own: whole files, and modules of tests at
/// the ends of others.
fn sources() -> Vec<String> {
    let crates = ["functions", "shared", "tests"].map(repository::files).concat();
    let rust = crates.into_iter().filter(|file| Path::new(file).extension().is_some_and(|end| end == "rs"));
    let others =
        rust.filter(|file| !file.starts_with("shared/catalogue/") && file != "tests/matrix/codes.rs");
    others.filter_map(|file| tests_of(&file)).collect()
}

fn tests_of(file: &str) -> Option<String> {
    let text = repository::text(file);
    let is_test = file.contains("/tests/") || file.ends_with("/tests.rs") || file.starts_with("tests/");
    if is_test {
        return Some(text);
    }
    let begin = text.find("#[cfg(test)]")?;
    Some(text[begin..].to_owned())
}
