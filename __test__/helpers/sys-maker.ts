// Makes files, directories and mounts through a driver: in its mount namespace, with its rights.
import { join } from 'node:path';
import type { Driver } from './sys-driver.js';

export class Maker {
  constructor(
    private readonly driver: Driver,
    readonly base: string,
  ) {}

  run(...command: string[]): Promise<string> {
    return this.driver.exec(...command);
  }

  /** Makes a directory with this owner (`uid:gid`) and exactly this mode, and missing parents. */
  async dir(name: string, owner: string, mode: string): Promise<string> {
    const path = join(this.base, name);
    await this.driver.fs('mkdirSync', path, { recursive: true });
    await this.own(path, owner, mode);
    return path;
  }

  async file(name: string, owner: string, mode: string, content = 'old'): Promise<string> {
    const path = join(this.base, name);
    await this.driver.fs('writeFileSync', path, content);
    await this.own(path, owner, mode);
    return path;
  }

  async mount(name: string, ...args: string[]): Promise<string> {
    const path = join(this.base, name);
    await this.driver.fs('mkdirSync', path, { recursive: true });
    await this.run('mount', ...args, path);
    return path;
  }

  private async own(path: string, owner: string, mode: string): Promise<void> {
    const [uid, gid] = owner.split(':').map((name) => (name === 'root' ? 0 : Number(name)));
    await this.driver.fs('chownSync', path, uid, gid);
    await this.driver.fs('chmodSync', path, parseInt(mode, 8));
  }
}
