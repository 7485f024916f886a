// Decides which paths may get commands that widen access: never those of the system, of other users, or of secrets.

/** Directories of the Filesystem Hierarchy Standard. */
const TOP = new Set('bin boot dev etc home lib lib32 lib64 libx32 media mnt opt proc root run sbin srv sys tmp usr var'.split(' '));

/** Directories whose files belong to the system, whatever their owner. */
const OF_THE_SYSTEM = new Set('bin boot dev etc lib lib32 lib64 libx32 proc run sbin sys usr var'.split(' '));

/** Names of keys, tokens and account databases. */
const SECRET = /^id_|shadow|passw|secret|token|credential|private|\.(?:pem|key|p12|pfx|jks|keystore|kdbx?|gpg|asc)$/i;

function parts(realPath: string) {
  return realPath.split('/').filter(Boolean);
}

/**
 * Whether a path is a directory of the system: `/`, one of the Filesystem Hierarchy Standard, or one directly beneath
 * `/usr` or `/var`.
 */
export function isSystemDirectory(realPath: string) {
  const [top = '', next, ...rest] = parts(realPath);
  if (next === undefined) return top === '' || TOP.has(top);
  return rest.length === 0 && (top === 'usr' || top === 'var');
}

/**
 * Whether a file is probably private, by its path: a file of the system, one beneath a name with a leading dot
 * (`~/.ssh`, `.env`), a key, a token.
 */
export function looksPrivate(realPath: string) {
  const names = parts(realPath);
  const isTemporary = names[0] === 'var' && names[1] === 'tmp';
  return (OF_THE_SYSTEM.has(names[0] ?? '') && !isTemporary) || names.some((name) => name.startsWith('.')) || SECRET.test(names.at(-1) ?? '');
}
