//! Running a machine: the loop around the pure parts.

use ambient::{Clock, Entropy};
use futures::{
    FutureExt,
    future::{self, BoxFuture, Either},
    stream::{FuturesUnordered, StreamExt},
};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{
    Machine, Tasks,
    data::within_limit,
    definition::{
        Call, Choice, Exit, Fail, Graph, Job, Kind, MapSettings, Mode, Pass, State, Task, Text, Wait, Work,
    },
    events::{Event, Happening, Observer, TimeoutRule},
    failure::ExecutionFailure,
    path::View,
};

/// The most states one execution, or one item of a `Map`, may enter unless told otherwise.
///
/// On AWS the bound is 25,000 events of history, some three per state; the error is the same.
pub const TRANSITIONS_MAX: u32 = 10_000;

/// One run of a machine, about to begin.
pub struct Execution<'a> {
    machine: &'a Machine,
    tasks: &'a dyn Tasks,
    clock: &'a dyn Clock,
    jitter: &'a dyn Entropy,
    observer: Option<&'a dyn Observer>,
    name: &'a str,
    timeouts: TimeoutRule,
    transitions_max: u32,
}

impl<'a> Execution<'a> {
    /// A run of `machine` in these surroundings.
    pub const fn new(
        machine: &'a Machine,
        tasks: &'a dyn Tasks,
        clock: &'a dyn Clock,
        jitter: &'a dyn Entropy,
    ) -> Self {
        Self {
            machine,
            tasks,
            clock,
            jitter,
            observer: None,
            name: "local",
            timeouts: TimeoutRule::Measure,
            transitions_max: TRANSITIONS_MAX,
        }
    }

    /// Gives the execution a name: `$$.Execution.Name`, and `$$.Execution.Id`, in its definition.
    #[must_use]
    pub const fn named(mut self, name: &'a str) -> Self {
        self.name = name;
        self
    }

    /// Tells `observer` what happens.
    #[must_use]
    pub const fn observed_by(mut self, observer: &'a dyn Observer) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Enforces timeouts by `rule` instead of [`TimeoutRule::Measure`].
    #[must_use]
    pub const fn with_timeouts(mut self, rule: TimeoutRule) -> Self {
        self.timeouts = rule;
        self
    }

    /// Fails with `States.Runtime` after this many states instead of [`TRANSITIONS_MAX`], so that a
    /// machine that never ends fails instead of hanging.
    #[must_use]
    pub const fn with_transitions_max(mut self, transitions: u32) -> Self {
        self.transitions_max = transitions;
        self
    }

    /// Runs to the end: the output of the last state, or the error nothing caught.
    pub async fn run(self, input: Value) -> Result<Value, ExecutionFailure> {
        let input = within_limit("the input of the execution", input)?;
        let lane = Lane {
            execution: &self,
            graph: &self.machine.graph,
            context: context(self.name, &input),
            item: None,
        };
        lane.run(input).await
    }
}

fn context(name: &str, input: &Value) -> Value {
    json!({ "Execution": { "Id": name, "Name": name, "Input": input } })
}

/// One sequence of states: the execution's own, or that of one item of a `Map`.
struct Lane<'e> {
    execution: &'e Execution<'e>,
    graph: &'e Graph,
    context: Value,
    item: Option<usize>,
}

/// What a state gives, and the state that follows; `None` at the end.
type Outcome<'e> = Result<(Value, Option<&'e str>), ExecutionFailure>;

impl<'e> Lane<'e> {
    async fn run(&self, input: Value) -> Result<Value, ExecutionFailure> {
        let mut name = self.graph.start.as_str();
        let mut data = input;
        for _ in 0..self.execution.transitions_max {
            // The graph was checked: every target exists.
            let Some(state) = self.graph.states.get(name) else { break };
            self.tell(name, Happening::Entered);
            let (output, next) = self.step(name, state, data).await?;
            self.tell(name, Happening::Left);
            match next {
                Some(next) => name = next,
                None => return Ok(output),
            }
            data = output;
        }
        let most = self.execution.transitions_max;
        Err(ExecutionFailure::runtime(format!("no end after {most} states")))
    }

