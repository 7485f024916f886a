// Decides which paths may get commands that widen access: never those of the system, of other users, or of secrets.

/** Directories whose files belong to the system, whatever their owner. */
const OF_THE_SYSTEM = new Set('bin boot dev etc lib lib32 lib64 libx32 proc run sbin sys usr var'.split(' '));

/** Names of keys, tokens and account databases. */
const SECRET = /^id_|shadow|passw|secret|token|credential|private|\.(?:pem|key|p12|pfx|jks|keystore|kdbx?|gpg|asc)$/i;

/** Returns whether a path lies in a home directory, below the directories that hold them. */
export function isInHome(realPath: string) {
  const [top = '', next] = realPath.split('/').filter(Boolean);
  return top === 'root' || (next !== undefined && (top === 'home' || top === 'Users'));
}

/**
 * Returns whether a file is probably private, by its path: a file of the system, one beneath a name with a leading dot
 * (`~/.ssh`, `.env`), a key, a token.
 */
export function looksPrivate(realPath: string) {
  const names = realPath.split('/').filter(Boolean);
  const isTemporary = names[0] === 'var' && names[1] === 'tmp';
  return (OF_THE_SYSTEM.has(names[0] ?? '') && !isTemporary) || names.some((name) => name.startsWith('.')) || SECRET.test(names.at(-1) ?? '');
}
