/** Runs `body` with the umask of the whole process set. */
export async function underUmask<T>(umask: number, body: () => Promise<T>): Promise<T> {
  const before = process.umask(umask);
  try {
    return await body();
  } finally {
    process.umask(before);
  }
}

/** Formats permission bits: `0640`. */
export function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
