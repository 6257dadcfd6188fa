//! One table and the few operations the repositories are made of.

use std::{borrow::Cow, collections::HashMap};

use aws_sdk_dynamodb::{
    Client,
    config::{
        BehaviorVersion, Region, SharedHttpClient, StalledStreamProtectionConfig, retry::RetryConfig,
        timeout::TimeoutConfig,
    },
    error::SdkError,
    operation::put_item::PutItemError,
    operation::transact_write_items::TransactWriteItemsError,
    operation::update_item::UpdateItemError,
    types::{
        AttributeDefinition, AttributeValue, BillingMode, CancellationReason, GlobalSecondaryIndex,
        KeySchemaElement, KeyType, KeysAndAttributes, Projection, ProjectionType, Put, ReturnValue,
        ReturnValuesOnConditionCheckFailure, ScalarAttributeType, TimeToLiveSpecification, TransactWriteItem,
        Update,
    },
};
use aws_smithy_runtime_api::client::auth::AuthSchemeId;
use serde::{Serialize, de::DeserializeOwned};

use crate::{error::StoreError, keys::Key};

/// An item as DynamoDB has it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// The index over open review items, by the time they were opened.
pub(crate) const OPEN_REVIEWS_INDEX: &str = "open-reviews";

/// Attribute that holds the second (Unix time) after which DynamoDB may remove an item.
pub(crate) const EXPIRES: &str = "expires";

/// Keys in one `BatchGetItem` (AWS API reference).
const BATCH_GET_MAX: usize = 100;

/// The table of this deployment. Clones share the client.
#[derive(Clone, Debug)]
pub struct Store {
    client: Client,
    table: String,
}

/// A DynamoDB client over any HTTP client: the embedded engine, or one that injects faults. It does not
/// sign, time out or retry, since whatever stands below is in the process.
pub fn client_over(http: SharedHttpClient) -> Client {
    client_at("http://embedded.invalid", http)
}

/// [`client_over`] for an engine behind an address of this machine.
pub fn client_at(endpoint: &str, http: SharedHttpClient) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .allow_no_auth()
        .auth_scheme_preference([AuthSchemeId::new("noAuth")])
        .endpoint_url(endpoint)
        .http_client(http)
        .region(Region::from_static("local"))
        .retry_config(RetryConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .timeout_config(TimeoutConfig::disabled())
        .build();
    Client::from_conf(config)
}

/// A condition with its values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Condition {
    pub(crate) expression: &'static str,
    pub(crate) names: Vec<(&'static str, &'static str)>,
    /// Names that are not known at compile time, such as a run's id.
    pub(crate) own_names: Vec<(&'static str, String)>,
    pub(crate) values: Vec<(&'static str, AttributeValue)>,
}

impl Condition {
    pub(crate) fn absent() -> Self {
        Self { expression: "attribute_not_exists(pk)", ..Self::default() }
    }

    pub(crate) fn of(expression: &'static str, values: Vec<(&'static str, AttributeValue)>) -> Self {
        Self { expression, values, ..Self::default() }
    }
}

/// One write of a transaction.
#[derive(Clone, Debug)]
pub(crate) enum Write {
    Put { item: Item, condition: Condition },
    Update(Change),
}

/// A change of one item.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) key: Key,
    /// The update expression.
    pub(crate) expression: Cow<'static, str>,
    pub(crate) condition: Condition,
    /// Values of the expression, besides the condition's.
    pub(crate) extra: Vec<(&'static str, AttributeValue)>,
}

/// What became of a transaction.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Transacted {
    Done,
    /// Nothing was written; for each write, whether its condition was what failed.
    Refused(Vec<bool>),
}

/// What became of a conditional write.
#[derive(Debug)]
pub(crate) enum Written {
    Done(Item),
    /// The condition did not hold; the item as it is, when there is one.
    Refused(Option<Item>),
}

impl Written {
    pub(crate) fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }
}

