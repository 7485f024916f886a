// Places for the doctor: shell commands, run by root, that make each, and the path to ask about. User 1000 asks.

export interface Place {
  name: string;
  /** run in an empty directory of root with mode 0755 */
  made: string;
  path: string;
}

const place = (name: string, path: string, made: string): Place => ({ name, made, path });

/** A file or directory of root, of this user and of another, with each kind of ACL. */
const withAcls: Place[] = [
  place('a file of root with a masked ACL entry', 'f', 'echo x >f; setfacl -m u:77:rw f; chmod 600 f'),
  place('the same with a group', 'f', 'echo x >f; setfacl -m g:78:rw f; chmod 600 f'),
  place('a file of root whose owning group is masked', 'f', 'echo x >f; chgrp 78 f; setfacl -m u:79:-,g::rw,m::- f; chmod o= f'),
  place('a file of root with an ACL without a masked entry', 'f', 'echo x >f; chmod 600 f; setfacl -m u:77:r f'),
  place('a file of root with a masked entry for this user', 'f', 'echo x >f; chmod 600 f; setfacl -m u:1000:rw,m::- f'),
  place('a file of root whose ACL denies this user', 'f', 'echo x >f; setfacl -m u:1000:- f'),
  place('a file of another user with a masked entry', 'f', 'echo x >f; chown 1001:1001 f; setfacl -m u:77:rwx f; chmod 600 f'),
  place('a file of one’s own with mode 0000 and an ACL', 'f', 'echo x >f; chown 1000 f .; setfacl -m u:77:rw f; chmod 0 f'),
  place('a directory of one’s own with an ACL', 'd', 'mkdir d; chown 1000:1000 d; setfacl -m u:77:rwx,g::rx d'),
  place('a directory of one’s own with a masked ACL', 'd', 'mkdir d; chown 1000:1000 d; setfacl -m u:77:rwx d; chmod 700 d'),
  place('a directory of one’s own with mode 0500 and a masked ACL', 'd', 'mkdir d; chown 1000:1000 d; setfacl -m u:77:rwx d; chmod 500 d'),
  place('a directory of root whose ACL is this user’s only access', 'd', 'mkdir d; setfacl -m u:1000:rwx d; chmod o= d'),
  place('the same with others', 'd', 'mkdir d; setfacl -m u:1000:rwx,u:77:rwx,g:78:rx d; chmod o= d'),
  place('the same of another user', 'd', 'mkdir d; chown 1001:1001 d; setfacl -m u:1000:rwx d; chmod o= d'),
  place('a directory of root with a masked ACL, in the group of this user', 'd', 'mkdir d; chgrp 1000 d; setfacl -m u:77:rwx,g::rx,m::rx d'),
  place('a directory of another user with a masked ACL', 'd', 'mkdir d; chown 1001:1001 d; setfacl -m u:77:rwx,g:78:rwx,m::rx d'),
  place('a directory of another user with an ACL without a masked entry', 'd', 'mkdir d; chown 1001:1001 d; setfacl -m u:77:rx d'),
  place('a directory of root whose ACL denies this user', 'd', 'mkdir d; chmod 777 d; setfacl -m u:1000:rx d'),
  place('a file beneath a directory of another user with a masked ACL', 'd/f', 'mkdir d; echo x >d/f; chmod 644 d/f; chown -R 1001:1001 d; setfacl -m u:77:rwx,m::rx d'),
];

