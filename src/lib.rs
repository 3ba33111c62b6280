pub mod domain;
pub mod event;
pub mod fetch;
pub mod ingest;
pub mod plan;
pub mod store;
pub mod sync;
