import { cancel, log, password as askHidden, text as askText } from "@clack/prompts";
import { EXIT } from "../../bootstrap/exit-codes.ts";

/** Says what is wrong with an answer; `undefined` when nothing is. */
type Check = (raw: string | undefined) => string | undefined;

/** Standard output is for what a command answers. */
const output = process.stderr;

export async function ask(message: string, validate: Check): Promise<string> {
  return answered(await askText({ message, validate, output }));
}

/** Asks for a password twice, until both are the same: nobody sees what they type. */
export async function askNewPassword(validate: Check): Promise<string> {
  for (;;) {
    const first = answered(await askHidden({ message: "Password", validate, clearOnError: true, output }));
    const second = answered(await askHidden({ message: "The same password again", clearOnError: true, output }));
    if (first === second) return first;
    log.warn("The two are not the same. Type both again.", { output });
  }
}

/** Ctrl-C in a question ends the program as it does elsewhere. */
function answered(answer: string | symbol): string {
  if (typeof answer === "string") return answer;
  cancel("Nothing was changed.", { output });
  return process.exit(EXIT.interrupted);
}
