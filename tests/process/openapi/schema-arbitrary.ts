import { Ajv2020 } from "ajv/dist/2020.js";
import * as fc from "fast-check";

/** The keywords of JSON Schema that the request schemas of the document use. */
interface RequestSchema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: object;
  readonly properties?: Readonly<Record<string, object>>;
  readonly required?: readonly string[];
}

const ajv = new Ajv2020({ strict: false, validateFormats: false });

/** Generates values that a schema allows, including values at its limits. */
export function arbitraryOf(schema: object): fc.Arbitrary<unknown> {
  const { type, enum: values, items = {}, properties = {}, required = [], minimum, maximum }: RequestSchema = schema;
  if (values !== undefined) return fc.constantFrom(...values);
  if (type === "string") return strings(schema);
  if (type === "boolean") return fc.boolean();
  if (type === "array") return fc.uniqueArray(arbitraryOf(items), { minLength: 1 });
  if (type === "integer")
    return fc.integer({
      ...(minimum === undefined ? {} : { min: minimum }),
      ...(maximum === undefined ? {} : { max: maximum }),
    });
  if (type !== "object") throw new Error(`No arbitrary for ${JSON.stringify(schema)}`);
  const fields = Object.entries(properties).map(([name, field]) => [name, arbitraryOf(field)] as const);
  return fc.record(Object.fromEntries(fields), { requiredKeys: [...required] });
}

function strings(schema: object): fc.Arbitrary<string> {
  const { format, pattern, minLength = 0, maxLength = 2_000 }: RequestSchema = schema;
  const isValid = ajv.compile(schema);
  // The length of a password is counted after NFC. The description states this; a schema cannot.
  const isAllowed = (text: string) => isValid(text) && text.normalize("NFC") === text;
  const lengths = fc.constantFrom(minLength, Math.min(maxLength, 5_000)).map((length) => "a".repeat(length));
  const any = fc.oneof(
    fc.string({ unit: "grapheme", minLength, maxLength, size: "medium" }),
    fc.string({ unit: "binary", minLength, maxLength, size: "medium" }),
    lengths,
  );
  const byFormat: Readonly<Record<string, fc.Arbitrary<string>>> = {
    uuid: fc.uuid().chain((id) => fc.constantFrom(id, id.toUpperCase())),
    "date-time": fc
      .tuple(
        fc.date({ min: new Date("0002-01-01T00:00:00Z"), max: new Date("9998-12-31T23:59:59Z"), noInvalidDate: true }),
        fc.constantFrom("Z", "+01:00", "-23:59"),
      )
      .map(([time, offset]) => time.toISOString().replace("Z", offset)),
    "idn-email": fc.oneof(fc.emailAddress(), fc.constant("åsa.ö@exämple.org")),
  };
  const byPattern = pattern === undefined ? any : fc.stringMatching(new RegExp(pattern));
  return (byFormat[format ?? ""] ?? byPattern).filter(isAllowed);
}
