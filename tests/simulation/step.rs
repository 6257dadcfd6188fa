//! What a history is made of. A step says what is done; to whom is decided by its dice when it is
//! done, so that a step means something whatever the steps before it were.

use crate::dice::Dice;

/// Makes an enumeration whose variants have a name for the story and the coverage table.
macro_rules! kinds {
    ($(#[$doc:meta])* $kind:ident { $($variant:ident = $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub(crate) enum $kind { $($variant,)* }

        impl $kind {
            pub(crate) const ALL: &[Self] = &[$(Self::$variant,)*];

            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

kinds! {
    /// What changes in a directory.
    DirectoryEdit {
        AddAlias = "directory: an alias that is somebody else's address",
        BecomeGuest = "directory: a member becomes a guest",
        Delete = "directory: an account is deleted",
        Disable = "directory: an account is disabled",
        Enable = "directory: an account is enabled again",
        Hire = "directory: a new colleague",
        HireAsLeaver = "directory: a new colleague with a leaver's address",
        LoseMail = "directory: an account loses its mailbox",
        NewAddress = "directory: a new address",
        NewJob = "directory: a new job title and phone",
        OtherCase = "directory: the same address in other letters",
        Recreate = "directory: an account is created again",
        Rename = "directory: a new name",
        Restore = "directory: a deleted account is restored",
        ShareMailbox = "directory: two accounts share a mailbox",
        Swap = "directory: two people swap addresses",
    }
}

kinds! {
    /// What humans do to contacts.
    ContactEdit {
        Activate = "human: makes a contact active",
        AddAddress = "human: gives a contact one more address",
        Create = "human: creates a contact",
        Inactivate = "human: makes a contact inactive",
        NewAddress = "human: changes an address",
        Rename = "human: changes a name",
        Role = "human: changes a role",
        TakeAddress = "human: gives a contact a directory user's address",
        WithoutAddress = "human: removes an address",
    }
}

kinds! {
    /// What operators do besides.
    Operation {
        GrantConsent = "operator: a customer consents again",
        Remap = "operator: maps a tenant to another client",
        Settings = "operator: changes the settings",
        Skip = "operator: takes a tenant out of the sync",
        WithdrawConsent = "operator: a customer withdraws its consent",
    }
}

kinds! {
    /// Where the time goes.
    Jump {
        Back = "time: two minutes back",
        Days = "time: days pass",
        Hours = "time: hours pass",
    }
}

kinds! {
    /// What a run covers.
    Scope {
        Everything = "sync: everything",
        OneClient = "sync: one client",
    }
}

kinds! {
    /// What Microsoft does wrong.
    Trouble {
        AccessLost = "microsoft: 403",
        AppThrottled = "microsoft: 429 for the whole application",
        BadRow = "microsoft: a row of wrong types",
        ConsentMissing = "microsoft: a token is refused",
        CutListing = "microsoft: a short read that looks complete",
        Dropped = "microsoft: a dropped connection",
        EmptyAnswer = "microsoft: an empty read that looks complete",
        EmptyPage = "microsoft: an empty page in between",
        ExpiredPage = "microsoft: a page token expired",
        ForeignLink = "microsoft: a link to another host",
        GatewayTimeout = "microsoft: 504",
        LinkLoop = "microsoft: a link to the same page",
        LongThrottle = "microsoft: 429 with a long Retry-After",
        Malformed = "microsoft: half a JSON document",
        NamelessRow = "microsoft: a row without an id",
        RepeatedRow = "microsoft: a row twice",
        ServerError = "microsoft: 500",
        Slow = "microsoft: answers slowly",
        Throttle = "microsoft: 429 with Retry-After",
        TokenExpires = "microsoft: a token expires on the way",
        WrongTenant = "microsoft: another tenant answers",
    }
}

kinds! {
    /// What happens while a worker sleeps.
    Meanwhile {
        AnotherSync = "meanwhile: another run syncs",
        AnotherWorker = "meanwhile: another worker takes the run over",
        Cancel = "meanwhile: the run is cancelled",
        DirectoryEdit = "meanwhile: a directory changes",
        HumanEdit = "meanwhile: a human edits a contact",
        Preview = "meanwhile: a preview runs",
        Remap = "meanwhile: a tenant is remapped",
        Settings = "meanwhile: the settings change",
    }
}

kinds! {
    /// What happens to a worker at one of its writes.
    Mishap {
        ArrivesTwice = "store: a write arrives twice",
        ClockJumps = "store: the clock jumps two hours at a write",
        ClockJumpsBack = "store: the clock jumps back at a write",
        DiesAfter = "store: a worker dies after a write",
        DiesBefore = "store: a worker dies before a write",
        DiesForGood = "store: a worker dies and nobody takes over",
        FailsOnce = "store: a write fails",
        Interleaves = "store: two workers take turns",
        LosesAnswer = "store: the answer to a write is lost",
        None = "store: nothing happens",
        Sleeps = "store: a worker sleeps past its lease",
    }
}

/// One thing that goes wrong at Microsoft during a run.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) trouble: Trouble,
    /// At which of the requests that fit.
    pub(crate) nth: u32,
    /// How often; more often than any retry, at times.
    pub(crate) times: u32,
}

/// One sync, and what goes wrong with it.
#[derive(Clone, Debug)]
pub(crate) struct SyncStep {
    pub(crate) scope: Scope,
    pub(crate) faults: Vec<Fault>,
    pub(crate) mishap: Mishap,
    /// At which write.
    pub(crate) write: u64,
    pub(crate) meanwhile: Meanwhile,
}

/// What is done.
#[derive(Clone, Debug)]
pub(crate) enum What {
    Contact(ContactEdit),
    Directory(DirectoryEdit),
    Operation(Operation),
    /// A preview, and the sync it promises.
    Preview,
    /// Syncs until nothing changes any more.
    Settle,
    Sync(SyncStep),
    Time(Jump),
}

impl What {
    pub(crate) const PREVIEW: &str = "sync: a preview and the sync it promises";
    pub(crate) const SETTLE: &str = "sync: until nothing changes any more";

    /// The name under which it is counted.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Contact(edit) => edit.name(),
            Self::Directory(edit) => edit.name(),
            Self::Operation(operation) => operation.name(),
            Self::Preview => Self::PREVIEW,
            Self::Settle => Self::SETTLE,
            Self::Sync(sync) => sync.scope.name(),
            Self::Time(jump) => jump.name(),
        }
    }
}

/// One step of a history.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) what: What,
    /// Decides everything the step leaves open.
    pub(crate) seed: u64,
}

