//! Maps: how many items at once, what an item sees, and what its failure does.

use super::*;

/// Tasks that wait for each other's turn, and remember how many were under way at once.
#[derive(Default)]
struct Crowd {
    inside: AtomicUsize,
    most: AtomicUsize,
}

#[async_trait]
impl Tasks for Crowd {
    async fn invoke(&self, _function: &str, payload: Value) -> Result<Value, TaskFailure> {
        let inside = self.inside.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(inside, Ordering::SeqCst);
        // Later items are done sooner.
        for _ in 0..20_u64.saturating_sub(payload.as_u64().unwrap()) {
            tokio::task::yield_now().await;
        }
        self.inside.fetch_sub(1, Ordering::SeqCst);
        Ok(payload)
    }
}

#[tokio::test]
async fn a_map_works_a_bounded_number_at_once_and_keeps_the_order() {
    let item = task(json!({ "OutputPath": "$.Payload" }));
    for (bound, most) in
        [(json!({ "MaxConcurrency": 3 }), 3), (json!({ "MaxConcurrency": 1 }), 1), (json!({}), 12)]
    {
        let machine = machine(
            "It",
            json!({ "It": map(json!({ "StartAt": "Item", "States": { "Item": item } }), bound) }),
        );
        let tasks = Crowd::default();
        let items: Vec<u32> = (0..12).collect();
        let result = machine.run(json!(items), &tasks, &clock(), &SeededEntropy::new(1)).await;
        assert_eq!(result.unwrap(), json!(items));
        assert_eq!(tasks.most.into_inner(), most);
    }
}

#[tokio::test]
async fn items_are_selected_and_a_failing_one_fails_the_map() {
    let selecting = |mode: Value| {
        let processor = json!({
            "ProcessorConfig": mode,
            "StartAt": "Item",
            "States": { "Item": task(json!({ "OutputPath": "$.Payload.given" })) }
        });
        let selector =
            json!({ "all.$": "$.shared", "index.$": "$$.Map.Item.Index", "it.$": "$$.Map.Item.Value.x" });
        machine(
            "It",
            json!({ "It": map(processor, json!({ "ItemsPath": "$.items", "ItemSelector": selector })) }),
        )
    };
    let input = json!({ "shared": "s", "items": [{ "x": 1 }, { "x": 2 }] });
    let distributed = json!({ "Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS" });
    for (mode, error) in
        [(json!({ "Mode": "INLINE" }), "A"), (distributed, "States.ExceedToleratedFailureThreshold")]
    {
        let machine = selecting(mode);
        let result = machine.run(input.clone(), &Script::default(), &clock(), &SeededEntropy::new(1)).await;
        let item = |index: u32| json!({ "all": "s", "index": index, "it": index + 1 });
        assert_eq!(result.unwrap(), json!([item(0), item(1)]));
        let result = machine.run(input.clone(), &failing(&["A"]), &clock(), &SeededEntropy::new(1)).await;
        assert_eq!(result.unwrap_err().error, error);
    }
}

#[tokio::test]
async fn a_distributed_item_is_an_execution_of_its_own() {
    let name = json!({ "Type": "Pass", "Parameters": { "name.$": "$$.Execution.Name", "in.$": "$$.Execution.Input" }, "End": true });
    let distributed = json!({ "Mode": "DISTRIBUTED", "ExecutionType": "STANDARD" });
    for (mode, first) in [
        (distributed, json!({ "name": "run:0", "in": "a" })),
        (json!({}), json!({ "name": "run", "in": ["a"] })),
    ] {
        let processor = json!({ "ProcessorConfig": mode, "StartAt": "Item", "States": { "Item": name } });
        let machine = machine("It", json!({ "It": map(processor, json!({})) }));
        let (tasks, clock, jitter) = (Script::default(), clock(), SeededEntropy::new(1));
        let execution = Execution::new(&machine, &tasks, &clock, &jitter).named("run");
        assert_eq!(execution.run(json!(["a"])).await.unwrap(), json!([first]));
    }
}
