// The tools that build, inspect and serve the platform packages detect what they must detect.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
// @ts-expect-error: the scripts have no declarations
import { binaryProblems, compareVersions, newestGlibc, readBinary } from '../../scripts/prebuilt/inspect.mjs';
// @ts-expect-error: the scripts have no declarations
import { startRegistry } from '../../scripts/prebuilt/registry.mjs';
// @ts-expect-error: the scripts have no declarations
import { TARGETS, platformPackageProblems, targetNamed } from '../../scripts/prebuilt/targets.mjs';
import { binaryOfPackage } from '../helpers/package-copy.js';
import { scratch } from '../helpers/scratch.js';
import { needs } from '../helpers/sys-needs.js';

const here = path.basename(binaryOfPackage()).split('.')[1]!;

describe('the folders of the platform packages', () => {
  test('are what the table of targets says', () => {
    expect(platformPackageProblems()).toEqual([]);
  });

  test('let a package manager distinguish them', () => {
    const told = TARGETS.map(({ name }: { name: string }) => {
      const { os, cpu, libc } = JSON.parse(fs.readFileSync(new URL(`../../npm/${name}/package.json`, import.meta.url), 'utf8'));
      return JSON.stringify({ os, cpu, libc });
    });
    expect(new Set(told).size).toBe(7);
  });
});

describe('versions of glibc', () => {
  test('are compared by number', () => {
    expect(['2.9', '2.17', '2.2.5', '2.34', '2.3'].sort(compareVersions)).toEqual(['2.2.5', '2.3', '2.9', '2.17', '2.34']);
    expect(newestGlibc(['GLIBC_2.9', 'GLIBC_2.17', 'GCC_3.0', 'GLIBC_PRIVATE'])).toBe('2.17');
    expect(newestGlibc([])).toBe('0');
  });
});

describe('the inspection of a binary', () => {
  test('finds nothing wrong with the one that was built here', () => {
    expect(binaryProblems(binaryOfPackage(), targetNamed(here), { own: true })).toEqual([]);
  });

  test('finds it wrong for every other system', () => {
    for (const target of TARGETS.filter(({ os, cpu }: { os: string; cpu: string }) => os !== process.platform || cpu !== process.arch)) {
      expect(binaryProblems(binaryOfPackage(), target, { own: true })[0], target.name).toMatch(/^it is .+, and should be /);
    }
  });

  test('refuses what is no binary', () => {
    const file = path.join(scratch(), 'text');
    fs.writeFileSync(file, 'no binary at all');
    expect(() => readBinary(file)).toThrow('no binary of a known format');
  });
});

needs('linux', 'gcc')('a library compiled here', () => {
  const compile = (source: string, ...flags: string[]): string => {
    const folder = scratch();
    fs.writeFileSync(path.join(folder, 'x.c'), source);
    execFileSync('gcc', ['-shared', '-fPIC', '-o', path.join(folder, 'x.node'), path.join(folder, 'x.c'), ...flags]);
    return path.join(folder, 'x.node');
  };
  const target = targetNamed(`linux-${process.arch}-gnu`);

  test('is reported as not registering, not stripped, not unwinding, and needing a library', () => {
    const problems = binaryProblems(compile('#include <math.h>\ndouble f(double x) { return sin(x); }', '-fno-asynchronous-unwind-tables', '-Wl,--no-as-needed', '-lm', '-lstdc++'), target);
    for (const words of ['it exports no napi_register_module_v1', 'it is not stripped', 'it has no tables to unwind a panic with', 'it needs libstdc++.so.6']) expect(problems).toContain(words);
  });

  test('is reported for a path of this machine', () => {
    const problems = binaryProblems(compile('const char *const napi_register_module_v1 = "/root/.cargo/registry/src/some/lib.rs";'), target);
    expect(problems.join('\n')).toContain('it names a path of the machine that made it: ');
  });

  test.runIf(compareVersions((process.report.getReport() as any).header.glibcVersionRuntime ?? '0', '2.34') >= 0)('is reported for a glibc that is too new', () => {
    // dlopen moved into libc itself with 2.34, and has that version since.
    const file = compile('#include <dlfcn.h>\nvoid *napi_register_module_v1(void) { return dlopen("x", RTLD_NOW); }', '-s');
    expect(newestGlibc(readBinary(file).versions)).toBe('2.34');
    expect(binaryProblems(file, target)).toContain('it needs glibc 2.34; 2.17 has to do');
  });
});

describe('the registry', () => {
  test('serves its packages, records the requests, and accepts no upload', async () => {
    const tarball = path.join(scratch(), 'some-1.2.3.tgz');
    fs.writeFileSync(tarball, 'bytes');
    const registry = await startRegistry([{ name: '@some/thing', manifest: { name: '@some/thing', version: '1.2.3', os: ['linux'] }, tarball, integrity: 'sha512-x', shasum: 'x' }]);
    try {
      const answer = async (name: string, init?: RequestInit) => {
        const response = await fetch(`${registry.url}${name}`, init);
        return { status: response.status, text: await response.text() };
      };
      const document = JSON.parse((await answer('@some%2fthing')).text);
      expect(document.versions['1.2.3']).toMatchObject({ os: ['linux'], dist: { integrity: 'sha512-x' } });
      expect((await fetch(document.versions['1.2.3'].dist.tarball)).status).toBe(200);
      expect(registry.fetched).toEqual(['@some/thing']);
      expect((await answer('other')).status).toBe(404);
      expect((await answer('@some%2fthing', { method: 'PUT', body: '{}' })).status).toBe(404);
      expect(registry.missing).toEqual(['GET /other', 'PUT /@some/thing']);
    } finally {
      await registry.close();
    }
  });
});