const directories: Place[] = [
  ...['0000', '0100', '0400', '0500', '0600', '0300', '0055'].map((mode) =>
    place(`a directory of one’s own with mode ${mode}`, 'd', `mkdir d; chown 1000:1000 d; chmod ${mode} d`),
  ),
  place('a file in a directory of one’s own with mode 0500', 'd/f', 'mkdir d; echo x >d/f; chown -R 1000:1000 d; chmod 500 d'),
  place('a missing file in a directory of one’s own with mode 0500', 'd/f', 'mkdir d; chown 1000:1000 d; chmod 500 d'),
  place('a file beneath nothing in a directory of one’s own with mode 0500', 'd/new/f', 'mkdir d; chown 1000:1000 d; chmod 500 d'),
  place('a directory of root with mode 0555', 'd', 'mkdir d; chmod 555 d'),
  place('a directory of root with mode 0755', 'd', 'mkdir d'),
  place('a directory of root, 2750, in the group of this user', 'd', 'mkdir d; chgrp 1000 d; chmod 2750 d'),
  place('a directory of root, 0707, in the group of this user', 'd', 'mkdir d; chgrp 1000 d; chmod 707 d'),
  place('an fsGroup volume', 'd', 'mkdir d; chgrp 1000 d; chmod 2775 d'),
  place('a directory of another user', 'd', 'mkdir d; chown 1001:1001 d; chmod 755 d'),
  place('a private directory of another user', 'd', 'mkdir d; chown 1001:1001 d; chmod 700 d'),
  place('an open directory of one’s own', 'd', 'mkdir d; chown 1000:1000 d; chmod 777 d'),
  place('an empty directory of one’s own', 'd', 'mkdir d; chown 1000:1000 d .'),
  place('a directory of one’s own with a file', 'd', 'mkdir d; touch d/f; chown -R 1000:1000 .'),
  place('the same, which its owner may not read', 'd', 'mkdir d d/e; chown -R 1000:1000 .; chmod 300 d'),
  place('a directory of root with a file, in one of one’s own', 'd', 'mkdir d; touch d/f; chown 1000:1000 .'),
  place('a directory of another user in a sticky one', 'd/e', 'mkdir d; chmod 1777 d; mkdir d/e; chown 1001:1001 d/e'),
  place('a path that ends in `..`', 'd/..', 'mkdir d; chown 1000:1000 d .'),
  place('a sticky directory', 'd', 'mkdir d; chmod 1777 d'),
  place('nothing beneath a directory of root', 'new/state', 'true'),
  place('nothing in a directory of another user', 'd/f', 'mkdir d; chown 1001:1001 d; chmod 755 d'),
];

const files: Place[] = [
  place('a file of one’s own with mode 0600', 'f', 'echo x >f; chown 1000:1000 f .; chmod 600 f'),
  place('a file of one’s own with mode 0000', 'f', 'echo x >f; chown 1000:1000 f .; chmod 0 f'),
  place('a file of root with mode 0600', 'f', 'echo x >f; chmod 600 f'),
  place('a file of another user with mode 0640', 'f', 'echo x >f; chown 1001:1001 f; chmod 640 f'),
  place('a file of another user in a sticky directory', 'd/f', 'mkdir d; chmod 1777 d; echo x >d/f; chown 1001:1001 d/f'),
  place('a key', 'id_rsa', 'echo x >id_rsa; chmod 600 id_rsa'),
  place('a FIFO', 'p', 'mkfifo p; chown 1000:1000 p .'),
  place('a link to a file', 'l', 'echo x >f; ln -s f l; chown -h 1000:1000 f l .'),
  place('a link to nothing', 'l', 'ln -s none l; chown -h 1000:1000 l .'),
  place('a name beneath a file', 'f/x', 'echo x >f; chown 1000:1000 f .'),
];

/** What precedes the end of a path, and how each object is made. */
const ended: Place[] = ['/', '/./.'].flatMap((end) => [
  place(`a file and ${end}`, `f${end}`, 'echo x >f; chown 1000:1000 f .'),
  place(`a file of one’s own with mode 0600 and ${end}`, `f${end}`, 'echo x >f; chown 1000:1000 f .; chmod 600 f'),
  place(`nothing and ${end}`, `new${end}`, 'chown 1000:1000 .'),
  place(`a directory and ${end}`, `d${end}`, 'mkdir d; chown 1000:1000 d .'),
  place(`a link to a directory and ${end}`, `l${end}`, 'mkdir d; ln -s d l; chown -h 1000:1000 d l .'),
  place(`a link to a file and ${end}`, `l${end}`, 'echo x >f; ln -s f l; chown -h 1000:1000 f l .'),
  place(`a link to nothing and ${end}`, `l${end}`, 'ln -s none l; chown -h 1000:1000 l .'),
  place(`a directory of one’s own with mode 0500 and ${end}`, `d${end}`, 'mkdir d; chown 1000:1000 d; chmod 500 d'),
  place(`a name beneath a file and ${end}`, `f/x${end}`, 'echo x >f; chown 1000:1000 f .'),
]);

export const places: Place[] = [...withAcls, ...directories, ...files, ...ended];
