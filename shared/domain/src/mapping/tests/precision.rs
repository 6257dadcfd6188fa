//! Quality on labelled pairs: what is matched without doubt is right, and how much is found.

use super::*;

/// Clients: name, domains of URL and website, domains of its mail. Numbered from 1.
const CLIENTS: [(&str, &str, &str); 30] = [
    ("Alder & Finch Solicitors LLP", "alderfinch.example", "alderfinch.example"),
    ("Bergström Bygg AB", "bergstrombygg.example", ""),
    ("Blue Harbour Dental", "blueharbourdental.example", "gmail.com"),
    ("Blue Harbor Dental Group", "blueharbor.example", ""),
    ("Café Zoë", "", "cafezoe.example"),
    ("Delta Freight Lines, Inc.", "deltafreight.example", "billing.deltafreight.example"),
    ("Delta Freight Holdings", "deltafreight.example", ""),
    ("Évora Turismo Lda", "evoraturismo.example", ""),
    ("First Choice Plumbing", "", "gmail.com"),
    ("First Choice Roofing", "firstchoiceroofing.example", ""),
    ("Greenfield Primary School", "greenfield.school.example", ""),
    ("Hartmann Maschinenbau GmbH & Co. KG", "hartmann-mb.example", "hartmann.example"),
    ("ООО «Ромашка»", "romashka.example", ""),
    ("東京商事 株式会社", "tokyoshoji.example", ""),
    ("Kowalski Transport Sp. z o.o.", "kowalski-transport.example", ""),
    ("Lakeside Veterinary Clinic", "lakesidevet.example", ""),
    ("Lakeside Veterinary Clinic (old)", "lakesidevet-old.example", ""),
    ("Meridian Wealth Advisers Pty Ltd", "meridianwealth.example", ""),
    ("Nilsson Revision", "", ""),
    ("Oak & Iron Brewing Company", "oakandiron.example", "oakandiron.example"),
    ("Pinecrest Property Management", "pinecrest.example", ""),
    ("Quartz Analytics", "quartz.example", ""),
    ("Riverbend Farms", "", "riverbend.example"),
    ("Saint Mary's Hospice", "stmarys.example", ""),
    ("Trattoria Rossi S.r.l.", "trattoriarossi.example", ""),
    ("Umbra Studios", "umbra.example", ""),
    ("Van Dijk Logistiek B.V.", "vandijk.example", ""),
    ("Wide World Importers", "wideworldimporters.example", ""),
    ("World Wide Exporters", "wwexporters.example", ""),
    ("Zephyr Air", "", ""),
];

