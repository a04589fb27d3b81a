import { spawn } from "node:child_process";

const END = "-- end of the answer --";

/** A command with its continuation lines or here-document, its documented output, and the blank lines after it. */
const COMMAND =
  /^\$ (?<command>(?:.*\\\n)*(?:.*<< '(?<end>\w+)'\n[^]*?\n\k<end>|.*)\n)(?<documented>(?:[^]*\S\n)?)(?<gap>\n*)$/;

export interface TranscriptOptions {
  /** Values of the document and their counterparts on this machine. */
  readonly counterparts: Iterable<readonly [documented: string, actual: string]>;
  /** Finds the values that have counterparts. */
  readonly varying: RegExp;
  /** Finds the parts of an output that differ in each run. */
  readonly volatile: RegExp;
  /** Finds the lines of an output that only a slow run has. */
  readonly omitted?: RegExp;
  /** The first lines of the shell. */
  readonly setUp?: string;
  readonly directory?: string;
}

/** A shell that runs the commands of a document, with the values of this machine. */
export function openTranscript(options: TranscriptOptions) {
  const { counterparts, varying, volatile, omitted = /(?!)/g, setUp = "", directory = "." } = options;
  const { PATH } = process.env;
  const shell = spawn("bash", ["--norc"], { env: { PATH }, cwd: directory });
  const output: AsyncIterator<string> = shell.stdout.setEncoding("utf8")[Symbol.asyncIterator]();
  const here = new Map(counterparts);
  const there = new Map(Array.from(here, ([documented, actual]) => [actual, documented]));
  shell.stdin.write(`exec 2>&1\n${setUp}\n`);

  async function run(command: string): Promise<string> {
    // The next command may show the exit code of this one.
    shell.stdin.write(`${command}code=$?; printf '%s' '${END}'; (exit $code)\n`);
    let printed = "";
    while (!printed.endsWith(END)) {
      const { done, value } = await output.next();
      if (done === true) throw new Error(`The shell ended at: ${command}`);
      printed += value;
    }
    const text = printed.slice(0, -END.length).replaceAll("\r", "").replaceAll(omitted, "").trimEnd();
    return text === "" ? "" : `${text}\n`;
  }

  const translated = (text: string, names: ReadonlyMap<string, string>) =>
    text.replaceAll(varying, (value) => names.get(value) ?? value);

  /** Values at the same position of two answers of the same form are counterparts. */
  function learn(documented: string, printed: string): void {
    const expected = documented.match(varying) ?? [];
    const found = printed.match(varying) ?? [];
    if (expected.length !== found.length) return;
    for (const [index, value] of expected.entries()) {
      const counterpart = found[index] ?? value;
      if (here.has(value) || there.has(counterpart)) continue;
      here.set(value, counterpart);
      there.set(counterpart, value);
    }
  }

  async function step(text: string): Promise<string> {
    const { command = "", documented = "", gap = "" } = COMMAND.exec(text)?.groups ?? {};
    const printed = await run(translated(command, here));
    learn(documented, printed);
    const now = translated(printed, there);
    const isSame = now.replaceAll(volatile, "…") === documented.replaceAll(volatile, "…");
    return isSame ? text : `$ ${command}${now}${gap}`;
  }

  /** Returns the section with the current answers. An answer that differs only by chance stays unchanged. */
  async function replay(section: string): Promise<string> {
    let now = "";
    let isBlock = false;
    for (const part of section.split(/(?<=^```console\n)([^]*?^)(?=```$)/m)) {
      if (!isBlock) now += part;
      else for (const text of part.split(/^(?=\$ )/m)) now += await step(text);
      isBlock = !isBlock;
    }
    return now;
  }

  return { replay, leave: () => shell.stdin.end() };
}
