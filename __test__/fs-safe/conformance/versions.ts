/** The releases that the table is run against. The adapters follow the last one if they differ. */
export const NEWEST = '0.21.0';

/** Rows with another outcome in an older release, by group: features of 0.21.0. */
export const SINCE_NEWEST: Record<string, Record<string, string>> = {
  'replaceFileAtomic and writeTextAtomic': {
    'when the caller may not': '0.18.1 ignores assertBeforeMutation there',
    'when the caller may not, at once': '0.18.1 ignores assertBeforeMutation there',
    'when the answer comes later': '0.18.1 ignores assertBeforeMutation there',
    'when the answer comes later, at once': '0.18.1 ignores assertBeforeMutation there',
    'what a caller is told afterwards': '0.18.1 ignores onDestinationState',
    'a caller that answers later what it was told': '0.18.1 ignores onDestinationState',
    'a text with an empty prefix': '0.18.1 does not check tempPrefix',
    'a text that a caller sees first': '0.18.1 calls beforeRename before the content is in the file',
  },
  'replaceFileAtomic with a file system of the host': {
    "with a host's file system, asked before each change": '0.18.1 ignores assertBeforeMutation there',
    "with a host's file system, asked before each change, at once": '0.18.1 ignores assertBeforeMutation there',
  },
  'lists and walks of a root': {
    'a walk that includes links': "0.18.1 has no policy 'include'",
  },
};