/// Tenants: name, verified domains with the default one first, number of the right client.
const TENANTS: [(&str, &str, Option<u128>); 42] = [
    // Their own domain, whatever the name says.
    ("Alder Finch", "alderfinch.example alderfinch.onmicrosoft.com", Some(1)),
    ("AFS Trading", "afs.onmicrosoft.com alderfinch.example", Some(1)),
    ("Bergstrom", "bergstrombygg.example", Some(2)),
    ("Blue Harbour Dental", "blueharbourdental.example", Some(3)),
    ("Blue Harbour Dental", "blueharbor.example", Some(4)),
    ("Evora Turismo", "evoraturismo.example", Some(8)),
    ("First Choice Roofing LLC", "firstchoiceroofing.example", Some(10)),
    ("Greenfield Academy Trust", "trust.example greenfield.school.example", Some(11)),
    ("Hartmann", "hartmann-mb.example hartmann.example", Some(12)),
    ("Romashka", "romashka.example", Some(13)),
    ("Tokyo Shoji", "tokyoshoji.example", Some(14)),
    ("Kowalski", "kowalski-transport.example", Some(15)),
    ("Meridian", "meridianwealth.example", Some(18)),
    ("Oak and Iron", "oakandiron.example", Some(20)),
    ("Pinecrest", "pinecrest.example", Some(21)),
    ("Hospice of Saint Mary", "stmarys.example", Some(24)),
    ("Rossi", "trattoriarossi.example", Some(25)),
    ("Umbra", "umbra.example", Some(26)),
    ("Van Dijk", "vandijk.example", Some(27)),
    ("Wide World", "wideworldimporters.example", Some(28)),
    // Two clients with one domain: a person has to choose.
    ("Delta Freight Lines", "deltafreight.example", Some(6)),
    ("Delta Freight Holdings", "deltafreight.example", Some(7)),
    // Only the domain of their mail.
    ("Cafe Zoe Ltd", "cafezoe.example", Some(5)),
    ("RB Agri", "riverbend.example", Some(23)),
    ("Hartmann Service", "hartmann.example", Some(12)),
    // Only the name, in another spelling.
    ("Lakeside Veterinary Clinic", "lakeside.onmicrosoft.com", Some(16)),
    ("Nilsson Revision AB", "nilsson.onmicrosoft.com", Some(19)),
    ("Zephyr Air S.A.", "zephyr.onmicrosoft.com", Some(30)),
    ("Ромашка", "promo.example", Some(13)),
    ("東京商事", "tokyo.onmicrosoft.com", Some(14)),
    ("World Wide Exporters Inc", "wwe.onmicrosoft.com", Some(29)),
    ("First Choice Plumbing", "gmail.com", Some(9)),
    // Too little in common: found by a person or not at all.
    ("QA Holding", "qa-holding.example", Some(22)),
    ("VDL", "vdl.onmicrosoft.com", Some(27)),
    ("Saint Marys", "shop.stmarys.example", Some(24)),
    // No client at all.
    ("Blue Harbour Diving", "blueharbourdiving.example", None),
    ("Delta Airlines", "delta-air.example", None),
    ("First Choice Bakery", "firstchoicebakery.example", None),
    ("Greenfield", "greenfield.example", None),
    ("Quartz Mining", "mail.quartz.example", None),
    ("Personal", "gmail.com outlook.com", None),
    ("Xanadu", "xanadu.example", None),
];

/// How the suggestions for the labelled tenants came out.
#[derive(Debug, Default, PartialEq)]
struct Quality {
    /// Tenants that have a client.
    labelled: usize,
    /// Matched without doubt, and right.
    auto_right: usize,
    /// Matched without doubt, and wrong.
    auto_wrong: usize,
    /// The right client is the first to choose.
    first_choice: usize,
    /// The right client is a later one to choose.
    later_choice: usize,
    /// Tenants without a client for which nobody was suggested.
    rightly_unmatched: usize,
}

#[test]
fn automatic_matches_are_right_and_most_clients_are_found() {
    let clients: Vec<ClientFacts> = (1..)
        .zip(CLIENTS)
        .map(|(number, (name, primary, secondary))| ClientFacts {
            inactive: name.ends_with("(old)"),
            ..client(number, name, primary, secondary)
        })
        .collect();
    let matcher = Matcher::new(&clients);
    let mut quality = Quality::default();
    for (number, (name, verified, right)) in (1..).zip(TENANTS) {
        let right = right.map(client_id);
        quality.labelled += usize::from(right.is_some());
        match matcher.suggest(&tenant(number, name, verified)) {
            Suggestion::AutoMatched(found) if Some(found.client) == right => quality.auto_right += 1,
            Suggestion::AutoMatched(_) => quality.auto_wrong += 1,
            Suggestion::Candidates(found) => match found.iter().position(|one| Some(one.client) == right) {
                Some(0) => quality.first_choice += 1,
                Some(_) => quality.later_choice += 1,
                None => {}
            },
            Suggestion::Unmatched => quality.rightly_unmatched += usize::from(right.is_none()),
        }
    }
    assert_eq!(quality.auto_wrong, 0, "an automatic match may never be wrong: {quality:?}");
    let expected = Quality {
        labelled: 35,
        auto_right: 20,
        auto_wrong: 0,
        first_choice: 12,
        later_choice: 1,
        rightly_unmatched: 4,
    };
    assert_eq!(quality, expected);
    let percent = |found: usize| 100 * found / quality.labelled;
    assert_eq!(percent(quality.auto_right), 57, "recall of the automatic matches");
    let suggested = quality.auto_right + quality.first_choice + quality.later_choice;
    assert_eq!(percent(suggested), 94, "recall of all suggestions");
}
