//! Room: see ARCHITECTURE.md.
