//! Listings that lie: the faults that change what a page says.

use serde_json::{Map, Value, json};

use crate::{
    delta::{ChangeList, Onward},
    faults::{BadRow, Effect},
    listing::{Link, List},
    query::Position,
};

/// Bytes that no record has: the largest that is known has under a megabyte.
const LARGER_THAN_ANY_ROW: usize = 3 * 1024 * 1024;

/// Changes one page as the fault says; faults that are not about pages change nothing.
pub(crate) fn distort(list: &mut List, effect: &Effect) {
    let again = Position { slot: list.here.slot, page: list.here.page + 1 };
    match effect {
        Effect::EmptyPageWithNext => {
            list.rows.clear();
            list.next = Some(Link::Page(again));
        }
        Effect::EmptyAnswer => {
            list.rows.clear();
            list.next = None;
        }
        Effect::CutListing => list.next = None,
        Effect::RepeatedRow => {
            if let Some(slot) = list.last_slot {
                list.next = Some(Link::Page(Position { slot, ..again }));
            }
        }
        Effect::ForeignNextLink(host) => {
            let position = match list.next {
                Some(Link::Page(position)) => position,
                _ => again,
            };
            list.next = Some(Link::Foreign(host.clone(), position));
        }
        Effect::NextLinkLoop => list.next = Some(Link::Page(list.here)),
        Effect::WrongTenant if list.is_organization => {
            for row in &mut list.rows {
                change(row, |row| {
                    row.insert("id".to_owned(), json!("00000000-dead-4bad-8bad-000000000000"));
                });
            }
        }
        Effect::BadRow(how) => spoil_first_row(&mut list.rows, *how),
        Effect::ReorderedRows => list.rows.reverse(),
        _ => {}
    }
}

/// The same for one page of changes.
pub(crate) fn distort_changes(list: &mut ChangeList, effect: &Effect) {
    match effect {
        Effect::EmptyPageWithNext => {
            list.rows.clear();
            list.onward = Onward::Page(list.here.again_at(list.here.offset));
        }
        Effect::EmptyAnswer => {
            list.rows.clear();
            list.onward = Onward::Nowhere;
        }
        Effect::CutListing => list.onward = Onward::Nowhere,
        Effect::RepeatedRow => {
            if let Some(offset) = list.last_offset {
                list.onward = Onward::Page(list.here.again_at(offset));
            }
        }
        Effect::ForeignNextLink(host) => list.foreign_host = Some(host.clone()),
        Effect::NextLinkLoop => list.onward = Onward::Page(list.here.clone()),
        Effect::BadRow(how) => spoil_first_row(&mut list.rows, *how),
        Effect::ReorderedRows => list.rows.reverse(),
        Effect::RepeatedChange => repeat_last_row(&mut list.rows),
        Effect::DelayedChange => list.keep_back_the_first(),
        Effect::LostChange => list.lose_the_first(),
        _ => {}
    }
}

/// The order counts: only the last of the three is true.
fn repeat_last_row(rows: &mut Vec<String>) {
    let Some(last) = rows.last().cloned() else { return };
    let mut earlier = last.clone();
    change(&mut earlier, |row| {
        row.insert("@removed".to_owned(), json!({ "reason": "changed" }));
        row.retain(|name, _| name == "id" || name == "@removed");
    });
    rows.insert(0, earlier);
    rows.push(last);
}

fn spoil_first_row(rows: &mut Vec<String>, how: BadRow) {
    if rows.is_empty() {
        rows.push("{}".to_owned());
    }
    if how == BadRow::NotAnObject {
        "null".clone_into(&mut rows[0]);
        return;
    }
    change(&mut rows[0], |row| match how {
        BadRow::IdNotGuid => {
            row.insert("id".to_owned(), json!("id-value"));
        }
        BadRow::NotAnObject => {}
        BadRow::TooLarge => {
            row.insert("aboutMe".to_owned(), json!("x".repeat(LARGER_THAN_ANY_ROW)));
        }
        BadRow::UnknownRemoval => {
            row.insert("@removed".to_owned(), json!({ "reason": "moved" }));
        }
        BadRow::WithoutId => {
            row.remove("id");
        }
        BadRow::WrongMember => {
            row.insert("displayName".to_owned(), json!({ "text": "not a text" }));
        }
        BadRow::WrongTypes => {
            row.insert("id".to_owned(), json!(42));
            row.insert("displayName".to_owned(), json!({ "text": "not a text" }));
            row.insert("accountEnabled".to_owned(), json!("yes"));
        }
    });
}

fn change(row: &mut String, change: impl FnOnce(&mut Map<String, Value>)) {
    let mut fields: Map<String, Value> = serde_json::from_str(row).unwrap_or_default();
    change(&mut fields);
    *row = Value::Object(fields).to_string();
}
