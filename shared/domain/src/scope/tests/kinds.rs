//! Guests, service accounts, people without an address, licences; and which rule comes first.

use super::*;

#[test]
fn people_called_abbott_and_companies_called_robotics_stay_in() {
    for (name, upn) in [
        ("Tom Abbott", "tom.abbott@acme.example"),
        ("Grace Talbot", "talbot@acme.example"),
        ("Louis Botha", "lbotha@acme.example"),
        ("Jan Bot", "jan.bot@acme.example"),
        ("Bo Thompson", "bothompson@acme.example"),
        ("Ann Robot", "ann@robotics.example"),
        ("Bot", "mira@bot.example"),
        ("Daemon Lee", "lee@daemon-automation.example"),
        ("Otto Matic", "otto@noreply.example"),
        ("Sven Cook", "svcook@acme.example"),
        // Three letters that nothing is set apart from could be anybody's.
        ("S. V. Carlsen", "svc@acme.example"),
        ("S. V. Carlsen", "svc01@acme.example"),
        ("S. V. Carlsen", "svcbackup@acme.example"),
        ("Host", "backup@svc-01.example"),
        ("Sasha Ng", "sasha@acme.example"),
        ("Systema Ltd Reception", "systema@acme.example"),
        ("Shared Services Lead", "lead@acme.example"),
        ("Mailbox Etc Clerk", "clerk@acme.example"),
        ("Noreen Plyer", "noreen.plyer@acme.example"),
        ("Service Desk", "service.desk@acme.example"),
        ("Account Manager", "account.service@acme.example"),
    ] {
        let defaults = ScopeRules::default();
        assert_eq!(alone(&defaults, &person(name, upn)), "taken", "{upn}");
        let anonymous = user(json!({"displayName": name, "userPrincipalName": upn, "mail": upn}));
        assert_eq!(alone(&defaults, &anonymous), "taken", "{upn} without a personal name");
    }
}

#[test]
fn initials_that_look_like_a_machine_are_a_persons_when_there_is_a_personal_name() {
    for (upn, family) in [
        ("sa.miller@acme.example", "sa"),
        ("sa-sql@acme.example", "sa"),
        ("system.admin@acme.example", "system"),
        ("slack-bot@acme.example", "bot"),
        ("bot@acme.example", "bot"),
        ("mail_daemon@acme.example", "daemon"),
        ("automation@acme.example", "automation"),
        ("automated-invoices@acme.example", "automated"),
    ] {
        let anonymous = user(json!({"displayName": "x", "mail": upn}));
        let expected = format!("service_account: {family}");
        assert_eq!(alone(&ScopeRules::default(), &anonymous), expected, "{upn}");
        assert_eq!(alone(&ScopeRules::default(), &person("S. A. Miller", upn)), "taken", "{upn}");
    }
}

#[test]
fn service_accounts_are_left_out_by_family() {
    for (name, upn, family) in [
        ("x", "svc-backup@acme.example", "service account"),
        ("x", "svc_backup@acme.example", "service account"),
        ("x", "SVC.Backup@acme.example", "service account"),
        ("x", "svc-01@acme.example", "service account"),
        ("x", "svc_7@acme.example", "service account"),
        ("x", "svc.0@acme.example", "service account"),
        ("x", "service.account@acme.example", "service account"),
        ("x", "service-account-7@acme.example", "service account"),
        ("x", "serviceaccount7@acme.example", "service account"),
        ("x", "noreply@acme.example", "no reply"),
        ("x", "no-reply@acme.example", "no reply"),
        ("x", "invoices.no_reply@acme.example", "no reply"),
        ("x", "do-not-reply@acme.example", "no reply"),
        ("x", "donotreply@acme.example", "no reply"),
        ("x", "mailer-daemon@acme.example", "mailer daemon"),
        ("x", "shared.mailbox.info@acme.example", "shared mailbox"),
        ("x", "sharedmailbox@acme.example", "shared mailbox"),
        ("Shared Mailbox Info", "info@acme.example", "shared mailbox"),
        ("SQL Service Account", "sql@acme.example", "service account"),
        ("Do Not Reply", "web@acme.example", "no reply"),
    ] {
        let account = person(name, upn);
        assert_eq!(alone(&ScopeRules::default(), &account), format!("service_account: {family}"), "{upn}");
        let include = rules(json!({"includeServiceAccounts": true}));
        assert_eq!(alone(&include, &account), "taken", "{upn} when asked for");
    }
}

#[test]
fn guests_pass_only_when_asked_for() {
    let guest = json!({"mail": "ola@partner.example", "userType": "Guest"});
    let external = json!({
        "mail": "ola@partner.example", "userPrincipalName": "ola_partner.example#EXT#@acme.example",
    });
    let accepted = json!({"mail": "ola@partner.example", "externalUserState": "Accepted"});
    let pending = json!({"mail": "ola@partner.example", "externalUserState": "pendingAcceptance "});
    let member = json!({"mail": "ola@acme.example", "userType": "Member"});
    let none = json!({});
    let all = json!({"includeGuests": true});
    let only_accepted = json!({"includeGuests": true, "includePendingGuests": false});
    let contradiction = json!({"includeGuests": false, "includePendingGuests": true});
    for (rule, raw, expected) in [
        (&none, &guest, "guest"),
        (&none, &external, "guest"),
        (&none, &accepted, "guest"),
        (&none, &pending, "guest"),
        (&none, &member, "taken"),
        (&contradiction, &pending, "guest"),
        (&all, &guest, "taken"),
        (&all, &external, "taken"),
        (&all, &accepted, "taken"),
        (&all, &pending, "taken"),
        (&only_accepted, &guest, "taken"),
        (&only_accepted, &accepted, "taken"),
        (&only_accepted, &pending, "pending_invitation"),
        (&only_accepted, &member, "taken"),
    ] {
        assert_eq!(alone(&rules(rule.clone()), &user(raw.clone())), expected, "{rule} {raw}");
    }
}

