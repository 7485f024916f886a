// File systems as hosts inject them into replaceFileAtomic: pass-through functions that record every call.
import * as fs from 'node:fs';
import * as path from 'node:path';

const TEMPORARY = /^\.(?:holdfast-[0-9a-v]+|fs-safe-replace\.\d+\.\S+)\.tmp$/;
const PREFIXED = /^(\.?\w+)\.\d+\.[0-9a-f-]{36}\.tmp$/;

/** Returns a path without its random parts. */
function shownPath(file: string, dir: string): string {
  const base = path.basename(file);
  const name = TEMPORARY.test(base) ? 'TEMPORARY' : base.replace(PREFIXED, '$1.TEMPORARY');
  return path.join(path.dirname(file), name).replace(dir, '$DIR');
}

function shown(arg: unknown, dir: string): string {
  if (typeof arg === 'string') return path.isAbsolute(arg) ? shownPath(arg, dir) : JSON.stringify(arg);
  if (typeof arg === 'number') return `0${arg.toString(8)}`;
  return JSON.stringify(arg);
}

type Injected = { fileSystem: any; calls: string[] };
type Changes = Record<string, (inner: (...args: any[]) => any, ...args: any[]) => any>;

/**
 * Makes a synchronous file system. Records a descriptor as the path that it was opened for. `changes` wraps a function
 * further.
 */
export function injectedSync(dir: string, changes: Changes = {}): Injected {
  const calls: string[] = [];
  const names = new Map<number, string>();
  const inner = fs as unknown as Record<string, any>;
  const fileSystem: Record<string, any> = { ...fs };
  for (const name of Object.keys(inner).filter((key) => key.endsWith('Sync'))) {
    fileSystem[name] = (...args: any[]) => {
      const onDescriptor = typeof args[0] === 'number';
      const first = onDescriptor ? `<${names.get(args[0])}>` : shown(args[0], dir);
      calls.push(`${name}(${[first, ...args.slice(1).map((arg) => shown(arg, dir))].join(', ')})`);
      const change = changes[name];
      const result = change === undefined ? inner[name](...args) : change(inner[name], ...args);
      if (name === 'openSync') names.set(result, shown(args[0], dir));
      return result;
    };
  }
  return { fileSystem, calls };
}

/** Makes a file system of promises. Also records the methods of its handles. */
export function injectedAsync(dir: string, changes: Changes = {}): Injected {
  const calls: string[] = [];
  const inner = fs.promises as unknown as Record<string, any>;
  const names = new Map<object, string>();
  const recorded = (label: string, call: (...args: any[]) => any, change: Changes[string] | undefined) => (...args: any[]) => {
    calls.push(`${label}(${args.map((arg) => names.get(arg) ?? shown(arg, dir)).join(', ')})`);
    return change === undefined ? call(...args) : change(call, ...args);
  };
  const promises: Record<string, any> = {};
  for (const name of Object.keys(inner).filter((key) => typeof inner[key] === 'function')) {
    const call = recorded(name, inner[name]!.bind(fs.promises), changes[name]);
    promises[name] = name !== 'open' ? call : async (...args: any[]) => {
      const handle = await call(...args);
      const file = `<${shown(args[0], dir)}>`;
      const watched = new Proxy(handle, {
        get(target, key) {
          const value = Reflect.get(target, key, target);
          return typeof value === 'function' ? recorded(`${file}.${String(key)}`, value.bind(target), changes[`handle.${String(key)}`]) : value;
        },
      });
      names.set(watched, file);
      return watched;
    };
  }
  // node:fs does not accept a proxied handle: it gets the handle itself.
  const write = promises['writeFile'];
  promises['writeFile'] = async (file: any, ...rest: any[]) => {
    if (typeof file !== 'object') return write(file, ...rest);
    calls.push(`writeFile(${names.get(file)}, ${rest.map((arg) => shown(arg, dir)).join(', ')})`);
    fs.writeFileSync(file.fd, rest[0]);
  };
  return { fileSystem: { promises }, calls };
}
