//! Finding a secret, or a part of one, in whatever form it was written down.

use std::collections::HashMap;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use url::form_urlencoded;

/// What is compared at once. A part of twice this length is found wherever it stands.
const WINDOW: usize = 12;

/// Secrets in all their forms, ready to be looked for.
#[derive(Default)]
pub(crate) struct Needles {
    windows: HashMap<[u8; WINDOW], String>,
    short: Vec<(String, Vec<u8>)>,
}

impl Needles {
    /// Adds a secret that is called `name`.
    pub(crate) fn add(&mut self, name: &str, secret: &str) {
        assert!(secret.len() >= 8, "{name} is no secret");
        for form in forms(secret) {
            if form.len() < 2 * WINDOW {
                self.short.push((name.to_owned(), form));
                continue;
            }
            for window in form.windows(WINDOW) {
                let window = <[u8; WINDOW]>::try_from(window).unwrap();
                self.windows.entry(window).or_insert_with(|| name.to_owned());
            }
        }
    }

    /// The name of a secret that is in `hay`, with what stands around it.
    pub(crate) fn find(&self, hay: &[u8]) -> Option<String> {
        // Every part of 2 × WINDOW - 1 bytes holds one of these whole.
        let blocks = hay.chunks_exact(WINDOW).enumerate();
        let long = blocks.filter_map(|(at, block)| Some((at * WINDOW, self.windows.get(block)?)));
        let short = self.short.iter().filter_map(|(name, form)| {
            let at = hay.windows(form.len()).position(|window| window == form);
            Some((at?, name))
        });
        let (at, name) = long.chain(short).next()?;
        let around = &hay[at.saturating_sub(60)..hay.len().min(at + 60)];
        Some(format!("{name}: …{}…", String::from_utf8_lossy(around)))
    }
}

/// A secret as it is, as forms and addresses write it, in base64 wherever it begins, and in hexadecimal.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![secret.as_bytes().to_vec()];
    forms.push(form_urlencoded::byte_serialize(secret.as_bytes()).collect::<String>().into_bytes());
    for before in 0..3 {
        let text = [&vec![0; before][..], secret.as_bytes()].concat();
        // The first and the last letters also depend on what stands around.
        let (skipped, kept) = ((before * 8).div_ceil(6), text.len() / 3 * 4);
        for encoded in [STANDARD_NO_PAD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
            forms.push(encoded.as_bytes()[skipped..kept].to_vec());
        }
    }
    forms.push(secret.bytes().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect());
    forms.sort_unstable();
    forms.dedup();
    forms
}
