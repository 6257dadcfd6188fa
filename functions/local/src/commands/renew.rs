//! `renew`: the stored sign-in, before it ends.

use ::connect::{Pressing, Renewed};
use domain::forecast::Outlook;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{Context, mention_fake};
use crate::{
    Ending,
    arguments::RenewArguments,
    output::{self, Failure, Talk},
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View {
    status: &'static str,
    renewed_at: Option<Timestamp>,
    /// What has ended or ends soon.
    expiry_forecast: Vec<Outlook>,
    /// Why not all of that is known.
    expiry_forecast_error: Option<&'static str>,
    #[serde(skip)]
    text: String,
}

pub(crate) async fn run(context: &Context, options: RenewArguments) -> Result<Ending, Failure> {
    let house = &context.house;
    mention_fake(house);
    let older_than = SignedDuration::from_hours(24 * i64::from(options.older_than));
    let renewed = house.connect.renew(house.workspace, older_than).await;
    let pressing = house.connect.look_ahead(house.workspace).await?;
    let renewed = renewed.map_err(|error| {
        let told = told(&pressing);
        if !told.is_empty() {
            Talk::say(told);
        }
        Failure::new(error.code(), error.what_happened(), error.remedy())
    })?;
    let (status, renewed_at, text) = match renewed {
        Renewed::AtWork { until } => (
            "at_work",
            None,
            format!("Another process is renewing the sign-in, until {until} at the longest."),
        ),
        Renewed::Done { at } => ("renewed", Some(at), "The sign-in is renewed.".to_owned()),
        Renewed::NoDirectConnection => (
            "nothing_to_renew",
            None,
            "There is no direct connection, so no sign-in that could end.".to_owned(),
        ),
        Renewed::NotDue { since } => {
            ("not_due", Some(since), format!("The sign-in is of {since} and need not be renewed yet."))
        }
    };
    let text = format!("{text}\n{}", told(&pressing));
    let Pressing { outlook: expiry_forecast, unread: expiry_forecast_error } = pressing;
    let view = View { status, renewed_at, expiry_forecast, expiry_forecast_error, text };
    output::result(context.output, &view, || view.text.clone())?;
    Ok(Ending::Done)
}

/// What has ended or ends soon, with what to do; nothing when nothing does.
fn told(pressing: &Pressing) -> String {
    let mut text = String::new();
    for outlook in &pressing.outlook {
        let days = match outlook.days_left {
            Some(days) if days < 0 => "over".to_owned(),
            Some(1) => "1 day left".to_owned(),
            Some(days) => format!("{days} days left"),
            None => "no day known".to_owned(),
        };
        let code = outlook.code().unwrap_or_default();
        text.extend([&*days, ": ", &outlook.meaning, " [", code, "]\n  → ", &outlook.step, "\n"]);
    }
    if let Some(code) = pressing.unread {
        text.extend(["Not everything that ends is known. [", code, "]\n"]);
    }
    text
}
