//! End to end, on real engines, over the public contracts. One program, for linking is what costs.

mod approvals;
mod bad_files;
mod bad_input;
mod barred;
mod call_back;
mod clients;
mod complaint;
mod console;
mod crash;
mod customers_told;
mod deadlines;
mod hand_off;
mod lines;
mod live;
mod major;
mod replicas;
mod restored;
mod versions;
mod vouched;
