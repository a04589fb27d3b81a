import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { err, ok, type Result } from "neverthrow";
import { extract, pack, type Pack } from "tar-stream";
import { fail } from "../../../domain/shared/fail.ts";
import { createDirectory } from "../directory/create-directory.ts";
import { describeError } from "../../node/describe-error.ts";
import { BACKUP_FORMAT, Manifest, type ArchivedFile } from "./manifest.ts";
import { createPacedFile } from "./paced-file.ts";
import type { Pause } from "./pause.ts";

/** The archive is incomplete or damaged, or it is no backup. */
export interface ArchiveDamaged {
  readonly kind: "archive_damaged";
  readonly detail: string;
}

const MANIFEST = "manifest.json";
/** A cluster has about a thousand files. */
const MAX_MANIFEST_BYTES = 64 * 1_048_576;
/** A higher level saves few percent of space, for several times the time. */
const GZIP = { level: 3 };
const CHUNK_BYTES = 262_144;

/**
 * Writes the files below a directory to a compressed tar archive, and the manifest with the SHA-256 of each file as the
 * last member. Throws the errors of the operating system and of `store`.
 *
 * @param paths The files and directories, relative to the directory.
 */
export async function writeArchive(
  directory: string,
  paths: readonly string[],
  manifest: Omit<Manifest, "files">,
  store: (archive: AsyncIterable<Buffer>) => Promise<void>,
  { signal, onRead }: { readonly signal: AbortSignal; readonly onRead: (bytes: number) => void },
): Promise<void> {
  const archive = pack();
  const fill = async () => {
    const files: ArchivedFile[] = [];
    for (const path of paths) {
      const found = await stat(join(directory, path));
      if (found.isDirectory()) await addEntry(archive, { name: path, type: "directory", mode: 0o700 }, null);
      else files.push(await addFile(archive, join(directory, path), path, found.size, onRead));
    }
    const text = Buffer.from(`${JSON.stringify({ ...manifest, files } satisfies Manifest, null, 1)}\n`);
    await addEntry(archive, { name: MANIFEST, size: text.length, mode: 0o600 }, Readable.from([text]));
    archive.finalize();
  };
  // A failure here destroys the archive with its error, so the pipeline fails with it. An error that follows from the
  // failure of the pipeline changes nothing: the archive is destroyed already.
  const filled = fill().catch((thrown: unknown) => {
    archive.destroy(thrown instanceof Error ? thrown : new Error(describeError(thrown)));
  });
  let writing: Promise<void> = Promise.resolve();
  const write = async (compressed: AsyncIterable<Buffer>) => (writing = store(compressed));
  const [piped] = await Promise.allSettled([pipeline(archive, createGzip(GZIP), write, { signal }), filled]);
  // A cancelled pipeline ends before `store` does, which could create a file that the caller has removed already.
  const [written] = await Promise.allSettled([writing]);
  if (written.status === "rejected" && !isClosedStream(written.reason)) throw written.reason;
  if (piped.status === "rejected") throw piped.reason;
}

function isClosedStream(thrown: unknown): boolean {
  const codes: unknown[] = ["ABORT_ERR", "ERR_STREAM_PREMATURE_CLOSE"];
  return thrown instanceof Error && "code" in thrown && codes.includes(thrown.code);
}

async function addFile(
  archive: Pack,
  path: string,
  name: string,
  size: number,
  onRead: (bytes: number) => void,
): Promise<ArchivedFile> {
  const hash = createHash("sha256");
  const contents = createReadStream(path, { highWaterMark: CHUNK_BYTES });
  contents.on("data", (chunk) => {
    hash.update(chunk);
    onRead(chunk.length);
  });
  await addEntry(archive, { name, size, mode: 0o600 }, contents);
  return { path: name, bytes: size, sha256: hash.digest("hex") };
}

async function addEntry(
  archive: Pack,
  header: { readonly name: string; readonly size?: number; readonly type?: "directory"; readonly mode: number },
  contents: Readable | null,
): Promise<void> {
  const entry = archive.entry({ ...header, mtime: new Date(0) });
  // A directory has no contents, and is complete at once.
  if (contents !== null) await pipeline(contents, entry as unknown as Writable);
}

export interface ExtractOptions {
  readonly signal: AbortSignal;
  /** The pauses between flushes. */
  readonly pause: Pause;
  readonly onWritten: (bytes: number) => void;
}

