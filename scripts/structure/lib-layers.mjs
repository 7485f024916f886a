// The layers of lib/, from the bottom to the top: a file imports from its own layer and from lower ones.

export const LIB = {
  tree: 'lib',
  layers: [['base'], ['errors'], ['native'], ['options'], ['schedule'], ['verbs'], ['state'], ['root'], ['index'], ['fs-safe', 'cli']],
};
