// Locations of a gateway's state: an ordinary home, a Kubernetes volume with fsGroup, an overlay, a read-only mount.

import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { fail } from '../support.mjs';

export const USER = 1000;
/** Mode of a home. It is readable because the steps install packages from it and save files in it. */
const HOME_MODE = 0o755;

function mount(...args) {
  const done = spawnSync('mount', args, { encoding: 'utf8' });
  if (done.status !== 0) fail(`gateway: mount ${args.join(' ')}: ${done.stderr}`);
}

function unmount(dir) {
  spawnSync('umount', ['-l', dir]);
}

function owned(dir, uid, gid, mode) {
  mkdirSync(dir, { recursive: true });
  chownSync(dir, uid, gid);
  chmodSync(dir, mode);
}

/** Changes of each location to the state directory: before the first step, after the set-up steps, and at the end. */
const PLACES = {
  ordinary: { make: (state, uid) => owned(state, uid, uid, 0o755) },
  'root:1000 2775': { make: (state) => owned(state, 0, USER, 0o2775) },
  overlay: {
    make(state, uid, scratch) {
      for (const name of ['lower', 'upper', 'work']) owned(path.join(scratch, name), uid, uid, 0o755);
      owned(state, uid, uid, 0o755);
      mount('-t', 'overlay', 'overlay', '-o', `lowerdir=${scratch}/lower,upperdir=${scratch}/upper,workdir=${scratch}/work`, state);
    },
    remove: (state) => unmount(state),
  },
  'read-only': {
    make: (state, uid) => owned(state, uid, uid, 0o755),
    afterSetup(state) {
      mount('--bind', state, state);
      mount('-o', 'remount,ro,bind', state);
    },
    remove: (state) => unmount(state),
  },
};

export const PLACE_NAMES = Object.keys(PLACES);

/** Makes a home with a state directory at such a location. */
export function makePlace(name, scratch, uid) {
  const place = PLACES[name];
  const home = path.join(scratch, 'home');
  const state = path.join(home, '.openclaw');
  owned(scratch, 0, 0, 0o755);
  owned(home, uid, uid, HOME_MODE);
  place.make(state, uid, scratch);
  return {
    home,
    state,
    afterSetup: () => place.afterSetup?.(state),
    mode: () => (statSync(state).mode & 0o7777).toString(8).padStart(4, '0'),
    remove() {
      place.remove?.(state);
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}
