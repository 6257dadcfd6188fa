//! The table, against the one the store makes for itself.

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use embedded::Engine;
use serde_json::{Value, json};
use store::{Store, client_over};
use tests::template::Template;

/// `Store::create_table_if_absent` makes the table of the local mode; the template makes AWS'.
#[tokio::test]
async fn the_template_has_the_same_table() {
    let client = client_over(SharedHttpClient::new(Engine::in_memory().unwrap()));
    Store::new(client.clone(), "local").create_table_if_absent().await.unwrap();
    let table = client.describe_table().table_name("local").send().await.unwrap().table.unwrap();

    let template = Template::load();
    let deployed = template.resource("Table");
    let mut attributes: Vec<Value> = table
        .attribute_definitions()
        .iter()
        .map(|it| json!({ "AttributeName": it.attribute_name(), "AttributeType": it.attribute_type().as_str() }))
        .collect();
    let mut expected = deployed["AttributeDefinitions"].as_array().unwrap().clone();
    for list in [&mut attributes, &mut expected] {
        list.sort_by_key(ToString::to_string);
    }
    assert_eq!(attributes, expected);
    let keys = |schema: &[aws_sdk_dynamodb::types::KeySchemaElement]| -> Value {
        let keys = schema.iter();
        keys.map(|key| json!({ "AttributeName": key.attribute_name(), "KeyType": key.key_type().as_str() }))
            .collect()
    };
    assert_eq!(keys(table.key_schema()), deployed["KeySchema"]);
    let indexes: Value = table
        .global_secondary_indexes()
        .iter()
        .map(|index| {
            json!({
                "IndexName": index.index_name().unwrap(),
                "KeySchema": keys(index.key_schema()),
                "Projection": { "ProjectionType": index.projection().unwrap().projection_type().unwrap().as_str() },
            })
        })
        .collect();
    assert_eq!(indexes, deployed["GlobalSecondaryIndexes"]);
}

#[test]
fn the_table_is_kept_encrypted_and_can_be_taken_back() {
    let template = Template::load();
    let resource = &template.0["Resources"]["Table"];
    assert_eq!(
        (&resource["DeletionPolicy"], &resource["UpdateReplacePolicy"]),
        (&json!("Retain"), &json!("Retain"))
    );
    let table = &resource["Properties"];
    assert_eq!(table["BillingMode"], "PAY_PER_REQUEST");
    assert_eq!(table["DeletionProtectionEnabled"], true);
    assert_eq!(table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true);
    assert_eq!(table["SSESpecification"]["SSEEnabled"], true);
    let attribute = table["TimeToLiveSpecification"]["AttributeName"].as_str().unwrap();
    assert_eq!(table["TimeToLiveSpecification"]["Enabled"], true);
    // What pending sign-ins and plan pages carry.
    let declared = format!("const EXPIRES: &str = \"{attribute}\";");
    assert!(tests::repository::text("shared/store/src/table.rs").contains(&declared), "{attribute}");
}
