//! Every kind of step and of fault, and what has to be seen in plans; each has a name for the story and
//! the coverage table.

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
        Blank = "directory: attributes become blank",
        BecomeGuest = "directory: a member becomes a guest",
        Delete = "directory: an account is deleted",
        DeleteForGood = "directory: an account is deleted for good",
        Disable = "directory: an account is disabled",
        Enable = "directory: an account is enabled again",
        Hire = "directory: a new colleague",
        HireAsLeaver = "directory: a new colleague with a leaver's address",
        JoinGroup = "directory: an account joins a group",
        LeaveGroup = "directory: an account leaves a group",
        Licence = "directory: a licence is given or taken",
        LoseMail = "directory: an account loses its mailbox",
        NewAddress = "directory: a new address",
        NewDesk = "directory: a new department, office and company",
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
        Protect = "human: protects a contact from the sync, or gives it free",
        ProtectFields = "human: protects fields of a contact from the sync",
        Rename = "human: changes a name",
        Role = "human: changes or blanks a role",
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
    /// What an operator does with a plan that is stored, and with links.
    Stored {
        Allow = "plan: everything that waits is let through",
        AllowSome = "plan: one line that waits is let through",
        Apply = "plan: a preview is applied",
        LinksCut = "links: some are cut",
        LinksForget = "links: some are forgotten",
        LinksMove = "links: somebody is moved to another contact",
        LinksRematch = "links: people are matched anew",
        Reject = "plan: everything that waits is rejected",
        RejectSome = "plan: one line that waits is rejected",
        Undo = "undo: a run",
        UndoField = "undo: one field",
        UndoPerson = "undo: one person",
        UndoTenant = "undo: one tenant",
        UndoUndo = "undo: an undo",
    }
}

kinds! {
    /// What Microsoft does wrong.
    Trouble {
        AccessLost = "microsoft: 403",
        AppThrottled = "microsoft: 429 for the whole application",
        BadRow = "microsoft: a row of wrong types",
        ConsentMissing = "microsoft: a token is refused",
        ChangeLate = "microsoft: a change told in the next round",
        ChangeRepeated = "microsoft: a change told three times",
        ChangesReplayed = "microsoft: changes told again from the beginning",
        CutListing = "microsoft: a short read that looks complete",
        Dropped = "microsoft: a dropped connection",
        EmptyAnswer = "microsoft: an empty read that looks complete",
        EmptyPage = "microsoft: an empty page in between",
        ExpiredPage = "microsoft: a page token expired",
        ForeignLink = "microsoft: a link to another host",
        GatewayTimeout = "microsoft: 504",
        LinkLoop = "microsoft: a link to the same page",
        GroupFails = "microsoft: the members of a group are not told",
        LongThrottle = "microsoft: 429 with a long Retry-After",
        LostSyncState = "microsoft: the place in the feed of changes is forgotten",
        Malformed = "microsoft: half a JSON document",
        NamelessRow = "microsoft: a row without an id",
        Reordered = "microsoft: rows in the opposite order",
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

kinds! {
    /// What has to be seen in the plans of runs, or a history does not reach what it claims to.
    Seen {
        ByChanges = "seen: a tenant read by its changes only",
        Cleared = "seen: a field cleared",
        Domain = "seen: left out by a domain",
        FieldAlways = "seen: a field written whose rule is always",
        FieldIfEmpty = "seen: a field written whose rule is only-if-empty",
        FieldSourceChanges = "seen: a field written whose rule is when-source-changes",
        FieldUnlessEdited = "seen: a field written whose rule is unless-edited",
        Group = "seen: left out by a group",
        Kept = "seen: an undo leaves what somebody has changed since",
        KeptField = "seen: an undo puts a contact back but for a field somebody has changed since",
        OutOfScope = "seen: inactive for being out of scope",
        Pattern = "seen: left out by a pattern or an attribute",
        Protected = "seen: a protected contact left alone",
        Restored = "seen: an undo puts a contact back",
        Stale = "seen: a line left alone because its contact had changed",
        StagedCreation = "seen: a new contact waits for an operator",
        StagedInactivation = "seen: an inactive contact waits for an operator",
        StagedCreationOfRun = "seen: a new contact too many for the whole run waits for an operator",
        StagedInactivationOfRun = "seen: an inactive contact too many for the whole run waits for an operator",
        StagedMove = "seen: a contact that goes to another account waits for an operator",
        StagedMoveOfRun = "seen: one move too many for the whole run waits for an operator",
        Unlicensed = "seen: left out for want of a licence",
    }
}
