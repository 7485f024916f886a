//! Not supported: only the doctor needs these calls, and it runs on Linux only.
