//! What a CIPP API says (github.com/KelvinTegelaar/CIPP-API): PowerShell functions that pass on what
//! Graph answered them, with failures in place of data and in answers of status 200. CIPP promises no
//! stability, so there is one reader for each shape and everything it does not know is a failure, never
//! an empty list.

pub mod bearer;
pub mod call;
pub mod envelope;
pub mod me;
pub mod members;
pub mod organization;
mod passed_on;
mod row;
pub mod tenants;
pub mod users;
