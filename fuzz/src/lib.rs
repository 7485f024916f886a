//! Support for the target `sequences`: steps that the fuzzer chooses, and the trees they run on.

mod root_verb;
pub mod step;
pub mod verb;
pub mod world;
