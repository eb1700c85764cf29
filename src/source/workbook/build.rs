//! Workbooks for tests.
