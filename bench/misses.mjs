// Why a target may be missed, in words; the figures come from the run. Shown only beside a target that was.

/** @type {{ row: RegExp, against: string, why: string }[]} */
const reasons = [];

/** @returns {string | undefined} */
export function explain(rowId, { against }) {
  return reasons.find(({ row, against: base }) => base === against && row.test(rowId))?.why;
}
