/** A table to look names up in that nobody but us can have put anything into: it has no prototype. */
export function table<V>(entries: Record<string, V>): Record<string, V> {
  return Object.freeze(Object.assign(Object.create(null), entries));
}

/** A table whose entries have no prototype either, so that a missing member is never found on `Object.prototype`. */
export function tableOfTables<V extends object>(entries: Record<string, V>): Record<string, V> {
  return table(Object.fromEntries(Object.entries(entries).map(([name, entry]) => [name, Object.freeze({ __proto__: null, ...entry })])));
}
