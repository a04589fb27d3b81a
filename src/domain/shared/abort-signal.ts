/**
 * The part of `AbortSignal` (WHATWG DOM, 3.2) that ports and use cases need. The domain compiles without the types of Web APIs.
 */
export interface AbortSignal {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}
