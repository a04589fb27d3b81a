import { readFileSync } from "node:fs";
import { ok, type Result } from "neverthrow";
import { fail } from "../../domain/shared/fail.ts";

/** A line of an env file that cannot be read. It leaves out the text of the line, which may be a secret. */
export interface EnvFileProblem {
  /** Counted from 1. */
  readonly line: number;
  readonly detail: string;
}

export interface EnvFile {
  readonly variables: ReadonlyMap<string, string>;
  readonly problems: readonly EnvFileProblem[];
}

/** The env file exists but cannot be read; `detail` has the reason. */
export interface EnvFileUnreadable {
  readonly kind: "env_file_unreadable";
  readonly detail: string;
}

/** Reads an env file; `null` if there is none. Fails with `env_file_unreadable`. */
export function readEnvFile(path: string): Result<EnvFile | null, EnvFileUnreadable> {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path));
    return ok(parseEnvFile(text));
  } catch (thrown) {
    const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
    if (code === "ENOENT") return ok(null);
    return fail({ kind: "env_file_unreadable", detail: REASONS[code] ?? code });
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EISDIR: "it is a directory",
  ERR_ENCODING_INVALID_ENCODED_DATA: "it is not UTF-8",
};

const BLANK = /^\s*(?:#.*)?$/;
const ASSIGNMENT = /^\s*(?:export\s+)?(?<name>[^\s=#"'`]+)\s*=(?<rest>.*)$/;
const QUOTED = /^\s*(?<quote>["'`])(?<text>[^]*?)\k<quote>(?<after>[^\n]*)/;

/**
 * Parses the assignments of an env file: `NAME=value`, with a comment after white space and `#`. A value in quotes may span
 * several lines. Node's own parser (util.parseEnv) accepts the same, but silently drops each line that it does
 * not understand. It also drops the rest of an unquoted value after a `#`, which may be half a password.
 */
export function parseEnvFile(raw: string): EnvFile {
  const lines = raw
    .replace(/^\uFEFF/, "")
    .replaceAll("\r\n", "\n")
    .split("\n");
  const variables = new Map<string, string>();
  const problems: EnvFileProblem[] = [];
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? "";
    if (BLANK.test(line)) continue;
    const { name, rest = "" } = ASSIGNMENT.exec(line)?.groups ?? {};
    const problem = (detail: string) => problems.push({ line: index + 1, detail });
    if (name === undefined) {
      problem("is not an assignment such as NAME=value");
      continue;
    }
    if (!/^\s*["'`]/.test(rest)) {
      const [value = ""] = rest.split(/(?:^|\s)#/, 1);
      if (value.includes("#")) problem(`has a # in the value of ${name}: put the value in quotes`);
      variables.set(name, value.trim());
      continue;
    }
    const quoted = (QUOTED.exec(rest) ?? QUOTED.exec([rest, ...lines.slice(index + 1)].join("\n")))?.groups;
    if (quoted === undefined) {
      problem(`opens a quote in the value of ${name} but does not close it`);
      continue;
    }
    const { quote, text = "", after = "" } = quoted;
    if (!BLANK.test(after)) problem(`has text after the closing quote of ${name}`);
    variables.set(name, quote === '"' ? text.replaceAll(String.raw`\n`, "\n") : text);
    index += text.split("\n").length - 1;
  }
  return { variables, problems };
}
