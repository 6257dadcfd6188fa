//! A workspace of 10,000 clients and 2,000 tenants: the work must follow what is found.

use super::*;

const CLIENTS: u128 = 10_000;
const TENANTS: u128 = 2_000;

const FIRST: [&str; 40] = [
    "Northwind",
    "Contoso",
    "Fabrikam",
    "Adatum",
    "Proseware",
    "Litware",
    "Tailspin",
    "Wingtip",
    "Lucerne",
    "Margie",
    "Blue",
    "Green",
    "Golden",
    "Silver",
    "Red",
    "Harbour",
    "Mountain",
    "River",
    "Lake",
    "Summit",
    "First",
    "United",
    "National",
    "Global",
    "Central",
    "Pacific",
    "Atlantic",
    "Nordic",
    "Alpine",
    "Baltic",
    "Johnson",
    "Smith",
    "Garcia",
    "Müller",
    "Nowak",
    "Rossi",
    "Dubois",
    "Jansen",
    "Hansen",
    "Sato",
];
const SECOND: [&str; 30] = [
    "Legal",
    "Dental",
    "Medical",
    "Financial",
    "Logistics",
    "Construction",
    "Engineering",
    "Consulting",
    "Design",
    "Marketing",
    "Insurance",
    "Accounting",
    "Property",
    "Energy",
    "Foods",
    "Motors",
    "Travel",
    "Education",
    "Security",
    "Software",
    "Plumbing",
    "Roofing",
    "Printing",
    "Farms",
    "Textiles",
    "Aviation",
    "Marine",
    "Wealth",
    "Fitness",
    "Media",
];
const THIRD: [&str; 10] = [
    "Group",
    "Partners",
    "Services",
    "Solutions",
    "Associates",
    "Holdings",
    "Systems",
    "Works",
    "Company",
    "International",
];
const FORM: [&str; 6] = ["Inc", "LLC", "Ltd", "GmbH", "Pty Ltd", ""];

/// The `number`-th of 12,000 different names, spread over the words, in one of several legal forms.
fn name(number: u128, form: u128) -> String {
    let pick = |words: &[&'static str], number: u128| words[usize::try_from(number).unwrap() % words.len()];
    let spread = (number * 7_919) % 12_000;
    let (first, second, third) = (spread % 40, spread / 40 % 30, spread / 1_200);
    format!("{} {} {} {}", pick(&FIRST, first), pick(&SECOND, second), pick(&THIRD, third), pick(&FORM, form))
}

#[test]
fn a_preview_reads_a_small_part_of_all_pairs() {
    let clients: Vec<ClientFacts> = (0..CLIENTS)
        .map(|number| client(number, &name(number, number), &format!("client-{number}.example"), ""))
        .collect();
    let matcher = Matcher::new(&clients);
    let mut found = 0;
    let mut read = 0;
    for number in 0..TENANTS {
        let name = name(number, number + 1);
        read += matcher.postings_read(&name);
        // Nothing but the name to go by: the costliest case.
        let suggestion = matcher.suggest(&tenant(number, &name, "t.onmicrosoft.com"));
        let Suggestion::Candidates(candidates) = suggestion else { panic!("{name}: {suggestion:?}") };
        found += u128::from(candidates[0].client == client_id(number));
    }
    assert_eq!(found, TENANTS);
    // Comparing every pair would look at each of some 24 character pairs of each client.
    let everything = CLIENTS * TENANTS * 24;
    assert!(u128::try_from(read).unwrap() * 6 < everything, "{read} postings read of {everything}");
}
