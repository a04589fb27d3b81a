import { ok, type Result } from "neverthrow";
import { fail } from "../../domain/shared/fail.ts";
import type { InputRefused } from "./terminal.ts";

/** The longest password has 4 KiB in UTF-8; a URL with several hosts has about as much. */
const MAX_INPUT_BYTES = 65_536;

/** Reads all of an input. Fails with `input_refused` if it is too long or not UTF-8. */
export async function readInput(input: AsyncIterable<Uint8Array>): Promise<Result<string, InputRefused>> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of input) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_INPUT_BYTES) return refuse(`has more than ${MAX_INPUT_BYTES} bytes`);
  }
  try {
    return ok(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks)));
  } catch {
    return refuse("is not UTF-8");
  }
}

function refuse(detail: string): Result<never, InputRefused> {
  return fail({ kind: "input_refused", detail: `Standard input ${detail}.` });
}
