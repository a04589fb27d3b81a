import { spawn, spawnSync, type ChildProcessWithoutNullStreams, type SpawnOptions } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** The built server. */
export const SERVER = fileURLToPath(new URL("../../dist/main.js", import.meta.url));
const CLI = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));

/** All requests of a test come from one address, so the limits are off. */
const UNLIMITED = { QUIRE_RATE_LIMIT_PER_MINUTE: "0", QUIRE_LOGIN_LIMIT_PER_MINUTE: "0" };

export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningServer {
  readonly url: string;
  readonly process: ChildProcessWithoutNullStreams;
  /** The text on standard error since the start. */
  logged(): string;
  /** Sends a signal and waits for the end of the process. */
  end(signal: NodeJS.Signals): Promise<Ended>;
}

/** An unprivileged user id if this process is root; otherwise `undefined`, which means the own user. */
export const UNPRIVILEGED = process.getuid?.() === 0 ? 65_534 : undefined;

/** Whether that user can read this checkout. */
export function canBeUnprivileged(): boolean {
  return spawnSync(process.execPath, [CLI, "--version"], { cwd: "/", uid: UNPRIVILEGED }).status === 0;
}

type Environment = Readonly<Record<string, string>>;

/**
 * Starts the built server on a free port and waits until it prints its URL.
 *
 * @param openFiles The limit of open files; `null` for the limit of this process.
 */
export async function startServer(
  dataDirectory: string,
  environment: Environment = {},
  openFiles: number | null = null,
): Promise<RunningServer> {
  const all = { PORT: "0", QUIRE_DATA_DIR: dataDirectory, ...UNLIMITED, ...environment };
  return listening(spawnNode(SERVER, [], all, { openFiles }));
}

/** Starts the built server and does not wait until it listens. */
export function spawnServer(dataDirectory: string, environment: Environment = {}) {
  const child = spawnNode(SERVER, [], { PORT: "0", QUIRE_DATA_DIR: dataDirectory, ...UNLIMITED, ...environment });
  return { process: child, ended: collect(child) };
}

/** Whether this machine and this user can run {@link spawnInContainer}. */
export function canMakeContainers(): boolean {
  return spawnSync("unshare", [...CONTAINER, "hostname", "container"]).status === 0;
}

/** Starts the built server in its own UTS and PID namespaces, as a container runtime does. */
export async function startInContainer(dataDirectory: string, host: string): Promise<RunningServer> {
  return listening(spawnInContainer(dataDirectory, host));
}

/** Runs the built server in such a container until it ends by itself. */
export async function runInContainer(dataDirectory: string, host: string): Promise<Ended> {
  return collect(spawnInContainer(dataDirectory, host));
}

const CONTAINER = ["--pid", "--fork", "--kill-child", "--mount-proc", "--uts"];

function spawnInContainer(dataDirectory: string, host: string) {
  const { PATH } = process.env;
  const env = { PATH, PORT: "0", QUIRE_DATA_DIR: dataDirectory };
  const command = ["sh", "-c", 'hostname "$0" && exec "$@"', host, process.execPath, SERVER];
  return spawn("unshare", [...CONTAINER, ...command], { env });
}

/** Starts the server with `npm start`, as the README does. */
export async function startWithNpm(dataDirectory: string, folder = ROOT): Promise<RunningServer> {
  return startProgram(["npm", "start"], folder, dataDirectory);
}

/** Starts a program that is the server, on a free port, and waits until it prints its URL. */
export async function startProgram(
  [program, ...words]: readonly [string, ...string[]],
  folder: string,
  dataDirectory: string,
  environment: Environment = {},
): Promise<RunningServer> {
  return listening(spawnProgram([program, ...words], folder, dataDirectory, environment));
}

/** Runs a program that is the server until it ends by itself. After 30 s it is killed, and `exitCode` is `null`. */
export async function runProgram(...program: Parameters<typeof spawnProgram>): Promise<Ended> {
  return endedInTime(spawnProgram(...program));
}

