//! Rules on the domain of the primary address.

use super::{
    Excluded, Exclusion,
    compile::quoted,
    invalid::{FaultCode, Faults},
    rules::ScopeRules,
};
use crate::domain_name::DomainName;

#[derive(Clone)]
pub(super) struct Domains {
    exclude: Vec<DomainRule>,
    include: Vec<DomainRule>,
}

impl Domains {
    pub(super) fn compile(rules: &ScopeRules, faults: &mut Faults) -> Self {
        let include = compile("includeDomains", &rules.include_domains, faults);
        let exclude = compile("excludeDomains", &rules.exclude_domains, faults);
        Self { exclude, include }
    }

    pub(super) fn exclusion(&self, domain: &str) -> Option<Excluded> {
        if let Some(rule) = self.exclude.iter().find(|rule| rule.covers(domain)) {
            return Some(Excluded::by(Exclusion::Domain, &*rule.written));
        }
        let is_included = self.include.is_empty() || self.include.iter().any(|rule| rule.covers(domain));
        (!is_included).then(|| Excluded::by(Exclusion::Domain, "includeDomains"))
    }
}

/// `example.com`, or `*.example.com` for what is below it.
#[derive(Clone)]
struct DomainRule {
    written: String,
    name: String,
    below: bool,
}

impl DomainRule {
    fn parse(written: &str) -> Option<Self> {
        let text = written.trim();
        let (name, below) = match text.strip_prefix("*.") {
            // A name of one label is no domain to have an address in, but has domains below it.
            Some(parent) => {
                let child: DomainName = format!("x.{parent}").parse().ok()?;
                (child.as_str().strip_prefix("x.")?.to_owned(), true)
            }
            None => (text.parse::<DomainName>().ok()?.as_str().to_owned(), false),
        };
        Some(Self { written: text.to_owned(), name, below })
    }

    fn covers(&self, domain: &str) -> bool {
        match domain.strip_suffix(&*self.name) {
            Some(rest) if self.below => rest.ends_with('.'),
            Some(rest) => rest.is_empty(),
            None => false,
        }
    }
}

fn compile(list: &str, domains: &[String], faults: &mut Faults) -> Vec<DomainRule> {
    let mut rules = Vec::new();
    for (place, written) in domains.iter().enumerate() {
        match DomainRule::parse(written) {
            Some(rule) => rules.push(rule),
            None => faults.add(
                FaultCode::InvalidDomain,
                format!("{list}[{place}]"),
                format!(
                    "{} is no domain; write `example.com`, or `*.example.com` for the domains below it.",
                    quoted(written)
                ),
            ),
        }
    }
    rules
}
