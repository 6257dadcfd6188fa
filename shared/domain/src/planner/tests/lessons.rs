//! Failures that other products are known for, each by its name.
