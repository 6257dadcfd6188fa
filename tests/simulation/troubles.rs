//! What goes wrong at Microsoft.

use domain::ids::EntraTenantId;
use fake_microsoft::{BadRow, Effect, FaultId, Match, Route, SyncStateLoss, TokenQuirk};

use crate::{
    dice::Dice,
    kinds::Trouble,
    life::{Life, number_of},
    step::Fault,
};

/// A fault that is set.
pub(crate) struct SetFault {
    id: FaultId,
    trouble: Trouble,
    tenant: Option<EntraTenantId>,
}

/// Wherever people are listed.
const LISTINGS: &[Route] = &[Route::Users, Route::UsersDelta];

impl Life {
    /// Sets a fault wherever it can strike.
    pub(crate) fn set(&self, fault: &Fault, dice: &mut Dice) -> Vec<SetFault> {
        let (routes, effect) = effect(fault.trouble, dice);
        let tenant = dice.pick(&self.house.tenants).filter(|_| dice.percent(50));
        let set = |route: &Route| {
            let matching = Match { tenant, ..Match::route(*route).from(fault.nth) };
            let id = self.house.microsoft.fake.faults().on(matching, effect.clone(), fault.times);
            SetFault { id, trouble: fault.trouble, tenant }
        };
        routes.iter().map(set).collect()
    }

    /// What went wrong at Microsoft, for the story.
    pub(crate) fn note_faults(&mut self, faults: &[SetFault]) -> Vec<String> {
        let mut troubles = Vec::new();
        for SetFault { id, trouble, tenant } in faults {
            let times = self.house.microsoft.fake.faults().fired(*id);
            if times == 0 {
                continue;
            }
            self.lied_to |=
                matches!(trouble, Trouble::ChangeLate | Trouble::CutListing | Trouble::EmptyAnswer);
            self.coverage.note(trouble.name());
            let at = tenant.map(|tenant| format!(" at tenant {}", number_of(&self.house, tenant)));
            troubles.push(format!("{} {times} times{}", trouble.name(), at.unwrap_or_default()));
        }
        troubles
    }
}

fn effect(trouble: Trouble, dice: &mut Dice) -> (&'static [Route], Effect) {
    const FEED: &[Route] = &[Route::UsersDelta];
    const GROUP: &[Route] = &[Route::GroupMembers];
    const PEOPLE: &[Route] = &[Route::Users];
    const TENANT: &[Route] = &[Route::Organization];
    const TOKEN: &[Route] = &[Route::Token];
    let wait = |seconds: &str| Some(seconds.to_owned());
    match trouble {
        Trouble::AccessLost => (LISTINGS, Effect::status(403)),
        Trouble::AppThrottled => (LISTINGS, Effect::ThrottleApplication { retry_after: wait("7") }),
        Trouble::BadRow => (LISTINGS, Effect::BadRow(BadRow::WrongTypes)),
        Trouble::ConsentMissing => (TOKEN, Effect::aadsts(65_001)),
        Trouble::ChangeLate => (FEED, Effect::DelayedChange),
        Trouble::ChangeRepeated => (FEED, Effect::RepeatedChange),
        Trouble::ChangesReplayed => (FEED, Effect::ReplayedChanges),
        Trouble::CutListing => (PEOPLE, Effect::CutListing),
        Trouble::Dropped => (LISTINGS, Effect::DropConnection),
        Trouble::EmptyAnswer => (PEOPLE, Effect::EmptyAnswer),
        Trouble::EmptyPage => (LISTINGS, Effect::EmptyPageWithNext),
        Trouble::ExpiredPage => (PEOPLE, Effect::ExpiredPage),
        Trouble::ForeignLink => (LISTINGS, Effect::ForeignNextLink("evil.example".to_owned())),
        Trouble::GatewayTimeout => (LISTINGS, Effect::plain_text(504, "Gateway Timeout")),
        Trouble::LinkLoop => (LISTINGS, Effect::NextLinkLoop),
        Trouble::GroupFails => (GROUP, Effect::status(500)),
        Trouble::LongThrottle => (LISTINGS, Effect::Throttle { retry_after: wait("300") }),
        Trouble::LostSyncState => {
            let loss = dice.pick(&SyncStateLoss::ALL).unwrap_or(SyncStateLoss::NotFound);
            (FEED, Effect::LostSyncState(loss))
        }
        Trouble::Malformed => (LISTINGS, Effect::Malformed),
        Trouble::NamelessRow => (LISTINGS, Effect::BadRow(BadRow::WithoutId)),
        Trouble::Reordered => (LISTINGS, Effect::ReorderedRows),
        Trouble::RepeatedRow => (LISTINGS, Effect::RepeatedRow),
        Trouble::ServerError => (LISTINGS, Effect::status(500)),
        Trouble::Slow => (LISTINGS, Effect::Delay(std::time::Duration::from_secs(40))),
        Trouble::Throttle => (LISTINGS, Effect::Throttle { retry_after: wait("3.5") }),
        Trouble::TokenExpires => (TOKEN, Effect::TokenQuirk(TokenQuirk::Lifetime(1))),
        Trouble::WrongTenant => (TENANT, Effect::WrongTenant),
    }
}
