//! Names of customer companies with their legal forms, and the web name each one registered.

/// A company's name in its parts.
#[derive(Clone, Debug)]
pub(crate) struct Company {
    /// `Borealis Dental`, without the legal form.
    pub(crate) core: String,
    /// `Ltd`, `GmbH`, …
    pub(crate) legal_form: &'static str,
    /// `borealisdental`: the first label of its domains.
    pub(crate) slug: String,
}

impl Company {
    /// The registered name.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.core, self.legal_form)
    }
}

/// Company number `number`; no two numbers share a web name.
pub(crate) fn company(number: u64) -> Company {
    let (stems, trades) = (STEMS.len() as u64, TRADES.len() as u64);
    let round = number / (stems * trades);
    let number = number % (stems * trades);
    let row = number / stems;
    let (stem, stem_slug) = STEMS[index(number % stems)];
    // Walking both lists at once makes the first companies differ in both words.
    let trade = TRADES[index((number * 7 + row) % trades)];
    let legal_form = LEGAL_FORMS[index((number * 5 + row * 3) % LEGAL_FORMS.len() as u64)];
    let slug = format!("{stem_slug}{}", trade.to_ascii_lowercase());
    if round == 0 {
        return Company { core: format!("{stem} {trade}"), legal_form, slug };
    }
    let branch = round + 1;
    Company { core: format!("{stem} {trade} {branch}"), legal_form, slug: format!("{slug}{branch}") }
}

/// The customer whose domain ends every rule that throws away what contains `bot`.
pub(crate) fn robotics() -> Company {
    Company { core: "Robotics & Motion".to_owned(), legal_form: "Ltd", slug: "robotics".to_owned() }
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or_default()
}

const LEGAL_FORMS: [&str; 16] = [
    "Ltd", "LLC", "Inc.", "GmbH", "AS", "AB", "B.V.", "Pty Ltd", "S.A.", "plc", "ApS", "Oy", "S.r.l.",
    "Corp.", "& Co. KG", "SARL",
];

const TRADES: [&str; 24] = [
    "Dental",
    "Legal",
    "Logistics",
    "Foods",
    "Architects",
    "Insurance",
    "Timber",
    "Clinic",
    "Engineering",
    "Accounting",
    "Furniture",
    "Shipping",
    "Media",
    "Pharma",
    "Hotels",
    "Plumbing",
    "Textiles",
    "Energy",
    "Travel",
    "Robotics",
    "Bakery",
    "Optics",
    "Motors",
    "Studios",
];

const STEMS: [(&str, &str); 48] = [
    ("Borealis", "borealis"),
    ("Harbour Street", "harbourstreet"),
    ("Müller & Söhne", "muellersoehne"),
    ("Cedar Point", "cedarpoint"),
    ("Nordlys", "nordlys"),
    ("Kestrel", "kestrel"),
    ("Bright & Daughters", "brightdaughters"),
    ("Sable Ridge", "sableridge"),
    ("Çınar", "cinar"),
    ("Old Mill", "oldmill"),
    ("Wide World", "wideworld"),
    ("Meridian", "meridian"),
    ("Østfold", "oestfold"),
    ("Granite Bay", "granitebay"),
    ("Lantern", "lantern"),
    ("Three Rivers", "threerivers"),
    ("Santa Lucía", "santalucia"),
    ("Foxglove", "foxglove"),
    ("Ironbridge", "ironbridge"),
    ("Quayside", "quayside"),
    ("Blue Heron", "blueheron"),
    ("Łódź", "lodz"),
    ("Summit", "summit"),
    ("Pebble Beach", "pebblebeach"),
    ("Amberley", "amberley"),
    ("The Copper Kettle", "copperkettle"),
    ("Rosendal", "rosendal"),
    ("Twelve Oaks", "twelveoaks"),
    ("Aurora", "aurora"),
    ("Penrose", "penrose"),
    ("Saint-Étienne", "saintetienne"),
    ("Marlowe", "marlowe"),
    ("Windmill Lane", "windmilllane"),
    ("Tamarack", "tamarack"),
    ("Zephyr", "zephyr"),
    ("Kingfisher", "kingfisher"),
    ("Björkman", "bjoerkman"),
    ("Whitestone", "whitestone"),
    ("Orchard Hill", "orchardhill"),
    ("Delta Nine", "deltanine"),
    ("Solvang", "solvang"),
    ("Castle Rock", "castlerock"),
    ("Umber", "umber"),
    ("Larkspur", "larkspur"),
    ("Vesterbro", "vesterbro"),
    ("Jade Garden", "jadegarden"),
    ("Elm & Ash", "elmash"),
    ("Northgate", "northgate"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_two_of_many_companies_share_a_web_name() {
        let slugs: HashSet<String> = (0..3_000).map(|number| company(number).slug).collect();
        assert_eq!(slugs.len(), 3_000);
        assert!(!slugs.contains(&robotics().slug));
    }
}
