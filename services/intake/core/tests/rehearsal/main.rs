//! Intake in memory: what people ask, what others say, and what becomes of a case.

mod access;
mod beside;
mod closing;
mod customers;
mod forms;
mod moving;
mod notes;
mod office;
mod opening;
mod order;
mod repeats;
mod world;
