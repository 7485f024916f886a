// Parses the reports of AddressSanitizer and LeakSanitizer.

/**
 * Matches frames of Node or of a system library. A block that they allocated is theirs, even if the addon called them.
 * Node leaves some blocks to the operating system at its end.
 */
const ELSEWHERE = /\((?:[^()]*\/)?(?:node|lib[\w.+-]+\.so[\d.]*)\+0x/;

/**
 * Parses reports.
 *
 * @param {string[]} reports
 * @returns {{ errors: string[], leaks: string[], others: number }} errors and leaks of the addon, as a few lines each
 */
export function verdictOf(reports) {
  const errors = [];
  const leaks = [];
  let others = 0;
  for (const report of reports) {
    const [, kind] = /ERROR: AddressSanitizer: (.*)/.exec(report) ?? [];
    if (kind !== undefined) errors.push(`${kind}\n${stackOf(report).join('\n')}`);
    for (const [block] of report.matchAll(/^(?:Direct|Indirect) leak of .*\n(?:\s+#\d.*\n)+/gm)) {
      const [asked] = stackOf(block).slice(1);
      if (asked !== undefined && !ELSEWHERE.test(asked)) leaks.push(block.split('\n').slice(0, 12).join('\n'));
      else others += 1;
    }
  }
  return { errors, leaks, others };
}

/** Returns the frames of the first stack. */
function stackOf(text) {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => /^\s+#0 /.test(line));
  if (start < 0) return [];
  const end = lines.findIndex((line, index) => index > start && !/^\s+#\d+ /.test(line));
  return lines.slice(start, end < 0 ? undefined : end).slice(0, 12);
}
