//! `flags`: what the HTTP API of this machine shows.

use std::sync::Arc;

use ::flags::{Access, FlagChange, FlagName, Flags};
use domain::flags::Feature;
use edge::ApiError;
use serde::Serialize;

use super::{Context, mention_fake};
use crate::{
    Ending, House,
    arguments::{FlagsArguments, FlagsCommand},
    output::{self, Failure},
};

/// A feature, for the workspace of the data folder.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View {
    key: &'static str,
    name: &'static str,
    on: bool,
}

pub(crate) async fn run(context: &Context, options: &FlagsArguments) -> Result<Ending, Failure> {
    let house = &context.house;
    mention_fake(house);
    // What the server would do: so that what is shown is what holds.
    introduce(house).await?;
    match &options.command {
        None | Some(FlagsCommand::List) => {}
        Some(FlagsCommand::On { flags }) => switch(house, flags, true).await?,
        Some(FlagsCommand::Off { flags }) => switch(house, flags, false).await?,
    }
    let mut views = Vec::new();
    for feature in Feature::ALL {
        let flag = house.store.flag_by_key(feature.key()).await?;
        views.push(View {
            key: feature.key(),
            name: feature.title(),
            on: flag.is_some_and(|flag| flag.is_on_for(house.workspace)),
        });
    }
    output::result(context.output, &views, || {
        let row = |view: &View| {
            let state = if view.on { "on" } else { "off" };
            vec![view.key.to_owned(), state.to_owned(), view.name.to_owned()]
        };
        output::table(&["flag", "here", "what it shows"], views.iter().map(row).collect(), 3)
    })?;
    Ok(Ending::Done)
}

/// The use cases, for whoever `access` admits.
pub(crate) fn desk(house: &House, access: Access) -> Flags {
    let (clock, entropy) = (Arc::clone(&house.clock), Arc::clone(&house.entropy));
    Flags { store: house.store.clone(), access, clock, entropy }
}

/// Makes the flags that were never made, on for the workspace of this machine: nobody else is served here.
/// What somebody has switched off stays off.
pub(crate) async fn introduce(house: &House) -> Result<(), Failure> {
    desk(house, Access::default()).ensure(Some(house.workspace)).await?;
    Ok(())
}

/// All features when none is named.
async fn switch(house: &House, named: &[Feature], on: bool) -> Result<(), Failure> {
    let desk = desk(house, Access::default());
    let features = if named.is_empty() { &Feature::ALL } else { named };
    for feature in features {
        let name = FlagName::from(feature.key());
        let flag = desk.target(&name, house.workspace, on).await.map_err(ApiError::from)?;
        if on && !flag.active {
            let change = FlagChange { active: Some(true), ..FlagChange::default() };
            desk.change(&name, &change).await.map_err(ApiError::from)?;
        }
    }
    Ok(())
}
