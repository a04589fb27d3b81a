/** What the operator decides about the API. */
export interface HttpSettings {
  /** Whether who edits or deletes a post must say by If-Match which version of it (RFC 6585, 3). */
  readonly requireIfMatch: boolean;
}
