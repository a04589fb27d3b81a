import { Command, CommanderError, Option } from "commander";
import { err, ok, safeTry, type Result } from "neverthrow";
import type { UseCases } from "../../application/application.ts";
import type { AdministerUsers } from "../../application/users/administer-users.ts";
import { ROLES, type Role } from "../../domain/user/user.ts";
import type { ActionOf, Outcome } from "./action.ts";
import { addBackup, addCompact, addRestore, addUpgrade, addVerify } from "./data-directory-commands.ts";
import type { BackupDependencies } from "./backup.ts";
import type { CompactDependencies } from "./compact.ts";
import type { VerifyDependencies } from "./verify.ts";
import type { CommandFailure } from "./command-failure.ts";
import { completionScript, SHELLS, type Shell } from "./completion.ts";
import { completeAnswers, createUserFromAnswers, type CreateUserOptions } from "./create-user.ts";
import { move, type MoveDependencies, type MoveLocations } from "./move.ts";
import { readNewPassword, requireInteractive, type PasswordOptions } from "./password.ts";
import { reindex, type ReindexDependencies } from "./reindex.ts";
import { tableLines } from "./table-lines.ts";
import type { UpgradeDependencies } from "./upgrade.ts";
import { checkReference, listUsers, setPassword, setRole } from "./users.ts";

/** Whether a command may create the database if there is none. */
export type NewDatabase = "allowed" | "refused";

export type OperatorUseCases = Pick<UseCases, "createUser"> & { readonly operator: AdministerUsers };

/** Runs a command on the configured database, and closes it. */
export type WithDatabase<Failure> = <T>(
  newDatabase: NewDatabase,
  run: (app: OperatorUseCases) => Promise<Result<T, CommandFailure>>,
) => Promise<Result<{ readonly value: T; readonly location: string }, CommandFailure | Failure>>;

/** `Failure`: why a database cannot be opened, used or closed. */
export interface CommandDependencies<Failure>
  extends
    MoveDependencies<Failure>,
    ReindexDependencies<Failure>,
    BackupDependencies<Failure>,
    VerifyDependencies<Failure>,
    CompactDependencies<Failure>,
    UpgradeDependencies<Failure> {
  readonly version: string;
  /** Serves the API until a signal stops it. */
  readonly serve: () => Promise<Result<void, Failure>>;
  readonly withDatabase: WithDatabase<Failure>;
}

const USER_ARGUMENT = "<user>";
const USER_ARGUMENT_TEXT = "the user's e-mail address or id";
const PASSWORD_STDIN_TEXT = "read the password from standard input, without its last line break";

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

const DATABASE_TEXT = `
The commands use the database of the server: DATABASE_URL, or else QUIRE_DATA_DIR (default: ./data), from the environment or
from the file .env.`;

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
  const user = program.command("user").description("administer users").addHelpText("after", DATABASE_TEXT);
  addCreateUser(user, dependencies, action);
  addListUsers(user, dependencies, action);
  addUserChanges(user, dependencies, action);
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

function addCreateUser<Failure>(
  user: Command,
  { terminal, withDatabase }: CommandDependencies<Failure>,
  action: ActionOf<Failure>,
): void {
  user
    .command("create")
    .description("create a user; prompts for everything that no option gives")
    .addOption(new Option("--role <role>", "the role of the user").choices(ROLES).default("author"))
    .option("--name <name>", "1 to 100 characters")
    .option("--email <address>", "the address that the user logs in with")
    .option("--password-stdin", PASSWORD_STDIN_TEXT, false)
    .option("--new-database", "create the database if there is none", false)
    .action(
      action(async (options: CreateUserOptions & { readonly role: Role; readonly newDatabase: boolean }) =>
        safeTry(async function* () {
          const answers = yield* await completeAnswers(terminal, options);
          const { value, location } = yield* await withDatabase(
            options.newDatabase ? "allowed" : "refused",
            async (app) => createUserFromAnswers(app, answers, options.role),
          );
          terminal.print(`Created the ${value.role} ${value.email} with the id ${value.id} in ${location}.`);
          return ok();
        }),
      ),
    );
}

function addListUsers<Failure>(
  user: Command,
  { terminal, withDatabase }: CommandDependencies<Failure>,
  action: ActionOf<Failure>,
): void {
  user
    .command("list")
    .description("list all users, newest first: id, role, e-mail address, name")
    .option("--json", "print one JSON object a line", false)
    .action(
      action(async ({ json }: { readonly json: boolean }) =>
        withDatabase("refused", async ({ operator }) =>
          listUsers(operator, (line) => terminal.print(line), json ? "json" : "columns"),
        ),
      ),
    );
}

function addUserChanges<Failure>(
  user: Command,
  { terminal, withDatabase }: CommandDependencies<Failure>,
  action: ActionOf<Failure>,
): void {
  user
    .command("password")
    .description("change the password of a user, and revoke all of their sessions")
    .argument(USER_ARGUMENT, USER_ARGUMENT_TEXT)
    .option("--password-stdin", PASSWORD_STDIN_TEXT, false)
    .action(
      action(async (reference: string, options: PasswordOptions) =>
        safeTry(async function* () {
          yield* checkReference(reference);
          yield* requireInteractive(terminal, options.passwordStdin ? [] : ["--password-stdin"]);
          const password = yield* await readNewPassword(terminal, options);
          const { value, location } = yield* await withDatabase("refused", async ({ operator }) =>
            setPassword(operator, reference, password),
          );
          terminal.print(`Changed the password of ${value.email} and revoked all of their sessions in ${location}.`);
          return ok();
        }),
      ),
    );
  user
    .command("role")
    .description("change the role of a user")
    .argument(USER_ARGUMENT, USER_ARGUMENT_TEXT)
    .addArgument(user.createArgument("<role>", "the new role").choices(ROLES))
    .action(
      action(async (reference: string, role: Role) =>
        safeTry(async function* () {
          yield* checkReference(reference);
          const { value, location } = yield* await withDatabase("refused", async ({ operator }) =>
            setRole(operator, reference, role),
          );
          terminal.print(`${value.email} has the role ${value.role} in ${location}.`);
          return ok();
        }),
      ),
    );
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
    .addHelpText("after", MOVE_TEXT)
    .action(
      action(async (options: Partial<MoveLocations>) => {
        const moved = await move(dependencies, options);
        return moved.map((tables) => {
          dependencies.terminal.print("Verified: source and target are identical.");
          for (const line of tableLines(tables)) dependencies.terminal.print(line);
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
    .addHelpText("after", DATABASE_TEXT)
    .action(action(async () => reindex(dependencies)));
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