impl Store {
    /// The table called `table`, reached through `client`.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// Makes the table if it is not there: for the local mode and emulators. On AWS the template
    /// makes it; `the_template_has_the_same_table` holds both together.
    pub async fn create_table_if_absent(&self) -> Result<(), StoreError> {
        if self.client.describe_table().table_name(&self.table).send().await.is_ok() {
            return Ok(());
        }
        let attributes = ["pk", "sk", "review_pk", "review_sk"].map(|name| {
            let definition = AttributeDefinition::builder().attribute_name(name);
            definition.attribute_type(ScalarAttributeType::S).build().ok()
        });
        let index = GlobalSecondaryIndex::builder()
            .index_name(OPEN_REVIEWS_INDEX)
            .set_key_schema(Some(key_schema("review_pk", "review_sk")))
            .projection(Projection::builder().projection_type(ProjectionType::All).build())
            .build()
            .map_err(|error| StoreError::damaged("index definition", error))?;
        self.client
            .create_table()
            .table_name(&self.table)
            .billing_mode(BillingMode::PayPerRequest)
            .set_attribute_definitions(Some(attributes.into_iter().flatten().collect()))
            .set_key_schema(Some(key_schema("pk", "sk")))
            .global_secondary_indexes(index)
            .send()
            .await
            .map_err(|error| StoreError::of("CreateTable", &error))?;
        let expiry = TimeToLiveSpecification::builder().attribute_name(EXPIRES).enabled(true).build();
        self.client
            .update_time_to_live()
            .table_name(&self.table)
            .time_to_live_specification(expiry.map_err(|error| StoreError::damaged("expiry", error))?)
            .send()
            .await
            .map_err(|error| StoreError::of("UpdateTimeToLive", &error))?;
        Ok(())
    }

    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        what: &'static str,
        key: &Key,
    ) -> Result<Option<T>, StoreError> {
        let answer = Box::pin(
            self.client
                .get_item()
                .table_name(&self.table)
                .set_key(Some(key_item(key)))
                .consistent_read(true)
                .send(),
        )
        .await
        .map_err(|error| StoreError::of("GetItem", &error))?;
        answer.item.map(|item| decode(what, item)).transpose()
    }

    /// Reads many items; those that are not there are left out. Order is not kept.
    pub(crate) async fn batch_get<T: DeserializeOwned>(
        &self,
        what: &'static str,
        keys: Vec<Key>,
    ) -> Result<Vec<T>, StoreError> {
        let items = self.batch_get_items(what, keys).await?;
        items.into_iter().map(|item| decode(what, item)).collect()
    }

    /// The same, for items of several kinds.
    pub(crate) async fn batch_get_items(
        &self,
        what: &'static str,
        keys: Vec<Key>,
    ) -> Result<Vec<Item>, StoreError> {
        let mut found = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(BATCH_GET_MAX) {
            let mut pending: Vec<Item> = chunk.iter().map(key_item).collect();
            let mut rounds = 0;
            while !pending.is_empty() {
                rounds += 1;
                if rounds > 20 {
                    let code = "keys stay unprocessed".to_owned();
                    return Err(StoreError::Unavailable { operation: "BatchGetItem", code });
                }
                let wanted = KeysAndAttributes::builder().set_keys(Some(pending)).consistent_read(true);
                let wanted = wanted.build().map_err(|error| StoreError::damaged(what, error))?;
                let answer = Box::pin(self.client.batch_get_item().request_items(&self.table, wanted).send())
                    .await
                    .map_err(|error| StoreError::of("BatchGetItem", &error))?;
                found.extend(answer.responses.unwrap_or_default().into_values().flatten());
                let rest = answer.unprocessed_keys.unwrap_or_default().into_values();
                pending = rest.flat_map(|rest| rest.keys).collect();
            }
        }
        Ok(found)
    }

    /// One page of a partition's items in the order of their sort keys; `next` continues it.
    pub(crate) async fn query_page(
        &self,
        query: &Query<'_>,
    ) -> Result<(Vec<Item>, Option<Item>), StoreError> {
        let (pk, sk) = if query.index.is_some() { ("review_pk", "review_sk") } else { ("pk", "sk") };
        let condition = match query.prefix {
            Some(_) => format!("{pk} = :pk AND begins_with({sk}, :prefix)"),
            None => format!("{pk} = :pk"),
        };
        let answer = Box::pin(
            self.client
                .query()
                .table_name(&self.table)
                .set_index_name(query.index.map(str::to_owned))
                .key_condition_expression(condition)
                .set_expression_attribute_values(Some(query.values()))
                .consistent_read(query.index.is_none())
                .scan_index_forward(!query.newest_first)
                .set_limit(query.limit)
                .set_projection_expression(query.projection.map(str::to_owned))
                .set_expression_attribute_names(query.names())
                .set_exclusive_start_key(query.after.clone())
                .send(),
        )
        .await
        .map_err(|error| StoreError::of("Query", &error))?;
        Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key))
    }

    /// Every item of a partition, page by page.
    pub(crate) async fn query<T: DeserializeOwned>(
        &self,
        what: &'static str,
        pk: &str,
        prefix: Option<&str>,
    ) -> Result<Vec<T>, StoreError> {
        let mut query = Query { prefix, ..Query::of(pk) };
        let mut found = Vec::new();
        loop {
            let (items, next) = self.query_page(&query).await?;
            for item in items {
                found.push(decode(what, item)?);
            }
            match next {
                Some(next) => query.after = Some(next),
                None => return Ok(found),
            }
        }
    }

    pub(crate) async fn put<T: Serialize>(
        &self,
        what: &'static str,
        key: &Key,
        row: &T,
        condition: Condition,
    ) -> Result<Written, StoreError> {
        let item = encode(what, key, row)?;
        self.put_item(item, condition).await
    }

    pub(crate) async fn put_item(&self, item: Item, condition: Condition) -> Result<Written, StoreError> {
        let answer = Box::pin(
            self.client
                .put_item()
                .table_name(&self.table)
                .set_item(Some(item))
                .set_condition_expression(condition_text(&condition))
                .set_expression_attribute_names(all_names(&condition))
                .set_expression_attribute_values(values(condition.values))
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                .send(),
        )
        .await;
        match answer {
            Ok(_) => Ok(Written::Done(Item::new())),
            Err(SdkError::ServiceError(service)) if service.err().is_conditional_check_failed_exception() => {
                let PutItemError::ConditionalCheckFailedException(refusal) = service.into_err() else {
                    return Ok(Written::Refused(None));
                };
                Ok(Written::Refused(refusal.item))
            }
            Err(error) => Err(StoreError::of("PutItem", &error)),
        }
    }

    /// Changes one item and returns what it is afterwards.
    pub(crate) async fn update(
        &self,
        key: &Key,
        change: &str,
        condition: Condition,
        extra: Vec<(&'static str, AttributeValue)>,
    ) -> Result<Written, StoreError> {
        let mut all = condition.values.clone();
        all.extend(extra);
        let answer = Box::pin(
            self.client
                .update_item()
                .table_name(&self.table)
                .set_key(Some(key_item(key)))
                .update_expression(change)
                .set_condition_expression(condition_text(&condition))
                .set_expression_attribute_names(all_names(&condition))
                .set_expression_attribute_values(values(all))
                .return_values(ReturnValue::AllNew)
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                .send(),
        )
        .await;
        match answer {
            Ok(answer) => Ok(Written::Done(answer.attributes.unwrap_or_default())),
            Err(SdkError::ServiceError(service)) if service.err().is_conditional_check_failed_exception() => {
                let UpdateItemError::ConditionalCheckFailedException(refusal) = service.into_err() else {
                    return Ok(Written::Refused(None));
                };
                Ok(Written::Refused(refusal.item))
            }
            Err(error) => Err(StoreError::of("UpdateItem", &error)),
        }
    }
}

