import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { gunzipSync, gzipSync } from "node:zlib";
import { assert, asyncProperty, integer } from "fast-check";
import { pack } from "tar-stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { extractArchive, writeArchive } from "../../../src/infrastructure/pglite/backup/archive.ts";
import { noPause } from "../../../src/infrastructure/pglite/backup/pause.ts";
import { BACKUP_FORMAT } from "../../../src/infrastructure/pglite/backup/manifest.ts";

const FILES: Readonly<Record<string, string>> = {
  "quire.json": '{"format":1}\n',
  "cluster/base/5/1259": "rows ".repeat(4000),
  "cluster/empty": "",
};
const MANIFEST = {
  format: BACKUP_FORMAT,
  program: "0.1.0",
  createdAt: "2026-11-30T03:30:00.000Z",
  postgresql: 18,
  schema: { migrations: 2, newest: 7 },
  lsn: "0/16EF9D0",
  tables: [{ table: "public.posts", rows: 2, checksum: "5" }],
};
const signal = new AbortController().signal;

let directory: string;
let archive: Buffer;
let attempts = 0;

async function write(paths: readonly string[], manifest = MANIFEST): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const collect = async (source: AsyncIterable<Buffer>) => {
    for await (const chunk of source) chunks.push(chunk);
  };
  await writeArchive(join(directory, "source"), paths, manifest, collect, { signal, onRead: () => {} });
  return Buffer.concat(chunks);
}

/** Extracts bytes to a new directory. Returns the manifest or the failure, and the directory. */
async function extract(bytes: Buffer) {
  const to = join(directory, `copy-${attempts++}`);
  await mkdir(to);
  // Several chunks, as from a disk.
  const half = Math.floor(bytes.length / 2);
  const source = Readable.from([bytes.subarray(0, half), bytes.subarray(half)]);
  return { to, extracted: await extractArchive(source, to, { signal, pause: noPause, onWritten: () => {} }) };
}

async function contentsOf(folder: string): Promise<Record<string, string>> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    await Promise.all(files.map(async (file) => [file.slice(folder.length + 1), await readFile(file, "utf8")])),
  );
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "quire-archive-"));
  await mkdir(join(directory, "source", "cluster", "base", "5"), { recursive: true });
  await mkdir(join(directory, "source", "cluster", "pg_notify"));
  for (const [path, text] of Object.entries(FILES)) await writeFile(join(directory, "source", path), text);
  archive = await write(["cluster", "cluster/pg_notify", ...Object.keys(FILES)]);
});
afterAll(async () => rm(directory, { recursive: true }));