    async fn step(&self, name: &str, state: &'e State, input: Value) -> Outcome<'e> {
        match &state.kind {
            Kind::Choice(choice) => {
                let data = state.input.select(self.view(&input))?;
                let next = chosen(choice, self.view(&data))?;
                Ok((state.output.select(self.view(&data))?, Some(next)))
            }
            Kind::Fail(fail) => Err(failed(fail, self.view(&input))?),
            Kind::Pass(pass, exit) => Ok((self.pass(pass, state, input)?, exit.next())),
            Kind::Succeed => {
                let data = state.input.select(self.view(&input))?;
                Ok((state.output.select(self.view(&data))?, None))
            }
            Kind::Wait(wait, exit) => {
                let data = state.input.select(self.view(&input))?;
                let duration = duration(wait, self.view(&data))?;
                self.tell(name, Happening::Waiting { duration });
                self.execution.clock.sleep(duration).await;
                Ok((state.output.select(self.view(&data))?, exit.next()))
            }
            Kind::Work(work, exit) => {
                let mut retries = vec![0; work.retry.len()];
                loop {
                    match self.attempt(work, state, &input).await {
                        Ok(output) => return Ok((output, exit.next())),
                        Err(failure) => match self.retry(name, work, &mut retries, &failure) {
                            Some(delay) => self.execution.clock.sleep(delay).await,
                            None => return self.caught(name, work, failure, input),
                        },
                    }
                }
            }
        }
    }

    async fn attempt(&self, work: &Work, state: &State, input: &Value) -> Result<Value, ExecutionFailure> {
        let data = state.input.select(self.view(input))?;
        let result = match &work.job {
            Job::Map { settings, mode, processor } => self.map(settings, *mode, processor, &data).await?,
            Job::Task(task) => self.call(task, &data).await?,
        };
        let result = within_limit("the result of the state", result)?;
        let result = match &work.result_selector {
            Some(selector) => selector.fill(self.view(&result))?,
            None => result,
        };
        let combined = work.result_path.place(result, input.clone())?;
        within_limit("the output of the state", state.output.select(self.view(&combined))?)
    }

    /// How long to wait before the failed work is tried again; `None` when it is not.
    fn retry(
        &self,
        name: &str,
        work: &Work,
        retries: &mut [u32],
        failure: &ExecutionFailure,
    ) -> Option<SignedDuration> {
        // The first retrier that knows the error decides, even when it is used up.
        let (retrier, used) = work
            .retry
            .iter()
            .zip(retries)
            .find(|(retrier, _)| retrier.error_equals.include(&failure.error))?;
        if *used >= retrier.max_attempts {
            return None;
        }
        let delay = retrier.delay(*used, self.execution.jitter);
        *used += 1;
        self.tell(name, Happening::Retrying { failure, retry: *used, delay });
        Some(delay)
    }

    fn caught(&self, name: &str, work: &'e Work, failure: ExecutionFailure, input: Value) -> Outcome<'e> {
        let catcher = work.catch.iter().find(|catcher| catcher.error_equals.include(&failure.error));
        let Some(catcher) = catcher else { return Err(failure) };
        self.tell(name, Happening::Caught { failure: &failure, next: &catcher.next });
        let error = json!({ "Error": failure.error, "Cause": failure.cause });
        let output = within_limit("the caught error", catcher.result_path.place(error, input)?)?;
        Ok((output, Some(&catcher.next)))
    }

    async fn call(&self, task: &Task, data: &Value) -> Result<Value, ExecutionFailure> {
        let Call { function, payload } = &task.call;
        let payload = within_limit("the payload of the task", payload.fill(self.view(data))?)?;
        let call = self.execution.tasks.invoke(function, payload);
        let answer = match (task.timeout_seconds, self.execution.timeouts) {
            (None, _) | (_, TimeoutRule::Ignore) => call.await,
            (Some(seconds), TimeoutRule::Measure) => {
                let begin = self.execution.clock.now();
                let answer = call.await;
                let elapsed = self.execution.clock.now().duration_since(begin);
                if elapsed > SignedDuration::from_secs(seconds.into()) {
                    return Err(ExecutionFailure::timeout(seconds));
                }
                answer
            }
            (Some(seconds), TimeoutRule::Interrupt) => {
                let limit = self.execution.clock.sleep(SignedDuration::from_secs(seconds.into()));
                match future::select(call, limit).await {
                    Either::Left((answer, _)) => answer,
                    Either::Right(_) => return Err(ExecutionFailure::timeout(seconds)),
                }
            }
        };
        // The members of the answer a definition may rely on.
        Ok(json!({ "ExecutedVersion": "$LATEST", "StatusCode": 200, "Payload": answer? }))
    }

    /// Runs the processor for every item, a bounded number at once; the first failure drops the rest.
    async fn map(
        &self,
        settings: &MapSettings,
        mode: Mode,
        processor: &Graph,
        data: &Value,
    ) -> Result<Value, ExecutionFailure> {
        let Value::Array(items) = settings.items_path.select(self.view(data))? else {
            return Err(ExecutionFailure::runtime("the items of a map are not an array"));
        };
        let most = if settings.max_concurrency == 0 { usize::MAX } else { settings.max_concurrency };
        let mut results = vec![Value::Null; items.len()];
        let mut waiting = items.into_iter().enumerate();
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < most
                && let Some((index, item)) = waiting.next()
            {
                let input = self.item_input(settings, data, index, item)?;
                running.push(self.item(mode, processor, index, input).map(move |result| (index, result)));
            }
            match running.next().await {
                Some((index, result)) => results[index] = result?,
                None => return Ok(Value::Array(results)),
            }
        }
    }

    fn item_input(
        &self,
        settings: &MapSettings,
        data: &Value,
        index: usize,
        item: Value,
    ) -> Result<Value, ExecutionFailure> {
        let Some(selector) = &settings.item_selector else { return Ok(item) };
        let mut context = self.context.clone();
        context["Map"] = json!({ "Item": { "Index": index, "Value": item } });
        within_limit("the input of an item", selector.fill(View { data, context: &context })?)
    }

    /// Boxed, because an item's states may hold maps again.
    fn item<'s>(
        &'s self,
        mode: Mode,
        processor: &'s Graph,
        index: usize,
        input: Value,
    ) -> BoxFuture<'s, Result<Value, ExecutionFailure>> {
        let context = match mode {
            Mode::Distributed => context(&format!("{}:{index}", self.execution.name), &input),
            Mode::Inline => self.context.clone(),
        };
        let lane = Lane { execution: self.execution, graph: processor, context, item: Some(index) };
        async move {
            let result = lane.run(input).await;
            result.map_err(|failure| match mode {
                Mode::Distributed => ExecutionFailure::distributed_item(index, &failure),
                Mode::Inline => failure,
            })
        }
        .boxed()
    }

    fn pass(&self, pass: &Pass, state: &State, input: Value) -> Result<Value, ExecutionFailure> {
        let data = state.input.select(self.view(&input))?;
        let result = match (&pass.result, &pass.parameters) {
            (Some(result), _) => result.clone(),
            (None, Some(parameters)) => parameters.fill(self.view(&data))?,
            (None, None) => data,
        };
        let combined = pass.result_path.place(result, input)?;
        within_limit("the output of the state", state.output.select(self.view(&combined))?)
    }

    const fn view<'v>(&'v self, data: &'v Value) -> View<'v> {
        View { data, context: &self.context }
    }

    fn tell(&self, state: &str, happening: Happening<'_>) {
        if let Some(observer) = self.execution.observer {
            observer.observe(Event { state, item: self.item, happening });
        }
    }
}