/**
 * Reads an archive, writes its files below an empty directory, and compares them with the manifest. Fails with
 * `archive_damaged`. Throws the operating system's errors about the directory, and those of the source.
 */
export async function extractArchive(
  source: Readable,
  directory: string,
  { signal, ...writing }: ExtractOptions,
): Promise<Result<Manifest, ArchiveDamaged>> {
  const tar = extract();
  const found = new Map<string, ArchivedFile>();
  let text: string | null = null;
  const read = async (): Promise<Result<void, ArchiveDamaged>> => {
    for await (const source of tar) {
      const { name, type } = source.header;
      // The stream of a member emits buffers, and its type does not say so.
      const entry = source as AsyncIterable<Buffer>;
      if (text !== null) return damagedArchive("it continues after its manifest");
      if (name === MANIFEST) text = await readText(entry);
      else if (!isInside(name) || found.has(name)) return damagedArchive(`it has an unexpected member ${name}`);
      else if (type === "directory") {
        await createDirectory(join(directory, name));
        source.resume();
      } else if (type === "file") found.set(name, await extractFile(entry, directory, name, writing));
      else return damagedArchive(`its member ${name} is no file`);
    }
    return ok();
  };
  const reading = read();
  const [piped, done] = await Promise.allSettled([
    pipeline(source, createGunzip(), tar, { signal }),
    reading.catch((thrown: unknown) => {
      tar.destroy();
      throw thrown;
    }),
  ]);
  signal.throwIfAborted();
  if (done.status === "fulfilled" && done.value.isErr()) return err(done.value.error);
  if (piped.status === "rejected" && isFormatError(piped.reason)) return damagedArchive(describeError(piped.reason));
  if (done.status === "rejected" && !isFormatError(done.reason)) throw done.reason;
  if (piped.status === "rejected") throw piped.reason;
  if (text === null) return damagedArchive("it ends before its manifest, so the backup was not completed");
  return compare(text, found);
}

/** Whether zlib or the parser of the archive refused the bytes. Errors of the operating system have a number. */
function isFormatError(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  if ("code" in thrown && typeof thrown.code === "string" && thrown.code.startsWith("Z_")) return true;
  return !("errno" in thrown) && !("code" in thrown) && thrown.name !== "AbortError";
}

/** A path of the archive leads below the directory, with `/` as separator. */
function isInside(name: string): boolean {
  return /^[\w.-]+(?:\/[\w.-]+)*\/?$/.test(name) && !name.split("/").includes("..");
}

async function extractFile(
  entry: AsyncIterable<Buffer>,
  directory: string,
  name: string,
  { pause, onWritten }: Omit<ExtractOptions, "signal">,
): Promise<ArchivedFile> {
  await createDirectory(dirname(join(directory, name)));
  const hash = createHash("sha256");
  const file = await createPacedFile(join(directory, name), pause);
  let bytes = 0;
  try {
    for await (const chunk of entry) {
      hash.update(chunk);
      await file.write(chunk);
      bytes += chunk.length;
      onWritten(chunk.length);
    }
    await file.close();
  } catch (thrown) {
    await file.abandon();
    throw thrown;
  }
  return { path: name, bytes, sha256: hash.digest("hex") };
}

async function readText(entry: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of entry) {
    bytes += chunk.length;
    if (bytes > MAX_MANIFEST_BYTES) throw new Error("Its manifest is too long.");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function compare(text: string, found: ReadonlyMap<string, ArchivedFile>): Result<Manifest, ArchiveDamaged> {
  const parsed = Manifest.safeParse(parseJson(text));
  if (!parsed.success) return damagedArchive("its manifest cannot be read");
  const manifest = parsed.data;
  if (manifest.format !== BACKUP_FORMAT) {
    return damagedArchive(`it has the format ${manifest.format}, made by Quire ${manifest.program}`);
  }
  if (manifest.files.length !== found.size) return damagedArchive("it has other files than its manifest");
  for (const { path, bytes, sha256 } of manifest.files) {
    const file = found.get(path);
    if (file?.bytes !== bytes || file.sha256 !== sha256) return damagedArchive(`${path} differs from its manifest`);
  }
  return ok(manifest);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function damagedArchive(detail: string): Result<never, ArchiveDamaged> {
  return fail({ kind: "archive_damaged", detail });
}
