// app/files/[...name]/route.ts
import { Readable } from 'node:stream';
import { httpStatus, openLocalFileSafely, toPublicError, writeAtomic } from 'holdfast';
import { fileResponse } from '../../../file-response';

const root = process.env.MEDIA_DIR ?? 'media';
type Context = { params: Promise<{ name: string[] }> };

/** Returns the path that a request names. Next leaves its parts percent-encoded. */
async function nameOf({ params }: Context): Promise<string> {
  return (await params).name.map(decodeURIComponent).join('/');
}

/** Runs a handler, and turns its error into a response. */
async function respond(handler: () => Promise<Response>): Promise<Response> {
  try {
    return await handler();
  } catch (error) {
    console.error(JSON.stringify(error));
    return Response.json(toPublicError(error), { status: httpStatus(error) });
  }
}

export function PUT(request: Request, context: Context) {
  return respond(async () => {
    const name = await nameOf(context);
    const { size } = await writeAtomic(name, request.body ?? '', {
      root,
      maxBytes: 16 * 1024 * 1024,
      overwrite: false,
      mkdir: true,
    });
    return Response.json({ name, size }, { status: 201 });
  });
}

export function GET(request: Request, context: Context) {
  return respond(async () => {
    const { signal } = request;
    const { handle, stat } = await openLocalFileSafely(await nameOf(context), { root, maxBytes: Infinity, signal });
    const { status, headers, bytes } = fileResponse(stat, request.headers.get('range'), request.headers.get('if-range'));
    if (bytes && request.method !== 'HEAD') {
      const stream = handle.createReadStream(bytes); // it closes the handle
      // Next does not cancel a body that it has not begun to send when the client disconnects.
      signal.addEventListener('abort', () => stream.destroy());
      return new Response(Readable.toWeb(stream) as ReadableStream, { status, headers });
    }
    await handle.close();
    return new Response(null, { status, headers });
  });
}

export const HEAD = GET;