#[test]
fn an_odd_sign_in_name_does_not_hide_a_valid_mail() {
    for (raw, expected) in [
        (json!({"userPrincipalName": "ACME\\mira", "mail": "mira@acme.example"}), "taken"),
        (json!({"userPrincipalName": "mira@acme.example"}), "taken"),
        (json!({"userPrincipalName": "mira@elsewhere.example"}), "missing_identity"),
        (json!({"userPrincipalName": "mira", "mail": "mira"}), "missing_identity"),
        (json!({"displayName": "Mira"}), "missing_identity"),
    ] {
        assert_eq!(alone(&ScopeRules::default(), &user(raw.clone())), expected, "{raw}");
    }
}

#[test]
fn an_unread_licence_is_not_a_missing_one() {
    for (licensed_only, count, expected) in [
        (false, None, "taken"),
        (false, Some(0), "taken"),
        (true, Some(1), "taken"),
        (true, Some(0), "unlicensed"),
        (true, None, "unknown_licence"),
    ] {
        let mut mira = person("Mira", "mira@acme.example");
        mira.license_count = count;
        assert_eq!(alone(&rules(json!({"licensedOnly": licensed_only})), &mira), expected, "{count:?}");
    }
}

/// Somebody whom every rule hits; each step takes away the rule that came first.
#[test]
fn the_first_rule_in_the_documented_order_decides() {
    let nobody = json!({
        "displayName": "No Reply", "userType": "Guest", "externalUserState": "PendingAcceptance",
        "department": "Old", "userPrincipalName": "noreply",
    });
    let with_address = json!({
        "displayName": "No Reply", "userType": "Guest", "externalUserState": "PendingAcceptance",
        "department": "Old", "userPrincipalName": "noreply", "mail": "noreply@old.example",
    });
    let mut rule = json!({
        "includeGuests": false, "includePendingGuests": false, "includeServiceAccounts": false,
        "licensedOnly": true, "excludeDomains": ["old.example"], "includeDomains": ["new.example"],
        "excludeGroups": [group(1)], "includeGroups": [group(2)], "excludePatterns": ["reply"],
        "attributes": [
            {"attribute": "department", "operator": "equals", "value": "New", "effect": "include"},
            {"attribute": "department", "operator": "equals", "value": "Old", "effect": "exclude"},
        ],
    });
    let mut groups = GroupMembership::default();
    groups.insert(group(1), vec![object(1)]);
    groups.insert(group(2), Vec::new());
    for (raw, expected, change) in [
        (&nobody, "guest", json!({"includeGuests": true})),
        (&nobody, "pending_invitation", json!({"includePendingGuests": true})),
        (&nobody, "service_account: no reply", json!({"includeServiceAccounts": true})),
        (&nobody, "missing_identity", json!({})),
        (&with_address, "tenant_custom_pattern: reply", json!({"excludePatterns": []})),
        (&with_address, "domain: old.example", json!({"excludeDomains": []})),
        (&with_address, "domain: includeDomains", json!({"includeDomains": []})),
        (
            &with_address,
            "attribute: department equals `Old`",
            json!({"attributes": [rule["attributes"][0].clone()]}),
        ),
        (&with_address, "attribute: attributes", json!({"attributes": []})),
        (&with_address, &*format!("group: {}", group(1)), json!({"excludeGroups": []})),
        (&with_address, "group: includeGroups", json!({"includeGroups": []})),
        (&with_address, "unknown_licence", json!({"licensedOnly": false})),
        (&with_address, "taken", json!({})),
    ] {
        assert_eq!(outcome(&rules(rule.clone()), &user(raw.clone()), &groups), expected);
        for (key, value) in change.as_object().unwrap() {
            rule[key] = value.clone();
        }
    }
}

#[test]
fn reasons_have_their_wire_names_and_a_sentence_of_their_own() {
    let reasons = [
        (Exclusion::AccountDisabled, "account_disabled"),
        (Exclusion::Attribute, "attribute"),
        (Exclusion::DismissedByOperator, "dismissed_by_operator"),
        (Exclusion::Domain, "domain"),
        (Exclusion::Group, "group"),
        (Exclusion::Guest, "guest"),
        (Exclusion::LinkEnded, "link_ended"),
        (Exclusion::MissingIdentity, "missing_identity"),
        (Exclusion::Pattern, "tenant_custom_pattern"),
        (Exclusion::PendingInvitation, "pending_invitation"),
        (Exclusion::ProtectedContact, "protected_contact"),
        (Exclusion::RejectedByOperator, "rejected_by_operator"),
        (Exclusion::ServiceAccount, "service_account"),
        (Exclusion::UnknownLicence, "unknown_licence"),
        (Exclusion::UnknownMembership, "unknown_membership"),
        (Exclusion::Unlicensed, "unlicensed"),
    ];
    for (reason, name) in reasons {
        assert_eq!(json!(reason), json!(name));
        assert_eq!(serde_json::from_value::<Exclusion>(json!(name)).unwrap(), reason);
    }
    for excluded in [Excluded::from(Exclusion::Guest), Excluded::by(Exclusion::Pattern, "^room-")] {
        let read: Excluded = serde_json::from_value(json!(excluded)).unwrap();
        assert_eq!(read, excluded);
    }
    assert_eq!(json!(Excluded::from(Exclusion::Guest)), json!({"reason": "guest"}));
    let sentences: BTreeSet<&str> = reasons.iter().map(|(reason, _)| reason.explanation()).collect();
    assert_eq!(sentences.len(), reasons.len());
}
