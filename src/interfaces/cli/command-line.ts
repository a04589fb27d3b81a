import { Command, CommanderError } from "commander";
import { err, ok, type Result } from "neverthrow";
import type { ActionOf, Outcome } from "./action.ts";
import { addBackup, addCompact, addRestore, addUpgrade, addVerify } from "./data-directory-commands.ts";
import type { BackupDependencies } from "./backup.ts";
import type { CompactDependencies } from "./compact.ts";
import type { VerifyDependencies } from "./verify.ts";
import type { CommandFailure } from "./command-failure.ts";
import { completionScript, SHELLS, type Shell } from "./completion.ts";
import { move, type MoveDependencies, type MoveLocations } from "./move.ts";
import { reindex, type ReindexDependencies } from "./reindex.ts";
import { tableLines } from "./table-lines.ts";
import type { UpgradeDependencies } from "./upgrade.ts";
import { addUsers, DATABASE_TEXT, type UserDependencies } from "./user-commands.ts";

/** `Failure`: why a database cannot be opened, used or closed. */
export interface CommandDependencies<Failure>
  extends
    MoveDependencies<Failure>,
    ReindexDependencies<Failure>,
    BackupDependencies<Failure>,
    VerifyDependencies<Failure>,
    CompactDependencies<Failure>,
    UpgradeDependencies<Failure>,
    UserDependencies<Failure> {
  readonly version: string;
  /** Serves the API until a signal stops it. */
  readonly serve: () => Promise<Result<void, Failure>>;
}

/** The command of a command line without words. */
const DEFAULT_COMMAND = "serve";

const HELP_TEXT = `
Examples:
  quire                                              serve the API on http://127.0.0.1:3000, with the data in ./data
  PORT=8080 QUIRE_DATA_DIR=/var/lib/quire quire      the same with another port and another data directory
  quire user create --new-database --role admin      create the first admin; prompts for address, name and password
  quire user list --json                             all users, one JSON object a line
  quire backup --to /backups                         back up the running server, and prove the backup
  quire verify                                       check every row and index of the running server
  quire move --from ./data --to ./copy               copy a database, and verify the copy
  source <(quire completion bash)                    complete commands and options in this shell

Variables of the environment, or of a file .env in this directory, configure the server and the commands. The most used:
  HOST, PORT            the address to listen on (127.0.0.1, 3000)
  QUIRE_DATA_DIR        the data directory of the embedded PostgreSQL (./data)
  DATABASE_URL          a PostgreSQL server instead of the embedded one
  QUIRE_REGISTRATION    open, or closed: only admins create users
The server checks all variables when it starts, and names every mistake. /docs on the server has the API.`;

const MOVE_TEXT = `
A location is a data directory or the URL of a PostgreSQL server. All users of a machine can see the options of a process. So
pass a URL with a password in a variable, or as - and a line of standard input (the line of --from comes first).`;

const SERVE_TEXT = `
It creates the database at the first start and applies new migrations. Variables configure it: quire --help names the most
used ones, and .env.example in the package all of them. Exit codes: 0 after a stop, 75 if another process has the data
directory, 78 for a wrong configuration.`;

const COMPLETION_TEXT = `
For this shell:     source <(quire completion bash)
For every shell:    quire completion bash > ~/.local/share/bash-completion/completions/quire
With zsh:           put source <(quire completion zsh) into ~/.zshrc`;

/** Runs the command that the arguments name; without a command, the server. */
export async function runCommand<Failure>(
  argv: readonly string[],
  dependencies: CommandDependencies<Failure>,
): Promise<Result<void, CommandFailure | Failure>> {
  let outcome: Outcome<Failure> = ok();
  let errors = "";
  const action: ActionOf<Failure> =
    (command) =>
    async (...args) => {
      outcome = await command(...args);
    };
  const program = new Command("quire")
    .description(
      "A publishing API with a PostgreSQL inside. Without a command it serves the API. On the embedded PostgreSQL, stop the server before you use another command than backup and verify.",
    )
    .addHelpText("after", HELP_TEXT)
    .version(dependencies.version, "--version", "show the version")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => dependencies.terminal.write(text),
      writeErr: (text) => {
        errors += text;
      },
    });
  addServe(program, dependencies, action);
  addUsers(program, dependencies, action);
  addBackup(program, dependencies, action);
  addRestore(program, dependencies, action);
  addVerify(program, dependencies, action);
  addCompact(program, dependencies, action);
  addUpgrade(program, dependencies, action);
  addMove(program, dependencies, action);
  addReindex(program, dependencies, action);
  addCompletion(program, dependencies, action);
  try {
    await program.parseAsync(argv.length > 2 ? argv : [...argv, DEFAULT_COMMAND]);
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    return thrown.exitCode === 0 ? ok() : err({ kind: "command_line_invalid", detail: errors.trimEnd() });
  }
  return outcome.map(() => undefined);
}

function addServe<Failure>(program: Command, { serve }: CommandDependencies<Failure>, action: ActionOf<Failure>): void {
  program
    .command(DEFAULT_COMMAND)
    .description("serve the API until SIGTERM or Ctrl-C (the default)")
    .addHelpText("after", SERVE_TEXT)
    .action(action(async () => serve()));
}

function addMove<Failure>(
  program: Command,
  dependencies: CommandDependencies<Failure>,
  action: ActionOf<Failure>,
): void {
  program
    .command("move")
    .description("copy everything to an empty database, and verify that both are identical; stop Quire on both first")
    .option("--from <location>", "the source database (or the variable QUIRE_MOVE_FROM)")
    .option("--to <location>", "an empty database, or a new directory (or the variable QUIRE_MOVE_TO)")
    .option("--json", "print the result as JSON", false)
    .addHelpText("after", MOVE_TEXT)
    .action(
      action(async ({ json, ...locations }: Partial<MoveLocations> & { readonly json: boolean }) => {
        const moved = await move(dependencies, locations);
        return moved.map((tables) => {
          const texts = ["Verified: source and target are identical.", ...tableLines(tables)];
          for (const line of json ? [JSON.stringify({ tables })] : texts) dependencies.terminal.print(line);
        });
      }),
    );
}

function addReindex<Failure>(
  program: Command,
  dependencies: CommandDependencies<Failure>,
  action: ActionOf<Failure>,
): void {
  program
    .command("reindex")
    .description(
      "build the search index of all posts again; searches keep working, and the server builds it by itself when needed",
    )
    .option("--json", "print the result as JSON", false)
    .addHelpText("after", DATABASE_TEXT)
    .action(action(async (options: { readonly json: boolean }) => reindex(dependencies, options)));
}

function addCompletion<Failure>(
  program: Command,
  { terminal }: CommandDependencies<Failure>,
  action: ActionOf<Failure>,
): void {
  program
    .command("completion")
    .description("print a script that completes commands and options in a shell")
    .addArgument(program.createArgument("<shell>", "the shell").choices(SHELLS))
    .addHelpText("after", COMPLETION_TEXT)
    .action(
      action(async (shell: Shell) => {
        terminal.write(completionScript(program, shell));
        return ok();
      }),
    );
}
