import { utf8ByteLength } from "./text.ts";

/** The account would have stored more than its quota. */
export interface AccountQuotaExceeded {
  readonly kind: "account_quota_exceeded";
}

/** The fixed cost of a row with its index entries, so that many small rows count too. */
export const ROW_BYTES = 1024;

/** The bytes that a post adds to the usage of its author: title and content in UTF-8, and its row. */
export function storedPostBytes({ title, content }: { readonly title: string; readonly content: string }): number {
  return ROW_BYTES + utf8ByteLength(title) + utf8ByteLength(content);
}