/// A small world and what happens in it.
#[derive(Clone, Debug)]
pub(crate) struct History {
    pub(crate) seed: u64,
    pub(crate) steps: Vec<Step>,
}

impl History {
    /// The history of a seed.
    pub(crate) fn of(seed: u64) -> Self {
        let mut dice = Dice::of(seed ^ 0x57e9_5000_0000_0000);
        let length = 4 + dice.below(9);
        let steps = (0..length).map(|_| Step { what: what(&mut dice), seed: dice.next() }).collect();
        Self { seed, steps }
    }
}

fn what(dice: &mut Dice) -> What {
    #[derive(Clone)]
    enum Kind {
        Contact,
        Directory,
        Operation,
        Preview,
        Settle,
        Sync,
        Time,
    }
    let kind = dice.weighted(&[
        (35, Kind::Sync),
        (28, Kind::Directory),
        (14, Kind::Contact),
        (8, Kind::Operation),
        (6, Kind::Preview),
        (4, Kind::Settle),
        (5, Kind::Time),
    ]);
    match kind {
        Kind::Contact => What::Contact(one_of(dice, ContactEdit::ALL)),
        Kind::Directory => What::Directory(one_of(dice, DirectoryEdit::ALL)),
        Kind::Operation => What::Operation(one_of(dice, Operation::ALL)),
        Kind::Preview => What::Preview,
        Kind::Settle => What::Settle,
        Kind::Sync => What::Sync(sync(dice)),
        Kind::Time => What::Time(one_of(dice, Jump::ALL)),
    }
}

fn sync(dice: &mut Dice) -> SyncStep {
    let scope = if dice.percent(75) { Scope::Everything } else { Scope::OneClient };
    let faults = (0..dice.weighted(&[(45, 0), (40, 1), (15, 2)])).map(|_| fault(dice)).collect();
    let mishap = if dice.percent(30) { Mishap::None } else { one_of(dice, Mishap::ALL) };
    // Most runs have few writes, and the first ones are the most dangerous.
    let write = 1 + if dice.percent(70) { dice.below(12) } else { dice.below(60) };
    SyncStep { scope, faults, mishap, write, meanwhile: one_of(dice, Meanwhile::ALL) }
}

fn fault(dice: &mut Dice) -> Fault {
    let trouble = one_of(dice, Trouble::ALL);
    let nth = dice.weighted(&[(60, 1), (25, 2), (10, 3), (5, 4)]);
    let times = dice.weighted(&[(70, 1), (15, 3), (15, 1_000)]);
    Fault { trouble, nth, times }
}

fn one_of<T: Clone>(dice: &mut Dice, all: &[T]) -> T {
    dice.pick(all).expect("every kind has variants")
}
