//! `renew`: the stored sign-in, before it ends.

use ::connect::Renewed;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{Context, mention_fake};
use crate::{
    Ending,
    arguments::RenewArguments,
    output::{self, Failure},
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View {
    status: &'static str,
    renewed_at: Option<Timestamp>,
    #[serde(skip)]
    text: String,
}

pub(crate) async fn run(context: &Context, options: RenewArguments) -> Result<Ending, Failure> {
    let house = &context.house;
    mention_fake(house);
    let older_than = SignedDuration::from_hours(24 * i64::from(options.older_than));
    let renewed = house.connect.renew(house.workspace, older_than).await;
    let renewed =
        renewed.map_err(|error| Failure::new(error.code(), error.what_happened(), error.remedy()))?;
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
    let view = View { status, renewed_at, text };
    output::result(context.output, &view, || view.text.clone())?;
    Ok(Ending::Done)
}
