//! A sign-in at the invented Microsoft that does not come back.

use crate::tool::{Ended, Folder};

/// The app is not registered for the address of somebody else's service, so the browser is shown a page and
/// is not sent back anywhere.
#[test]
fn a_sign_in_that_is_not_sent_back_connects_nothing() {
    let folder = Folder::new();
    folder.json(&["demo", "--tenants", "1", "--users", "5"]);
    let output = folder.command(&["connect"]).env("NEXT_PUBLIC_BASE_URL", "http://localhost:3999").output();
    let ended = Ended::from(output.unwrap()).failed_with("sign_in_failed");
    assert!(ended.stderr.contains("Start with a new data folder."), "{ended:#?}");
    // Under its own address the app is known.
    assert_eq!(folder.json(&["connect"])["status"], "connected");
}
