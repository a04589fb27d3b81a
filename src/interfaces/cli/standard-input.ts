import { ok, type Result } from "neverthrow";
import { fail } from "../../domain/shared/fail.ts";

/** Standard input is not what a command reads from it. */
export interface InputRefused {
  readonly kind: "input_refused";
  readonly detail: string;
}

/** The longest password has 4 KiB in UTF-8, and a URL with several hosts not much more. */
const MAX_INPUT_BYTES = 65_536;

/** Reads all of standard input. Fails with `input_refused` when it is too long or no UTF-8. */
export async function readStandardInput(): Promise<Result<string, InputRefused>> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
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
