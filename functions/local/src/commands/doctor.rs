//! `doctor`: whether everything that a sync needs is in order.

use ::connect::{Finding, Part, Verdict};
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
    let examined = house.connect.examine(house.workspace, Part::whole()).await;
    let healthy = examined.is_healthy();
    let view = View { healthy, findings: examined.findings };
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
