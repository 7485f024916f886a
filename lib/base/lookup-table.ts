/** Creates a lookup table without a prototype, so that names on `Object.prototype` are not found. */
export function table<V>(entries: Record<string, V>): Record<string, V> {
  return Object.freeze(Object.assign(Object.create(null), entries));
}

/** Creates a lookup table whose entries have no prototype either. */
export function tableOfTables<V extends object>(entries: Record<string, V>): Record<string, V> {
  return table(Object.fromEntries(Object.entries(entries).map(([name, entry]) => [name, Object.freeze({ __proto__: null, ...entry })])));
}
