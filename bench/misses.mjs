// Reasons for missed targets; the figures come from the run. The report shows a reason beside a missed target only.

/** @type {{ row: RegExp, against: string, why: string }[]} */
const reasons = [
  {
    row: /^read-sync-(1k|4k)$/,
    against: 'node',
    why:
      'The four system calls are those of the floor; what is above them is the call into the binary, a `stat` object, a view of the content and the result. ' +
      'Tried, and kept: functions registered by hand instead of by `#[napi]`, the layers of the core inlined, a root known by its number, `read` instead of `readv`, reading and closing past the cancellation points of libc, ' +
      'numbers through shared memory, content of up to 4 KiB read into private memory and copied, an ArrayBuffer made by the binary and the Buffer of it by the class of Node, dates made when asked for, arguments made before for calls without options.',
  },
  {
    row: /^read-sync-(64k|1m)$/,
    against: 'node',
    why: 'Copying out of the page cache is nearly all of the time, and is the same for both.',
  },
  {
    row: /^read-sync-(16m|256m)$/,
    against: 'node',
    why:
      'New memory decides. Memory that the collector has freed in time costs a copy alone, ordinary new pages cost two to three times as much, huge pages less; which of them a candidate gets differs from run to run. ' +
      'A virtual machine that returns free pages to its host (see "Memory" above) waits 2 to 4 ms for each huge page that it returned. A read that meets one continues with ordinary pages for 0.1 s, as node:fs does all the time. ' +
      'The floor reuses the same huge pages, which is why it is that low.',
  },
  {
    row: /^read-async-/,
    against: 'node',
    why: 'Several at a time let node:fs use the threads of the pool and more than one processor, while an answer from memory is made on the calling thread alone. The floor stands beside it: on an idle machine of two processors the target is at or below it.',
  },
  {
    row: /^(read|write|ensure)-/,
    against: 'fs-safe',
    why: 'The target was set against a version without native code; the current one is some times as slow as node:fs, and node:fs itself would miss it.',
  },
  {
    row: /^write-sync-unsynced$/,
    against: 'node',
    why:
      'Five calls by path against eight by descriptor: the parent pinned, the target looked at, the file known again by its status. The floor, which is those eight in a Rust loop, stands beside it. ' +
      'Tried, and kept: one fetch of randomness for sixteen names, and no `fchmod` where the mode is right at once.',
  },
  {
    row: /^write-async-/,
    against: 'node',
    why: 'One job in the pool instead of five; what remains is the file system freeing the replaced file. Tried for many at once: 4, 16 and 64 threads, and starting writeback early or not.',
  },
  {
    row: /^ensure-sync-existing-/,
    against: 'node',
    why:
      'Node makes one call that fails (`EEXIST`) and looks, by path; three are needed to hold the directory, judge it and let it go, and they cost the kernel as much. What can be gained is around them. ' +
      'Tried, and kept: the same as for reads of 1 KiB.',
  },
  {
    row: /^ensure-async-existing$/,
    against: 'node',
    why:
      'Three calls on the calling thread, without a job, and a promise with its result; Node has one job in the pool. What a job costs depends on the machine and on the Node, and the ratio follows it. ' +
      'Tried, and kept: the end of the turn is awaited after sixteen such calls only.',
  },
  {
    row: /^ensure-async-fresh-/,
    against: 'node',
    why:
      'One `mkdir` in the pool for Node; here the answer is first looked for in memory, then the parent is pinned, the directory made in it, opened without following and judged, which is eight calls. On a disk both wait for the pool once, which bounds what can be gained; on tmpfs the calling thread makes the directory.',
  },
  {
    row: /^root-list$/,
    against: 'node',
    why:
      'Reading the directory in the kernel is two thirds of the time, and the same for both. What remains here sorts the names and keeps the kind of each. ' +
      'Tried, and kept: the first eight bytes of a name as its key, one pass over a name.',
  },
  {
    row: /^root-walk$/,
    against: 'node',
    why:
      'One `getdents64` for some hundred entries is the floor for both, and is half of the time. Each entry is an object with its path that a `for await` loop takes one at a time; an iteration that does nothing costs a tenth of the whole. ' +
      'Tried, and kept: batches of 1,024 entries, the next one read while the loop has the last, one string with all names. A symbol instead of a private field for the kind gains 15 nanoseconds an entry, and would let anybody change it.',
  },
  {
    row: /^rename-async$/,
    against: 'node',
    why:
      'The same one call in the pool, which alone costs as much as that of Node. The order among writes to both names, the checks of the options and the result object are above it, 2.7 microseconds when hot; a rename may wait, so that it cannot run on the calling thread. ' +
      'Tried, and kept: joined instead of resolved paths, no lookup where nothing waits.',
  },
  {
    row: /^copy-async-/,
    against: 'node',
    why: 
      'One `copy_file_range` in both. Four more calls here make the temporary, publish it, and look whether the content is shared or has grown; then what is above any call through a Root. The synchronous twins, which need no pool, stand at 1.12 in processor time.',
  },
  {
    row: /^copy-over-async-/,
    against: 'by-hand',
    why: 'The same copy and the same rename; the looks at the source, the target and the temporary are above it, as for a copy to a new name.',
  },
  {
    row: /^copy-over-async-/,
    against: 'node',
    why: 'Node writes into the pages that the file has; a new file takes new pages, and the file system frees the old ones. The same by hand stands beside it, and pays as much.',
  },
  {
    row: /^write-sync-synced$/,
    against: 'node',
    why: 'Two syncs in both, which are nearly all of the time on a disk, and differ more from call to call than the candidates do.',
  },
  {
    row: /^root-list-stat(-sync)?$/,
    against: 'node',
    why:
      'One `statx` for each name in both, of which Node makes several at the same time in its pool. Here they follow each other in one job, or on the calling thread; then each entry gets its object, and its dates when they are asked for. ' +
      'Tried, and kept: the numbers of all entries in one block of memory.',
  },
  {
    row: /^root-walk-stat$/,
    against: 'node',
    why: 'As for a walk without stat; Node 26 lists a tree in a third of the time that Node 20 takes, so that the `lstat` calls are what is left of it.',
  },
  {
    row: /^root-walk$/,
    against: 'fdir',
    why: 'fdir returns an array at the end, of paths alone. Here a `for await` loop takes one entry at a time, while the next batch is read.',
  },
  {
    row: /^remove-10000$/,
    against: 'node',
    why: 'One `unlinkat` for each entry in both; looking at each name once more before it is removed, and holding its directory, are above it.',
  },
  {
    row: /^remove-10000$/,
    against: 'rimraf',
    why: 'One `unlinkat` for each entry in both; looking at each name once more before it is removed, and holding its directory, are above it.',
  },
  {
    row: /^with-lock$/,
    against: 'proper-lockfile',
    why:
      'It makes three calls in three jobs of the pool (`mkdir`, `stat`, `rmdir`), so that a single job is a third of its time. The job here makes twelve calls: it pins the directory, opens and judges the lock file, locks it, and writes who holds it; ' +
      'the release makes eight, without a job. Tried: descriptors kept between two locks; they need as many calls to know whether the file has still its name.',
  },
  {
    row: /^append-sync$/,
    against: 'node',
    why:
      'Three calls (`open`, `write`, `close`) against seventeen: the directory is pinned, the lock file opened, judged, locked and known again by its name, then the log looked at, opened, its last byte read, and after the write its name again. ' +
      'Fourteen is the least without descriptors that are kept between two calls, and those were not kept: each of them has to be judged anew, and keeps a removed directory and its file system busy.',
  },
  {
    row: /^append-async(-durable)?$/,
    against: 'node',
    why: 'One job here. Node 26 has one job too, Node 20 and 24 have three (`open`, `write`, `close`). The calls of the lock are above it, as for `appendRecordSync`.',
  },
  {
    row: /^adapter-root$/,
    against: 'fs-safe',
    why: 'An open of the directory, to pin it, and the close of the one that was unused for the longest time, where the library keeps a path.',
  },
  {
    row: /^adapter-append$/,
    against: 'fs-safe',
    why: 'Three jobs in both (`open`, `write`, `close`). The descriptor is opened twice here: beneath the root, and through that descriptor for writing.',
  },
];

/** @returns {string | undefined} */
export function explain(rowId, { against }) {
  return reasons.find(({ row, against: base }) => base === against && row.test(rowId))?.why;
}
