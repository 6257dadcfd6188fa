//! What the commands do.

mod bench;
mod codes;
mod connect;
mod demo;
mod discover;
mod doctor;
mod duplicates;
mod explain;
mod flags;
mod links;
mod map;
mod people;
mod renew;
mod review;
mod runs;
mod schedule;
mod serve;
mod settings;
mod sync;
mod upkeep;

use embedded::Durability;

pub use serve::api;

use crate::{
    Arguments, Command, Ending, House,
    arguments::OutputForm,
    output::{Failure, Talk},
};

/// What every command needs.
pub(crate) struct Context {
    pub(crate) house: House,
    pub(crate) output: OutputForm,
}

pub(crate) async fn run(arguments: Arguments) -> Result<Ending, Failure> {
    let durability = if arguments.durable { Durability::PowerCut } else { Durability::ProcessKill };
    match &arguments.command {
        Command::Bench(options) => return bench::run(options, durability).await,
        Command::BenchPeers(options) => {
            return bench::serve_apart(options, &arguments.data, durability).await;
        }
        Command::Codes(options) => return codes::run(arguments.output, options),
        Command::Demo(options) => return demo::run(&arguments, options, durability).await,
        _ => {}
    }
    let house = House::open(&arguments.data, durability, None).await?;
    runtime::telemetry::start(&house.settings);
    let context = Context { house, output: arguments.output };
    let ending = match &arguments.command {
        Command::Bench(_) | Command::BenchPeers(_) | Command::Codes(_) | Command::Demo(_) => Ending::Done,
        Command::Connect(options) => connect::run(&context, options).await?,
        Command::Discover => discover::run(&context).await?,
        Command::Doctor => doctor::run(&context).await?,
        Command::Duplicates(options) => duplicates::run(&context, options).await?,
        Command::Explain(options) => explain::run(&context, options).await?,
        Command::Export(options) => people::export(&context, options).await?,
        Command::Flags(options) => flags::run(&context, options).await?,
        Command::Import(options) => people::import(&context, options).await?,
        Command::Links(options) => links::run(&context, options).await?,
        Command::Map(options) => map::run(&context, options).await?,
        Command::Preview(options) => sync::preview(&context, options).await?,
        Command::Renew(options) => renew::run(&context, *options).await?,
        Command::Review(options) => review::run(&context, options).await?,
        Command::Runs(options) => runs::run(&context, options).await?,
        Command::Schedule(options) => schedule::run(&context, *options).await?,
        Command::Serve(options) => serve::run(context, *options).await?,
        Command::Settings(options) => settings::run(&context, options).await?,
        Command::Sync(options) => sync::sync(&context, options).await?,
    };
    Ok(ending)
}

/// Says that the folder belongs to an invented MSP, where a person might take it for the real one.
pub(crate) fn mention_fake(house: &House) {
    if house.fake.is_some() {
        Talk::say(format!("(invented Microsoft, data in {})", house.folder.display()));
    }
}