impl Store {
    /// Writes all or nothing.
    pub(crate) async fn transact(&self, writes: Vec<Write>) -> Result<Transacted, StoreError> {
        const OPERATION: &str = "TransactWriteItems";
        let items: Result<Vec<TransactWriteItem>, StoreError> =
            writes.into_iter().map(|write| self.transacted(write)).collect();
        let call = self.client.transact_write_items().set_transact_items(Some(items?));
        match Box::pin(call.send()).await {
            Ok(_) => Ok(Transacted::Done),
            Err(SdkError::ServiceError(service)) if service.err().is_transaction_canceled_exception() => {
                let TransactWriteItemsError::TransactionCanceledException(cancelled) = service.into_err()
                else {
                    return Ok(Transacted::Refused(Vec::new()));
                };
                let reasons = cancelled.cancellation_reasons.unwrap_or_default();
                let is = |code: &'static str| move |reason: &CancellationReason| reason.code() == Some(code);
                let failed: Vec<bool> = reasons.iter().map(is("ConditionalCheckFailed")).collect();
                if failed.contains(&true) {
                    return Ok(Transacted::Refused(failed));
                }
                // An item that would become too large, for one (AWS API reference, TransactWriteItems).
                if reasons.iter().any(is("ValidationError")) {
                    let code = "ValidationException".to_owned();
                    return Err(StoreError::Refused { operation: OPERATION, code });
                }
                // Somebody else wrote one of the items at the same moment.
                Err(StoreError::Unavailable { operation: OPERATION, code: "transaction conflict".to_owned() })
            }
            Err(error) => Err(StoreError::of(OPERATION, &error)),
        }
    }

