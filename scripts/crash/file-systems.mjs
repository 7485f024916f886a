// The file systems of the crash test. They are as small as possible, so that a thousand of them are mounted in a
// minute, and otherwise have the defaults of their tools.

/**
 * `metadataUnit`: bytes of metadata that the disk is assumed to write atomically. For ext4 it is 512, the minimum that
 * disks guarantee. xfs and btrfs rely on blocks of 4 KiB, whose checksum would fail (the superblock of btrfs is one
 * block).
 */
export const fileSystems = {
  'ext4-default': { type: 'ext4', size: 64 << 20, make: ['mkfs.ext4', '-q', '-F', '-b', '4096'], options: '', metadataUnit: 512 },
  'ext4-noauto_da_alloc': {
    type: 'ext4',
    size: 64 << 20,
    make: ['mkfs.ext4', '-q', '-F', '-b', '4096'],
    options: 'noauto_da_alloc',
    metadataUnit: 512,
  },
  xfs: { type: 'xfs', size: 300 << 20, make: ['mkfs.xfs', '-q', '-f'], options: '', metadataUnit: 4096 },
  btrfs: { type: 'btrfs', size: 128 << 20, make: ['mkfs.btrfs', '-q', '-f'], options: '', metadataUnit: 4096 },
};

/** Returns the configurations that a name in `--fs` selects: a type selects all of its configurations. */
export function configurations(names) {
  return names.flatMap((name) => {
    const found = Object.keys(fileSystems).filter((key) => key === name || fileSystems[key].type === name);
    if (found.length === 0) throw new Error(`there is no ${name}, only ${Object.keys(fileSystems).join(', ')}`);
    return found;
  });
}
