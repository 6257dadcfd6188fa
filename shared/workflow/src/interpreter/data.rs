//! How much data a state may carry.

use std::io;

use serde_json::Value;

use super::failure::ExecutionFailure;

/// The most bytes of JSON a state may take or give: 256 KiB (Step Functions quotas, "maximum input
/// or output size").
pub const STATE_BYTES_MAX: usize = 256 * 1024;

/// Passes `value` on when it fits into a state.
pub(super) fn within_limit(what: &str, value: Value) -> Result<Value, ExecutionFailure> {
    let mut size = Size(0);
    // Writing to a counter cannot fail, and neither can serializing a `Value`.
    let written = serde_json::to_writer(&mut size, &value);
    debug_assert!(written.is_ok());
    if size.0 > STATE_BYTES_MAX {
        return Err(ExecutionFailure::data_limit(what, size.0, STATE_BYTES_MAX));
    }
    Ok(value)
}

struct Size(usize);

impl io::Write for Size {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
