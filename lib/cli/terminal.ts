// Text output: colour on a terminal that supports it, or as FORCE_COLOR and NO_COLOR say.

import { styleText } from 'node:util';

type Style = 'green' | 'red' | 'yellow' | 'dim' | 'bold';

/**
 * Returns whether to colour the output of a stream. FORCE_COLOR has precedence, as in Node: `0` and `false` disable
 * colour, any other value but the empty one enables it. By https://no-color.org any value of NO_COLOR but the empty one
 * disables colour.
 */
export function wantsColour(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv) {
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false';
  return stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
}

export function palette(isOn: boolean) {
  // The caller has checked the stream, by rules that are the same on every Node.
  const paint = (style: Style) => (text: string) => (isOn ? styleText(style, text, { validateStream: false }) : text);
  return { good: paint('green'), bad: paint('red'), mild: paint('yellow'), dim: paint('dim'), strong: paint('bold') };
}

export type Palette = ReturnType<typeof palette>;

export function inBytes(bytes: number) {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  for (; bytes >= 1024 && unit < units.length - 1; unit++) bytes /= 1024;
  return `${unit === 0 ? bytes : bytes.toFixed(1)} ${units[unit]}`;
}
