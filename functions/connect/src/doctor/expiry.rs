//! What of a connection ends, as findings.

use std::collections::BTreeMap;

use domain::{
    forecast::{NOTICE_DAYS, Outlook, Subject, Urgency},
    ids::WorkspaceId,
};
use store::{Connection, StoreError};

use super::{Check, Finding, Verdict};
use crate::Connect;

/// Customers that a sentence names; the finding names all.
const NAMED_IN_A_SENTENCE: usize = 10;

impl Connect {
    pub(super) async fn examine_expiry(
        &self,
        workspace: WorkspaceId,
        connection: &Connection,
    ) -> Result<Vec<Finding>, StoreError> {
        let mappings = self.store.mappings(workspace).await?;
        let found = findings(self.outlook(workspace, connection, &mappings).await?);
        if found.is_empty() {
            let nothing = format!("Nothing ends within the next {NOTICE_DAYS} days.");
            return Ok(vec![Finding::fine(Check::Expiry, nothing)]);
        }
        Ok(found)
    }
}

/// One finding for each thing that ends, in the order of the forecast; customers whose access ends on the
/// same day are one.
fn findings(outlook: Vec<Outlook>) -> Vec<Finding> {
    let mut customers: BTreeMap<Option<i64>, Vec<String>> = BTreeMap::new();
    for ending in outlook.iter().filter(|ending| ending.subject == Subject::TenantAccess) {
        customers.entry(ending.days_left).or_default().extend(ending.tenant.clone());
    }
    let mut found = Vec::new();
    for ending in outlook {
        if ending.subject != Subject::TenantAccess {
            found.extend(finding(ending));
            continue;
        }
        // The first of a day stands for all of it.
        let Some(names) = customers.remove(&ending.days_left) else { continue };
        let days_left = ending.days_left.unwrap_or_default();
        let Some(mut told) = finding(ending) else { continue };
        if names.len() > 1 {
            told.what = sentence(&names, days_left);
            told.tenant = None;
            told.tenants = names;
        }
        found.push(told);
    }
    found
}

fn finding(ending: Outlook) -> Option<Finding> {
    let code = ending.code()?;
    let is_over = ending.urgency == Urgency::Ended;
    let verdict = if is_over { Verdict::Problem } else { Verdict::Warning };
    let found = Finding::warning(Check::Expiry, code, ending.meaning, ending.step);
    Some(Finding { verdict, tenant: ending.tenant, ..found })
}

/// What the end of several relationships on one day means.
fn sentence(names: &[String], days_left: i64) -> String {
    let (named, more) = names.split_at(names.len().min(NAMED_IN_A_SENTENCE));
    let named = match (named, more.len()) {
        ([first @ .., last], 0) => format!("{} and {last}", first.join(", ")),
        (named, more) => format!("{} and {more} more", named.join(", ")),
    };
    let when = match days_left {
        ..0 => "have ended on the same day".to_owned(),
        0 => "end within a day".to_owned(),
        1 => "end in 1 day".to_owned(),
        days => format!("end in {days} days"),
    };
    format!(
        "The GDAP relationships with {named} {when} and do not extend themselves. After that, the people of \
         these customers cannot be read; their contacts stay as they are."
    )
}

#[cfg(test)]
mod tests {
    use domain::forecast::{Credential, TenantAccess, forecast};
    use jiff::{SignedDuration, Timestamp};

    use super::*;

    fn found(customers: &[(&str, i64)]) -> Vec<Finding> {
        let now: Timestamp = "2026-11-26T12:00:00Z".parse().unwrap();
        let ends = |hours: i64| now.checked_add(SignedDuration::from_hours(hours)).ok();
        let access =
            |(name, hours): &(&str, i64)| TenantAccess { name: (*name).to_owned(), ends: ends(*hours) };
        let tenants: Vec<_> = customers.iter().map(access).collect();
        let secret_ends = ends(24 * 400);
        findings(forecast(now, Credential::CippClient { secret_ends }, &tenants))
    }

    #[test]
    fn customers_whose_access_ends_on_one_day_are_one_finding_that_names_them() {
        let all = found(&[("Contoso", 250), ("Fabrikam", 241), ("Litware", 255), ("Tailspin", 300)]);
        let [together, alone] = all.as_slice() else { panic!("{all:#?}") };
        assert_eq!(together.tenants, ["Fabrikam", "Contoso", "Litware"]);
        assert_eq!((together.tenant.as_deref(), together.code), (None, Some("ends_soon")));
        assert_eq!(
            together.what,
            "The GDAP relationships with Fabrikam, Contoso and Litware end in 10 days and do not extend \
             themselves. After that, the people of these customers cannot be read; their contacts stay as they \
             are."
        );
        assert_eq!((alone.tenant.as_deref(), alone.tenants.len()), (Some("Tailspin"), 0));
    }

    #[test]
    fn what_has_ended_and_what_ends_today_are_two_findings() {
        let all = found(&[("A", -1), ("B", 1), ("C", -2), ("D", 2)]);
        let told: Vec<_> = all.iter().map(|found| (found.code.unwrap(), found.tenants.join(" "))).collect();
        assert_eq!(told, [("ended", "C A".to_owned()), ("ends_soon", "B D".to_owned())]);
        assert!(all[0].what.contains("have ended") && all[1].what.contains("within a day"), "{all:#?}");
    }

    #[test]
    fn a_sentence_stays_readable_however_many_there_are() {
        let names: Vec<String> = (0..300).map(|number| format!("Customer {number:03}")).collect();
        let customers: Vec<_> = names.iter().map(|name| (name.as_str(), 240)).collect();
        let all = found(&customers);
        let [one] = all.as_slice() else { panic!("{}", all.len()) };
        assert_eq!(one.tenants.len(), 300);
        assert!(one.what.contains("Customer 009 and 290 more end in 10 days"), "{}", one.what);
    }
}
