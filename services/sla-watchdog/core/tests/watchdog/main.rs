//! The watchdog's core in simulated time: what is judged, when, and who is told.

mod bench;
mod cycles;
mod desk;
mod evidence;
mod holders;
mod instances;
mod ladder;
mod limits;
mod moved;
mod order;
mod pauses;
mod verdicts;
