// Ends a process, as it is told, while as much as possible is under way.
//   exit.mjs '{ "dir": "…", "how": "process.exit" }'
import { leaveUnfinished, useEveryVerb } from './busy.mjs';

const { dir, how } = JSON.parse(process.argv[2]);
await useEveryVerb(dir, 'p');
const held = await leaveUnfinished(dir, 'p', { many: 40, opens: true });
const ENDS = {
  // Nothing keeps the event loop when the calls that can end have ended.
  'the end of the program': () => {},
  'process.exit': () => process.exit(7),
  'process.exit, later': () => setTimeout(() => process.exit(7), 7),
  'an error nobody catches': () => {
    throw new Error('nobody catches this');
  },
  // The way out that tells nobody: what the others must not leave is left here.
  'process.reallyExit': () => process.reallyExit(7),
  'process.exit, with more calls in its event': () => {
    process.prependListener('exit', () => leaveUnfinished(dir, 'q', { many: 5, opens: true }));
    process.exit(7);
  },
};
globalThis.held = held;
ENDS[how]();
