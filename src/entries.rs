//! Entries of directories as data for JavaScript. `scripts/record-layout.mjs` has the layout.

use crate::record::{Record, length, stat_numbers};
use crate::record_layout::entries as layout;
use holdfast_core::error::Error;
use holdfast_core::ops::entries::Entries;
use holdfast_core::path;

/// Writes the entries into a record and its data.
pub(crate) fn encode(record: &mut Record, entries: &Entries) -> Vec<u8> {
    let is_ascii = entries.names.is_ascii();
    let Entries {
        names,
        kinds,
        stats,
        raw,
        count,
    } = entries;
    let numbers = &mut record.numbers;
    numbers[layout::COUNT] = f64::from(*count);
    numbers[layout::STATS] = length(stats.len());
    numbers[layout::RAW] = length(raw.len());
    numbers[layout::KINDS] = length(kinds.len());
    numbers[layout::NAMES] = length(names.len());
    numbers[layout::IS_ASCII] = f64::from(u8::from(is_ascii));
    let row = size_of_val(&stat_numbers(&holdfast_core::Stat::default()));
    let size = stats.len() * row + raw.len() * 12 + kinds.len() + names.len();
    let mut data = Vec::with_capacity(size);
    for stat in stats {
        for number in stat_numbers(stat) {
            data.extend_from_slice(&number.to_ne_bytes());
        }
    }
    for number in raw.iter().flatten() {
        data.extend_from_slice(&number.to_ne_bytes());
    }
    data.extend_from_slice(kinds);
    data.extend_from_slice(names);
    data
}

/// Appends the failure that ended a walk, and the path of its directory.
pub(crate) fn append_failure(record: &mut Record, data: &mut Vec<u8>, error: &Error, dir: &[u8]) {
    let failure = Record::failure(error).to_bytes();
    let dir = path::shown(dir);
    record.numbers[layout::FAILURE] = length(failure.len());
    record.numbers[layout::FAILURE_PATH] = length(dir.len());
    data.extend_from_slice(&failure);
    data.extend_from_slice(&dir);
}
