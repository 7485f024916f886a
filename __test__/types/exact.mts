// Small type-level assertions: a consumer file fails to compile when a type differs, in either direction.

/** True only for identical types: `readonly`, optional and `any` make a difference. */
export type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;

/** Accepts only `Equal<…>` that came out true. */
export declare function exactly<_T extends true>(): void;

/** The names of all fields a type has. */
export type Fields<T> = keyof { [K in keyof T]: 1 };
