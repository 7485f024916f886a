// How both servers follow the roots of a client.

import { pathToFileURL } from 'node:url';
import type { Case } from './cases.js';
import { fill, type Places } from './places.js';
import { openSession, type Outcome, type ServerName, type Session } from './session.js';

export interface RootsCase extends Pick<Case, 'name' | 'verdict' | 'why' | 'holdfast' | 'official'> {
  /** Runs in a session whose client names `second` alone. */
  run(session: Session, places: Places): Promise<Outcome>;
}

const uri = (dir: string) => pathToFileURL(dir).href;

/** Waits until the allowed directories are these: the official server does not say when it has changed them. */
async function untilAllowed(session: Session, directories: string[]): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const [, ...listed] = (await session.call('list_allowed_directories', {})).text.split('\n');
    if (listed.join('\n') === directories.join('\n')) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`the server never allowed ${directories}`);
}

async function change(session: Session, directories: string[]): Promise<void> {
  await session.setRoots(directories.map(uri));
  await untilAllowed(session, directories);
}

/** Runs every case in one session, with `work` on the command line. */
export async function observeRoots(server: ServerName, places: Places, observed: (outcome: Outcome) => void): Promise<void> {
  const session = await openSession(server, [places.work], [uri(places.second)]);
  try {
    await untilAllowed(session, [places.second]);
    for (const { run } of ROOTS) {
      fill(places);
      observed(await run(session, places));
      await change(session, [places.second]);
    }
  } finally {
    await session.close();
  }
}

export const ROOTS: readonly RootsCase[] = [
  { name: 'replace the directories of the command line', verdict: 'equal', run: (session) => session.call('list_allowed_directories', {}) },
  {
    name: 'a directory of the command line is no longer allowed',
    verdict: 'equal',
    holdfast: 'outside-workspace',
    run: (session, { work }) => session.call('read_text_file', { path: `${work}/notes.md` }),
  },
  {
    name: 'change at run time',
    verdict: 'equal',
    run: async (session, { work, second }) => {
      await change(session, [work, second]);
      return session.call('read_text_file', { path: `${work}/notes.md` });
    },
  },
  {
    name: 'that cannot be opened are skipped',
    verdict: 'equal',
    run: async (session, { work }) => {
      await session.setRoots([`${work}/none`, `${work}/notes.md`, work].map(uri));
      await untilAllowed(session, [work]);
      return session.call('list_allowed_directories', {});
    },
  },
  {
    name: 'without one that can be opened change nothing',
    verdict: 'equal',
    run: async (session, { work, second }) => {
      await session.setRoots([uri(`${work}/none`)]);
      return session.call('read_text_file', { path: `${second}/other.txt` });
    },
  },
  {
    name: 'a call right after a change',
    verdict: 'better',
    why: 'Calls wait for a change that was announced before them; none runs in the directories that the client has taken away.',
    holdfast: 'outside-workspace',
    official: 'other',
    run: async (session, { work, second }) => {
      const changed = session.setRoots([uri(work)]);
      const outcome = await session.call('read_text_file', { path: `${second}/other.txt` });
      await changed;
      return outcome;
    },
  },
];
