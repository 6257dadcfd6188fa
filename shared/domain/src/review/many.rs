//! Which contact a person is when many questions are answered alike and nobody looks at each.

use crate::ids::ContactId;

/// A contact that it could be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Possible {
    /// The contact.
    pub contact: ContactId,
    /// Whether it has one of the person's addresses.
    pub has_address: bool,
    /// Whether it belongs to the person's account.
    pub is_theirs: bool,
}

/// Why nobody but a human can tell.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unclear {
    /// Nothing but a name speaks for any of them, or there are none; a name links nobody.
    NameOnly,
    /// More than a name speaks for several.
    SeveralContacts,
}

/// The one contact for which more than a name speaks.
///
/// # Errors
/// When there is none, or more than one.
pub fn the_one(possible: impl IntoIterator<Item = Possible>) -> Result<ContactId, Unclear> {
    let mut known = possible.into_iter().filter(|it| it.has_address || it.is_theirs);
    let one = known.next().ok_or(Unclear::NameOnly)?;
    if known.next().is_some() { Err(Unclear::SeveralContacts) } else { Ok(one.contact) }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn one_contact_for_which_more_than_a_name_speaks_is_the_one() {
        let id = |number| ContactId::new(Uuid::from_u128(number));
        let of = |number, has_address, is_theirs| Possible { contact: id(number), has_address, is_theirs };
        let (name, address) = (of(1, false, false), of(2, true, false));
        let (theirs, both) = (of(3, false, true), of(4, true, true));
        for (possible, expected) in [
            (vec![], Err(Unclear::NameOnly)),
            (vec![name], Err(Unclear::NameOnly)),
            (vec![address], Ok(id(2))),
            (vec![theirs], Ok(id(3))),
            (vec![both], Ok(id(4))),
            // A namesake changes nothing.
            (vec![name, address], Ok(id(2))),
            (vec![theirs, name], Ok(id(3))),
            // Whose contact and whose address are two: moved on, or mixed up.
            (vec![theirs, address], Err(Unclear::SeveralContacts)),
            (vec![address, both], Err(Unclear::SeveralContacts)),
        ] {
            assert_eq!(the_one(possible.clone()), expected, "{possible:?}");
        }
    }
}
