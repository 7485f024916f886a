// file-response.ts
import type { Stats } from 'node:fs';
import parseRange from 'range-parser';

export interface FileResponse {
  status: 200 | 206 | 416;
  headers: Record<string, string>;
  /** What `createReadStream` takes. Undefined for a response without a body. */
  bytes?: { start: number; end: number } | undefined;
}

/** Returns what to send for a file: all of it, or the range that the request asks for. */
export function fileResponse({ size, ino, mtimeMs }: Stats, range?: string | null, ifRange?: string | null): FileResponse {
  const etag = `"${ino.toString(36)}-${size.toString(36)}-${mtimeMs.toString(36)}"`;
  const headers: Record<string, string> = {
    'accept-ranges': 'bytes',
    'content-type': 'application/octet-stream',
    'x-content-type-options': 'nosniff',
    etag,
  };
  const ranges = range && (!ifRange || ifRange === etag) ? parseRange(size, range, { combine: true }) : -2;
  if (ranges === -1) {
    return { status: 416, headers: { ...headers, 'content-length': '0', 'content-range': `bytes */${size}` } };
  }
  // A malformed range, another unit, or several ranges: HTTP permits the whole file.
  if (ranges === -2 || ranges.type !== 'bytes' || ranges.length !== 1) {
    const bytes = size > 0 ? { start: 0, end: size - 1 } : undefined;
    return { status: 200, headers: { ...headers, 'content-length': String(size) }, bytes };
  }
  const { start, end } = ranges[0]!;
  headers['content-range'] = `bytes ${start}-${end}/${size}`;
  return { status: 206, headers: { ...headers, 'content-length': String(end - start + 1) }, bytes: { start, end } };
}
