import type { Command } from "commander";

export const SHELLS = ["bash", "zsh"] as const;

export type Shell = (typeof SHELLS)[number];

/** zsh runs a completion function of bash with this module of its own. */
const ZSH_PREFIX = `(( $+functions[compdef] )) || { autoload -U +X compinit && compinit; }
autoload -U +X bashcompinit && bashcompinit
`;

/** Options whose value is a path, unless it is a URL. */
const PATH_OPTIONS = ["--from", "--pglite", "--to"];

/**
 * Returns a completion script for a shell. It is made from the commands themselves, so it needs no list of its own, and the
 * shell does not start the program at each key.
 */
export function completionScript(program: Command, shell: Shell): string {
  return `${shell === "zsh" ? ZSH_PREFIX : ""}${bashScript(program)}`;
}

function bashScript(program: Command): string {
  const name = program.name();
  const commands = commandsOf(program);
  const subcommands = commands.filter(({ path }) => path !== "");
  const values = valuesOf(commands.map(({ command }) => command));
  // The names of the variables begin with _, because path and words are special variables of zsh.
  return `_${name}() {
  local _current="\${COMP_WORDS[COMP_CWORD]}" _command='' _offered='' _word
  COMPREPLY=()
  case "\${COMP_WORDS[COMP_CWORD-1]}" in
${values.map(([option, choices]) => `    ${option}) COMPREPLY=($(compgen -W '${choices.join(" ")}' -- "$_current")); return ;;`).join("\n")}
    ${PATH_OPTIONS.join("|")}) COMPREPLY=($(compgen -f -- "$_current")); return ;;
  esac
  for _word in "\${COMP_WORDS[@]:1:$((COMP_CWORD-1))}"; do
    case "$_command $_word" in
${subcommands.map(({ path }) => `      '${path}') _command='${path}' ;;`).join("\n")}
    esac
  done
  case "$_command" in
${commands.map(({ path, words }) => `    '${path}') _offered='${words.join(" ")}' ;;`).join("\n")}
  esac
  COMPREPLY=($(compgen -W "$_offered" -- "$_current"))
}
complete -F _${name} ${name}
`;
}

interface CompletedCommand {
  readonly command: Command;
  /** The words after the name of the program, each with a space before it. */
  readonly path: string;
  /** The words that can come next: subcommands, choices of arguments, options. */
  readonly words: readonly string[];
}

function commandsOf(program: Command): readonly CompletedCommand[] {
  const found: CompletedCommand[] = [];
  const pending = [{ command: program, path: "" }];
  for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
    const { command, path } = next;
    const { commands, options, registeredArguments } = command;
    const choices = registeredArguments.flatMap(({ argChoices }) => argChoices ?? []);
    const flags = [...options.map(({ long }) => long ?? ""), "--help"];
    found.push({ command, path, words: [...commands.map((each) => each.name()), ...choices, ...flags] });
    pending.push(...commands.map((each) => ({ command: each, path: `${path} ${each.name()}` })));
  }
  return found;
}

/** The options that have a fixed list of values. */
function valuesOf(commands: readonly Command[]): readonly (readonly [option: string, choices: readonly string[]])[] {
  return commands
    .flatMap(({ options }) => options)
    .flatMap(({ long, argChoices = [] }) => (argChoices.length === 0 ? [] : [[long ?? "", argChoices] as const]));
}