    fn transacted(&self, write: Write) -> Result<TransactWriteItem, StoreError> {
        let item = TransactWriteItem::builder();
        let damaged = |error| StoreError::damaged("transaction", error);
        Ok(match write {
            Write::Put { item: row, condition } => {
                let put = Put::builder()
                    .table_name(&self.table)
                    .set_item(Some(row))
                    .set_condition_expression(condition_text(&condition))
                    .set_expression_attribute_names(all_names(&condition))
                    .set_expression_attribute_values(values(condition.values));
                item.put(put.build().map_err(damaged)?).build()
            }
            Write::Update(Change { key, expression, condition, extra }) => {
                let mut all = condition.values.clone();
                all.extend(extra);
                let update = Update::builder()
                    .table_name(&self.table)
                    .set_key(Some(key_item(&key)))
                    .update_expression(expression)
                    .set_condition_expression(condition_text(&condition))
                    .set_expression_attribute_names(all_names(&condition))
                    .set_expression_attribute_values(values(all));
                item.update(update.build().map_err(damaged)?).build()
            }
        })
    }
}

/// What to read of one partition.
#[derive(Clone, Debug)]
pub(crate) struct Query<'a> {
    pub(crate) pk: &'a str,
    pub(crate) prefix: Option<&'a str>,
    pub(crate) index: Option<&'static str>,
    pub(crate) newest_first: bool,
    pub(crate) limit: Option<i32>,
    pub(crate) projection: Option<&'static str>,
    pub(crate) names: &'static [(&'static str, &'static str)],
    pub(crate) after: Option<Item>,
}

impl<'a> Query<'a> {
    pub(crate) fn of(pk: &'a str) -> Self {
        Self {
            pk,
            prefix: None,
            index: None,
            newest_first: false,
            limit: None,
            projection: None,
            names: &[],
            after: None,
        }
    }

    fn values(&self) -> Item {
        let prefix = self.prefix.map(|prefix| (":prefix".to_owned(), text(prefix)));
        [(":pk".to_owned(), text(self.pk))].into_iter().chain(prefix).collect()
    }

    fn names(&self) -> Option<HashMap<String, String>> {
        names(self.names)
    }
}

pub(crate) fn text(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// The text of an attribute; `None` when there is none, or no text.
pub(crate) fn text_of(item: &Item, name: &str) -> Option<String> {
    item.get(name)?.as_s().ok().cloned()
}

pub(crate) fn decode<T: DeserializeOwned>(what: &'static str, item: Item) -> Result<T, StoreError> {
    serde_dynamo::from_item(item).map_err(|error| StoreError::damaged(what, error))
}

pub(crate) fn encode<T: Serialize>(what: &'static str, key: &Key, row: &T) -> Result<Item, StoreError> {
    let mut item: Item = serde_dynamo::to_item(row).map_err(|error| StoreError::damaged(what, error))?;
    item.retain(|_, value| !matches!(value, AttributeValue::Null(_)));
    item.extend(key_item(key));
    Ok(item)
}

/// One value of a row, as it is stored inside an item.
pub(crate) fn value<T: Serialize>(what: &'static str, row: &T) -> Result<AttributeValue, StoreError> {
    serde_dynamo::to_attribute_value(row).map_err(|error| StoreError::damaged(what, error))
}

fn key_item(key: &Key) -> Item {
    HashMap::from([("pk".to_owned(), text(&key.pk)), ("sk".to_owned(), text(&key.sk))])
}

fn condition_text(condition: &Condition) -> Option<String> {
    (!condition.expression.is_empty()).then(|| condition.expression.to_owned())
}

fn all_names(condition: &Condition) -> Option<HashMap<String, String>> {
    let own = condition.own_names.iter().map(|(short, name)| ((*short).to_owned(), name.clone()));
    let names: HashMap<String, String> =
        names(&condition.names).unwrap_or_default().into_iter().chain(own).collect();
    (!names.is_empty()).then_some(names)
}

fn names(names: &[(&'static str, &'static str)]) -> Option<HashMap<String, String>> {
    let names: HashMap<String, String> =
        names.iter().map(|(short, name)| ((*short).to_owned(), (*name).to_owned())).collect();
    (!names.is_empty()).then_some(names)
}

fn values(values: Vec<(&'static str, AttributeValue)>) -> Option<Item> {
    let values: Item = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    (!values.is_empty()).then_some(values)
}

fn key_schema(partition: &str, sort: &str) -> Vec<KeySchemaElement> {
    [(partition, KeyType::Hash), (sort, KeyType::Range)]
        .into_iter()
        .filter_map(|(name, kind)| {
            KeySchemaElement::builder().attribute_name(name).key_type(kind).build().ok()
        })
        .collect()
}