function spawnProgram(
  [program, ...words]: readonly [string, ...string[]],
  folder: string,
  dataDirectory: string,
  environment: Environment,
) {
  const { PATH, HOME } = process.env;
  const env = { PATH, HOME, PORT: "0", QUIRE_DATA_DIR: dataDirectory, ...environment };
  return spawn(program, words, { cwd: folder, env });
}

async function listening(child: ChildProcessWithoutNullStreams): Promise<RunningServer> {
  const ended = collect(child);
  let log = "";
  child.stderr.on("data", (chunk: Buffer) => (log += chunk.toString()));
  const url = await new Promise<string>((settle, refuse) => {
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      const found = /http:\/\/\S+:\d+/.exec(output)?.[0];
      if (found !== undefined) settle(found);
    });
    void ended.then(({ exitCode, stderr }) => refuse(new Error(`The server ended with ${exitCode}: ${stderr}`)));
  });
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    return ended;
  };
  return { url, process: child, logged: () => log, end };
}

const RUN_TIMEOUT_MS = 30_000;

/** Runs the built server until it ends by itself. After 30 s it is killed, and `exitCode` is `null`. */
export async function runServer(environment: Environment, how: HowToSpawn = {}): Promise<Ended> {
  return endedInTime(spawnNode(SERVER, [], { PORT: "0", ...environment }, how));
}

async function endedInTime(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  const timeout = setTimeout(() => child.kill("SIGKILL"), RUN_TIMEOUT_MS);
  return collect(child).finally(() => clearTimeout(timeout));
}

export async function runCli(options: readonly string[], environment: Environment, input = ""): Promise<Ended> {
  const child = spawnNode(CLI, options, environment);
  // A command that reads no input can end before the write.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  return collect(child);
}

/** Starts the command line and does not wait for its end. */
export function spawnCli(options: readonly string[], environment: Environment) {
  const child = spawnNode(CLI, options, environment);
  return { process: child, ended: collect(child) };
}

/** Runs the command line with a closed standard output, as in a pipe to `head`. */
export async function runUnreadCli(options: readonly string[], environment: Environment): Promise<Ended> {
  const child = spawnNode(CLI, options, environment);
  child.stdout.destroy();
  return collect(child);
}

/** Whether this machine has script(1), which {@link openTerminal} needs. */
export function canOpenTerminals(): boolean {
  return spawnSync("script", ["--version"]).status === 0;
}

/** Runs the command line on a terminal. */
export function openTerminal(options: readonly string[], environment: Environment) {
  return onTerminal([CLI, ...options], environment);
}

export function startOnTerminal(dataDirectory: string) {
  return onTerminal([SERVER], { PORT: "0", QUIRE_DATA_DIR: dataDirectory, ...UNLIMITED });
}

/** Runs a program on a pseudo-terminal (util-linux, script(1)). Returns functions to type into it and to read it. */
function onTerminal(words: readonly string[], environment: Environment) {
  const { PATH } = process.env;
  const command = [process.execPath, ...words].map((word) => `'${word}'`).join(" ");
  // A new pseudo-terminal has no size.
  const child = spawn("script", ["-qec", `stty cols 100 rows 30 && exec ${command}`, "/dev/null"], {
    env: { PATH, TERM: "xterm", ...environment },
  });
  let shown = "";
  child.stdout.on("data", (chunk: Buffer) => (shown += chunk.toString()));
  return {
    /** The text that the terminal has shown. */
    shown: () => shown,
    type: (text: string) => child.stdin.write(text),
    ended: collect(child),
  };
}

interface HowToSpawn extends Pick<SpawnOptions, "cwd" | "uid"> {
  /** The limit of open files; `null` for the limit of this process. */
  readonly openFiles?: number | null;
}

function spawnNode(script: string, options: readonly string[], environment: Environment, how: HowToSpawn = {}) {
  const { PATH } = process.env;
  const { openFiles = null, ...rest } = how;
  const command = [process.execPath, script, ...options];
  // Node raises its soft limit to the hard limit, so both are set.
  const [program = "", ...words] =
    openFiles === null ? command : ["prlimit", `--nofile=${openFiles}:${openFiles}`, ...command];
  return spawn(program, words, { ...rest, env: { PATH, ...environment } });
}

async function collect(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  await once(child, "close");
  return { exitCode: child.exitCode, stdout, stderr };
}
