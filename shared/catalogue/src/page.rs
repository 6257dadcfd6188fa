//! The catalogue as a page to read.

use crate::{Area, Entry};

const HEAD: &str = "\
# What the codes mean

Every failure has a stable code. Here is what each one means, what that means for contacts, and what to do.
An answer, a result or the command line says the same about one case, with names and numbers.
";

/// The whole catalogue in Markdown: a heading for each area, and below it one for each code.
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    for area in Area::ALL {
        page.extend(["\n## ", area.title(), "\n\n", area.introduction(), "\n"]);
        for entry in area.entries() {
            add(&mut page, entry);
        }
    }
    page
}

fn add(page: &mut String, entry: &Entry) {
    page.extend(["\n### `", entry.code, "`\n"]);
    for (what, text) in
        [("What happened", entry.cause), ("Contacts", entry.effect), ("Next step", entry.next)]
    {
        page.extend(["\n**", what, ":** ", text, "\n"]);
    }
}

#[cfg(test)]
mod tests {
    use std::{env, fs, path::Path};

    use super::*;
    use crate::entries;

    #[test]
    fn the_stored_page_is_the_newest() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("CODES.md");
        if env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&file, page()).unwrap();
        }
        assert!(fs::read_to_string(&file).unwrap() == page(), "UPDATE_GOLDEN=1 writes it anew");
    }

    #[test]
    fn the_page_has_every_area_and_every_code_with_its_texts() {
        let page = page();
        for area in Area::ALL {
            assert!(
                page.contains(&format!("\n## {}\n\n{}\n", area.title(), area.introduction())),
                "{area:?}"
            );
        }
        for entry in entries() {
            let heading = format!("\n### `{}`\n", entry.code);
            assert_eq!(page.matches(&heading).count(), 1, "{}", entry.code);
            for text in [entry.cause, entry.effect, entry.next] {
                assert!(page.contains(text), "{}: {text}", entry.code);
            }
        }
        assert!(page.starts_with("# ") && page.ends_with(".\n"));
    }
}
