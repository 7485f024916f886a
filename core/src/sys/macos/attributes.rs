//! Not supported: the doctor asks these questions, and runs on Linux only.
