// Ends a process in the requested way, while as much as possible is pending.
//   exit.mjs '{ "dir": "…", "how": "process.exit" }'
import { leaveUnfinished, useEveryVerb } from './busy.mjs';

const { dir, how } = JSON.parse(process.argv[2]);
await useEveryVerb(dir, 'p');
const held = await leaveUnfinished(dir, 'p', { many: 40, opens: true });
const ENDS = {
  // The event loop ends after the last call that can end.
  'the end of the program': () => {},
  'process.exit': () => process.exit(7),
  'process.exit, later': () => setTimeout(() => process.exit(7), 7),
  'an error nobody catches': () => {
    throw new Error('nobody catches this');
  },
  // The exit without any notice: it leaves what the others must not leave.
  'process.reallyExit': () => process.reallyExit(7),
  'process.exit, with more calls in its event': () => {
    process.prependListener('exit', () => leaveUnfinished(dir, 'q', { many: 5, opens: true }));
    process.exit(7);
  },
};
globalThis.held = held;
ENDS[how]();
