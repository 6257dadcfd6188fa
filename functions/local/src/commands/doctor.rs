//! `doctor`: whether everything that a sync needs is in order.

use ::connect::{Finding, Verdict};
use serde::Serialize;

use super::{Context, mention_fake};
use crate::{
    Ending,
    output::{self, Failure},
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View {
    healthy: bool,
    findings: Vec<Finding>,
}

pub(crate) async fn run(context: &Context) -> Result<Ending, Failure> {
    let house = &context.house;
    mention_fake(house);
    let findings = house.connect.examine(house.workspace, house.directories.as_ref()).await;
    let healthy = !findings.iter().any(Finding::needs_somebody);
    let view = View { healthy, findings };
    output::result(context.output, &view, || text(&view))?;
    Ok(if healthy { Ending::Done } else { Ending::Failed })
}

fn text(view: &View) -> String {
    let mut text = String::new();
    for finding in &view.findings {
        let mark = match finding.verdict {
            Verdict::Fine => "ok      ",
            Verdict::Warning => "warning ",
            Verdict::Problem => "PROBLEM ",
            Verdict::Unknown => "unknown ",
        };
        let whose = finding.tenant.as_ref().map(|tenant| format!("{tenant}: ")).unwrap_or_default();
        let code = finding.code.map(|code| format!(" [{code}]")).unwrap_or_default();
        text.extend([mark, &whose, &finding.what, &code, "\n"]);
        if let Some(step) = &finding.step {
            text.extend(["        → ", step, "\n"]);
        }
    }
    text.push_str(if view.healthy {
        "\nNothing stands in the way of a sync."
    } else {
        "\nNot everything is in order."
    });
    text
}
