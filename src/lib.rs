pub mod domain;
pub mod event;
pub mod plan;
pub mod store;
