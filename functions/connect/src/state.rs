//! What travels through Microsoft and back: which sign-in this is.

use std::{fmt, str::FromStr};

use ambient::Entropy;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use domain::ids::WorkspaceId;
use sha2::{Digest, Sha256};

/// The settings page of the integration in the PSA.
pub const SETTINGS_PAGE_PATH: &str = "/msp/settings/integrations/entra";

/// The tabs of that page.
const TABS: [&str; 7] =
    ["overview", "schedule", "clients", "field-rules", "review-queue", "history", "connection"];

/// Random bytes of every unguessable value here: 256 bits, twice what RFC 6749 §10.10 asks for.
const RANDOM_BYTES: usize = 32;

/// Characters those bytes make.
const RANDOM_CHARACTERS: usize = 43;

const CHANGE_PARTNER: &str = "change-partner";

/// What a sign-in is for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Purpose {
    /// The account may belong to another partner tenant than the one connected before. All
    /// customers' attribution hangs on that tenant, so changing it is never an accident.
    pub change_partner: bool,
    /// Where the browser ends up.
    pub return_path: ReturnPath,
}

/// A place in the PSA that a sign-in may end on: the integration's settings page or one of its
/// tabs, nothing else.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ReturnPath {
    tab: Option<&'static str>,
}

/// A return path outside of the settings page.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the return path is not {SETTINGS_PAGE_PATH} or one of its tabs")]
pub struct InvalidReturnPath;

impl ReturnPath {
    /// The tab, when it is not the page itself.
    pub const fn tab(self) -> Option<&'static str> {
        self.tab
    }

    fn of_tab(name: &str) -> Option<Self> {
        TABS.into_iter().find(|tab| *tab == name).map(|tab| Self { tab: Some(tab) })
    }
}

impl FromStr for ReturnPath {
    type Err = InvalidReturnPath;

    fn from_str(text: &str) -> Result<Self, InvalidReturnPath> {
        match text.strip_prefix(SETTINGS_PAGE_PATH).ok_or(InvalidReturnPath)? {
            "" => Ok(Self::default()),
            query => query.strip_prefix("?tab=").and_then(Self::of_tab).ok_or(InvalidReturnPath),
        }
    }
}

/// The `state` parameter: `{workspace}.{random}`, followed by the purpose where it is not the
/// usual one.
///
/// It leads to the workspace whose sign-in it is, and proves nothing by itself: the sign-in is
/// kept under the hash of the whole text, so that whatever is changed in it leads nowhere.
#[derive(Clone, Eq, PartialEq)]
pub(crate) struct LoginState {
    pub(crate) workspace: WorkspaceId,
    pub(crate) purpose: Purpose,
    random: String,
}

impl LoginState {
    pub(crate) fn generate(workspace: WorkspaceId, purpose: Purpose, entropy: &dyn Entropy) -> Self {
        Self { workspace, purpose, random: random_text(entropy) }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let workspace = parts.next()?.parse().ok()?;
        let random = parts.next().filter(|random| is_random_text(random))?.to_owned();
        let mut parts = parts.peekable();
        let change_partner = parts.next_if_eq(&CHANGE_PARTNER).is_some();
        let return_path = match parts.next() {
            Some(tab) => ReturnPath::of_tab(tab)?,
            None => ReturnPath::default(),
        };
        let state = Self { workspace, purpose: Purpose { change_partner, return_path }, random };
        // An id may be written in several ways, and only one of them was given out.
        (parts.next().is_none() && state.to_string() == text).then_some(state)
    }

    /// What the sign-in is kept under.
    pub(crate) fn hash(&self) -> String {
        hash(&self.to_string())
    }
}

impl fmt::Display for LoginState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.workspace, self.random)?;
        if self.purpose.change_partner {
            write!(f, ".{CHANGE_PARTNER}")?;
        }
        self.purpose.return_path.tab.map_or(Ok(()), |tab| write!(f, ".{tab}"))
    }
}

impl fmt::Debug for LoginState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LoginState({})", self.workspace)
    }
}

/// Text nobody can guess.
pub(crate) fn random_text(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; RANDOM_BYTES];
    entropy.fill(&mut bytes);
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// What is kept of a value that only its owner may know.
pub(crate) fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

fn is_random_text(text: &str) -> bool {
    text.len() == RANDOM_CHARACTERS
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

#[cfg(test)]
mod tests {
    use ambient::SeededEntropy;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn return_paths_stay_on_the_settings_page() {
        for (text, tab) in [
            ("/msp/settings/integrations/entra", Ok(None)),
            ("/msp/settings/integrations/entra?tab=review-queue", Ok(Some("review-queue"))),
            ("/msp/settings/integrations/entra?tab=nowhere", Err(InvalidReturnPath)),
            ("/msp/settings/integrations/entra?tab=history&x=1", Err(InvalidReturnPath)),
            ("/msp/settings/integrations/entra/../../../evil", Err(InvalidReturnPath)),
            ("/msp/settings/integrations/entra.evil.example", Err(InvalidReturnPath)),
            ("//evil.example/msp/settings/integrations/entra", Err(InvalidReturnPath)),
            ("https://evil.example", Err(InvalidReturnPath)),
            ("", Err(InvalidReturnPath)),
        ] {
            assert_eq!(text.parse::<ReturnPath>().map(ReturnPath::tab), tab, "{text}");
        }
    }

    #[test]
    fn a_state_gives_its_workspace_and_purpose_back() {
        let workspace = WorkspaceId::new(Uuid::from_u128(7));
        let tabs = TABS.into_iter().map(Some).chain([None]);
        for (tab, change_partner) in tabs.flat_map(|tab| [(tab, false), (tab, true)]) {
            let purpose = Purpose { change_partner, return_path: ReturnPath { tab } };
            let state = LoginState::generate(workspace, purpose, &SeededEntropy::new(1));
            let text = state.to_string();
            assert_eq!(LoginState::parse(&text), Some(state.clone()), "{text}");
            assert!(!format!("{state:?}").contains(&state.random));
        }
    }

    #[test]
    fn what_is_no_state_is_refused() {
        let random = "r".repeat(RANDOM_CHARACTERS);
        let workspace = WorkspaceId::new(Uuid::from_u128(7));
        for text in [
            String::new(),
            workspace.to_string(),
            format!("{workspace}."),
            format!("{workspace}.short"),
            format!("{workspace}.{random}r"),
            format!("{workspace}.{}", random.replace('r', "/")),
            format!("{workspace}.{random}.nowhere"),
            format!("{workspace}.{random}.history.history"),
            format!("{workspace}.{random}.history.change-partner"),
            format!("{workspace}.{random}."),
            format!("workspace.{random}"),
            format!("{}.{random}", WorkspaceId::new(Uuid::from_u128(0xabc)).to_string().to_uppercase()),
            format!("{}.{random}", workspace.to_string().replace('-', "")),
            format!("{{{workspace}}}.{random}"),
        ] {
            assert_eq!(LoginState::parse(&text), None, "{text}");
        }
    }
}
