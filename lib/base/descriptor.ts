/**
 * Returns a property descriptor without a prototype. In one with a prototype, a `get` or `set` that other code added to
 * `Object.prototype` counts, and defining the property is a TypeError.
 */
export function descriptor(fields: PropertyDescriptor & ThisType<any>): PropertyDescriptor {
  return { __proto__: null, ...fields } as PropertyDescriptor;
}
