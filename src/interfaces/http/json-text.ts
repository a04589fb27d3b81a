import type { Branded } from "../../domain/shared/branded.ts";

declare const value: unique symbol;

/** The JSON of a value. It keeps the type of the value, from which a client's types are inferred. */
export type JsonText<Value extends object> = Branded<string, "JsonText"> & { readonly [value]?: Value };

export function jsonText<Value extends object>(value: Value): JsonText<Value> {
  return JSON.stringify(value) as JsonText<Value>;
}

/**
 * Makes the JSON of a frozen object once, and keeps it as long as the object. Requests share no other objects, so to keep their JSON
 * would only be work for the garbage collector.
 */
export function keptJsonText<Source extends object, Value extends object>(
  present: (source: Source) => Value,
): (source: Source) => JsonText<Value> {
  const texts = new WeakMap<Source, JsonText<Value>>();
  return (source) => {
    const kept = texts.get(source);
    if (kept !== undefined) return kept;
    const text = jsonText(present(source));
    if (Object.isFrozen(source)) texts.set(source, text);
    return text;
  };
}

/** The JSON of a value in UTF-8, as it is sent. */
export interface JsonBytes<Value extends object> {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly [value]?: Value;
}

const UTF_8 = new TextEncoder();

export function jsonBytes<Value extends object>(text: JsonText<Value>): JsonBytes<Value> {
  return { bytes: UTF_8.encode(text) };
}
