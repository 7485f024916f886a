// The file systems that the crash test runs on: as small as they can be made, so that a thousand of them are mounted
// in a minute, and otherwise as their tools make them.

/**
 * `metadataUnit`: bytes of metadata that the disk is taken to write whole. ext4 is asked to live with 512, which is what
 * disks promise at the least; xfs and btrfs rely on blocks of 4 KiB, whose checksum would fail (btrfs has its superblock
 * in one).
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

/** Which names of `--fs` mean which configurations: a type means all of it. */
export function configurations(names) {
  return names.flatMap((name) => {
    const found = Object.keys(fileSystems).filter((key) => key === name || fileSystems[key].type === name);
    if (found.length === 0) throw new Error(`there is no ${name}, only ${Object.keys(fileSystems).join(', ')}`);
    return found;
  });
}