fn chosen<'e>(choice: &'e Choice, view: View<'_>) -> Result<&'e str, ExecutionFailure> {
    for rule in &choice.rules {
        if rule.test.holds(view)? {
            return Ok(&rule.next);
        }
    }
    choice.default.as_deref().ok_or_else(ExecutionFailure::no_choice_matched)
}

/// The error a `Fail` state stands for; an error of its own when its paths select no text.
fn failed(fail: &Fail, view: View<'_>) -> Result<ExecutionFailure, ExecutionFailure> {
    Ok(ExecutionFailure::new(text(&fail.error, view)?, text(&fail.cause, view)?))
}

fn text(text: &Text, view: View<'_>) -> Result<String, ExecutionFailure> {
    match text {
        Text::Literal(text) => Ok(text.clone()),
        Text::Selected(path) => match path.require(view)?.as_str() {
            Some(text) => Ok(text.to_owned()),
            None => Err(ExecutionFailure::runtime(format!("`{path}` selects no text"))),
        },
    }
}

fn duration(wait: &Wait, view: View<'_>) -> Result<SignedDuration, ExecutionFailure> {
    let seconds = match wait {
        Wait::Seconds(seconds) => *seconds,
        Wait::SecondsPath(path) => {
            let seconds = path.require(view)?.as_u64().and_then(|seconds| u32::try_from(seconds).ok());
            seconds.ok_or_else(|| {
                ExecutionFailure::runtime(format!("`{path}` selects no whole number of seconds"))
            })?
        }
    };
    Ok(SignedDuration::from_secs(seconds.into()))
}

impl Exit {
    fn next(&self) -> Option<&str> {
        match self {
            Self::End => None,
            Self::Next(next) => Some(next),
        }
    }
}
