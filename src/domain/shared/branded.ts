declare const brand: unique symbol;

/**
 * A `Value` that has passed a check. Only the file with the check casts to this type, so an unchecked value does not compile
 * where a checked one is required. The brand does not exist at run time.
 */
export type Branded<Value, Name extends string> = Value & { readonly [brand]: { readonly [N in Name]: true } };
