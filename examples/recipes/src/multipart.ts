// multipart.ts
import type { IncomingMessage } from 'node:http';
import { finished, type Readable } from 'node:stream';
import { finished as ended } from 'node:stream/promises';
import busboy from 'busboy';
import { HoldfastError, type Root } from 'holdfast';

export interface Saved {
  name: string;
  size: number;
}

type Part = Readable & { truncated?: boolean | undefined };

/** Yields a part. A part that the parser cuts at its `limits.fileSize` ends like a whole one: this throws instead. */
async function* whole(part: Part) {
  yield* part;
  if (part.truncated) throw new HoldfastError('too-large');
}

/** Publishes one part under its name. */
export async function savePart(root: Root, name: string, part: Part): Promise<Saved> {
  part.on('error', () => {}); // the write rejects with it
  const { size } = await root.writeAtomic(name, whole(part), { maxBytes: 16 * 1024 * 1024, overwrite: false });
  return { name, size };
}

/** After a failure: discards the rest of the request, removes what it has published, and throws the error. */
export async function undo(root: Root, request: IncomingMessage, saved: Saved[], error: unknown): Promise<never> {
  request.unpipe().resume();
  for (const { name } of saved) await root.remove(name, { missing: 'ignore' });
  // An error of the parser has no code: the body is malformed.
  if (error instanceof Error && !('code' in error)) throw Object.assign(error, { status: 400, statusCode: 400 });
  throw error;
}

/** Publishes the files of a multipart request. */
export async function saveParts(root: Root, request: IncomingMessage, limits: busboy.Limits = { files: 10 }): Promise<Saved[]> {
  const writes: Promise<Saved>[] = [];
  try {
    const parser = busboy({ headers: request.headers, limits });
    parser.on('filesLimit', () => parser.destroy(new HoldfastError('too-large')));
    parser.on('file', (_field, part, { filename }) => {
      if (!filename) return part.on('error', () => {}).resume(); // a form in which no file was chosen
      const write = savePart(root, filename, part);
      write.catch((error) => parser.destroy(error));
      writes.push(write);
    });
    // The client disconnected, perhaps before this call.
    finished(request, (error) => error && parser.destroy(error));
    await ended(request.pipe(parser));
    return await Promise.all(writes);
  } catch (error) {
    const settled = await Promise.allSettled(writes);
    return undo(root, request, settled.flatMap((write) => (write.status === 'fulfilled' ? write.value : [])), error);
  }
}
