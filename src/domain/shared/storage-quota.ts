import { utf8ByteLength } from "./text.ts";

/** The account would have stored more than its quota. */
export interface AccountQuotaExceeded {
  readonly kind: "account_quota_exceeded";
}

/** A row, its indexes and its place in the table count as this much, so that very many small rows count as well. */
export const ROW_BYTES = 1024;

/** What a post counts towards its author's quota: title and content in UTF-8, and its row. */
export function storedPostBytes({ title, content }: { readonly title: string; readonly content: string }): number {
  return ROW_BYTES + utf8ByteLength(title) + utf8ByteLength(content);
}
