//! A tenant that has been synced before.

use super::*;

/// A world in which users 1 to `count` are linked to contacts of the same number.
pub(super) fn with_staff(count: u128) -> (World, Vec<DirectoryUser>) {
    staffed(World::new(), count)
}

/// The same under the rules of `world`.
pub(super) fn staffed(mut world: World, count: u128) -> (World, Vec<DirectoryUser>) {
    let staff = staff(1..=count);
    for (user, number) in staff.iter().zip(1..) {
        world.add_contact(number, &format!("Person {number}"), &format!("u{number}@acme.example"));
        world.link(user, number);
    }
    world.policy.active_links = u64::try_from(count).ok();
    (world, staff)
}

/// People who are called alike but for their number.
pub(super) fn staff(numbers: impl Iterator<Item = u128>) -> Vec<DirectoryUser> {
    numbers
        .map(|number| person(number, &format!("Person {number}"), &format!("u{number}@acme.example")))
        .collect()
}
