declare const brand: unique symbol;

/**
 * A `Value` that only the file which knows its rule can make: the brand exists for the type checker alone,
 * so a plain string never passes where a checked one is asked for.
 */
export type Branded<Value, Name extends string> = Value & { readonly [brand]: { readonly [N in Name]: true } };