describe("an archive of a backup", () => {
  it("extracts to the same files and directories, with its manifest", async () => {
    const { to, extracted } = await extract(archive);
    expect(extracted._unsafeUnwrap()).toMatchObject(MANIFEST);
    expect(await contentsOf(to)).toEqual(FILES);
    expect(await readdir(join(to, "cluster", "pg_notify"))).toEqual([]);
  });

  it("is refused when it is truncated at any byte", async () => {
    await assert(
      asyncProperty(integer({ min: 0, max: archive.length - 1 }), async (length) => {
        const { extracted } = await extract(archive.subarray(0, length));
        expect(extracted._unsafeUnwrapErr().kind).toBe("archive_damaged");
      }),
    );
  });

  it("is refused when the archive inside the compression is truncated at any byte before its end mark", async () => {
    const plain = gunzipSync(archive);
    const endMarkBytes = 1024;
    await assert(
      asyncProperty(integer({ min: 0, max: plain.length - endMarkBytes - 1 }), async (length) => {
        const { extracted } = await extract(gzipSync(plain.subarray(0, length)));
        // The manifest is followed by padding, which may be missing.
        if (extracted.isErr()) expect(extracted.error.kind).toBe("archive_damaged");
        else expect(plain.subarray(length).every((byte) => byte === 0)).toBe(true);
      }),
    );
  });

  it("is refused when any bit is flipped, unless the bit has no effect on the files", async () => {
    await assert(
      asyncProperty(integer({ min: 0, max: archive.length * 8 - 1 }), async (bit) => {
        const flipped = Buffer.from(archive);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const { to, extracted } = await extract(flipped);
        if (extracted.isErr()) expect(extracted.error.kind).toBe("archive_damaged");
        else expect(await contentsOf(to)).toEqual(FILES);
      }),
    );
  });

  it("is refused when any bit of a file is flipped before the compression, whose checksum then agrees", async () => {
    const plain = gunzipSync(archive);
    const start = plain.indexOf("rows rows");
    await assert(
      asyncProperty(integer({ min: 0, max: 8 * 20_000 - 1 }), async (bit) => {
        const flipped = Buffer.from(plain);
        flipped[start + (bit >> 3)] = (flipped[start + (bit >> 3)] ?? 0) ^ (1 << (bit & 7));
        const { extracted } = await extract(gzipSync(flipped));
        expect(extracted._unsafeUnwrapErr().detail).toBe("cluster/base/5/1259 differs from its manifest");
      }),
      { numRuns: 20 },
    );
  });

  it.each(["../outside", "/etc/outside", "cluster/../../outside"])(
    "writes nothing outside for a member %s",
    async (name) => {
      const tar = pack();
      tar.entry({ name }, "text");
      tar.finalize();
      const { extracted } = await extract(gzipSync(await buffer(tar as AsyncIterable<Buffer>)));
      expect(extracted._unsafeUnwrapErr().detail).toContain("unexpected member");
      expect(await readdir(directory)).not.toContain("outside");
    },
  );

  it("is refused when it has a file twice", async () => {
    const tar = pack();
    for (const text of ["text", "another text"]) tar.entry({ name: "quire.json" }, text);
    tar.finalize();
    const { extracted } = await extract(gzipSync(await buffer(tar as AsyncIterable<Buffer>)));
    expect(extracted._unsafeUnwrapErr().detail).toBe("it has an unexpected member quire.json");
  });

  it("is refused when its format is newer, with the version of the program that made it", async () => {
    const newer = await write([], { ...MANIFEST, format: BACKUP_FORMAT + 1, program: "9.9.9" });
    expect((await extract(newer)).extracted._unsafeUnwrapErr().detail).toContain("made by Quire 9.9.9");
  });

  describe("that cannot be written", () => {
    // The delays let the streams close before the store fails, so that the next file finds them open, closing or closed.
    const full = (before: number, after: number) => async (source: AsyncIterable<Buffer>) => {
      try {
        for await (const chunk of source) {
          await delay(before);
          if (chunk.length > 0) throw new Error("no space left");
        }
      } finally {
        await delay(after);
      }
    };
    const writeTo = async (store: (source: AsyncIterable<Buffer>) => Promise<void>, paths: readonly string[]) =>
      writeArchive(join(directory, "source"), paths, MANIFEST, store, { signal, onRead: () => {} });

    it("fails with the error of its store, whatever the streams that closed because of it report", async () => {
      const many = Array.from({ length: 200 }, () => Object.keys(FILES)).flat();
      for (let turn = 0; turn < 20; turn++) {
        await expect(writeTo(full(turn % 5, turn), many)).rejects.toThrow("no space left");
      }
    });

    it("fails with the error of a file that cannot be read, and not with that of its store", async () => {
      const drain = async (source: AsyncIterable<Buffer>) => {
        for await (const chunk of source) void chunk;
      };
      await expect(writeTo(drain, [...Object.keys(FILES), "missing"])).rejects.toMatchObject({ code: "ENOENT" });
    });
  });

  it("is refused when it is another file", async () => {
    const { extracted } = await extract(Buffer.from("a text, and no archive"));
    expect(extracted._unsafeUnwrapErr().kind).toBe("archive_damaged");
  });
});
