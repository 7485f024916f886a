// Text for people: colour on a terminal that wants it, and nowhere else.

/** Whether to colour what goes to a stream. https://no-color.org: any value that is not empty means no. */
export function wantsColour(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv) {
  return stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
}

export function palette(isOn: boolean) {
  const paint = (code: number) => (text: string) => (isOn ? `\u001b[${code}m${text}\u001b[0m` : text);
  return { good: paint(32), bad: paint(31), mild: paint(33), dim: paint(2), strong: paint(1) };
}

export type Palette = ReturnType<typeof palette>;

export function inBytes(bytes: number) {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  let place = 0;
  for (; bytes >= 1024 && place < units.length - 1; place++) bytes /= 1024;
  return `${place === 0 ? bytes : bytes.toFixed(1)} ${units[place]}`;
}
