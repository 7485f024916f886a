// Formats a selftest's report as text.

import { escaped } from '../../base/escape.js';
import type { selftest } from './selftest.js';
import type { Palette } from '../terminal.js';

type Report = Awaited<ReturnType<typeof selftest>>;

const MARKS = { pass: ['pass', 'good'], fail: ['FAIL', 'bad'], 'not-available': ['n/a ', 'mild'] } as const;

export function selftestText({ holdfast, process: who, native, directory, mount, checks, summary }: Report, paint: Palette) {
  const lines = [
    `${paint.strong(`holdfast ${holdfast}`)}, node ${who.node}, ${who.platform} ${who.arch}, resolver ${native.resolver}`,
    `in ${escaped(directory)}, ${mount === null ? 'mount unknown' : `${escaped(mount.type)} (${escaped(mount.source)}) at ${escaped(mount.mountPoint)}`}; user ${who.euid}`,
    '',
    ...checks.map(({ title, result, reason }) => {
      const [mark, colour] = MARKS[result];
      return `${paint[colour](mark)}  ${title}: ${escaped(reason)}`;
    }),
    '',
    `${summary.pass} passed, ${summary.fail} failed, ${summary.notAvailable} not available`,
  ];
  return `${lines.join('\n')}\n`;
}
