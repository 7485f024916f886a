//! What the target `sequences` is made of: steps that the fuzzer chooses, and the little world
//! they are taken in.

pub mod step;
pub mod verb;
pub mod world;
