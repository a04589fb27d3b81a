import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import S3rver from "s3rver";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { existingBackup, newBackup } from "../../src/bootstrap/backup-location.ts";
import { backupName, type BackupStore } from "../../src/infrastructure/pglite/backup/backup-store.ts";
import { fileStore } from "../../src/infrastructure/pglite/backup/file-store.ts";
import { s3Store, type S3Options } from "../../src/infrastructure/pglite/backup/s3-store.ts";
import { listening } from "../support/listening.ts";
import { isSignedWith, verifyingProxy } from "../support/signature-v4.ts";

const MIB = 1_048_576;
const BUCKET = "backups";
const OLDER = backupName(new Date("2026-11-29T03:30:00Z"));
const NEWER = backupName(new Date("2026-11-30T03:30:00Z"));

let directory: string;
let server: S3rver;
let proxy: Server;
let options: S3Options;
let stores = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "quire-stores-"));
  server = new S3rver({
    port: 0,
    address: "127.0.0.1",
    silent: true,
    directory: join(directory, "s3"),
    configureBuckets: [{ name: BUCKET }],
  });
  proxy = verifyingProxy((await server.run()).port, "S3RVER").listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const { port } = proxy.address() as AddressInfo;
  options = {
    accessKeyId: "S3RVER",
    secretAccessKey: "S3RVER",
    sessionToken: null,
    region: "us-east-1",
    endpoint: `http://127.0.0.1:${port}`,
  };
});
afterEach(() => vi.unstubAllEnvs());
afterAll(async () => {
  proxy.close();
  await server.close();
  await rm(directory, { recursive: true });
});

const digest = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

async function store(to: BackupStore, name: string, bytes: Buffer): Promise<void> {
  const chunks = Array.from({ length: Math.ceil(bytes.length / MIB) }, (_, index) =>
    bytes.subarray(index * MIB, (index + 1) * MIB),
  );
  await to.prepare(name);
  await to.write(name, Readable.from(chunks));
}

describe.each([
  ["a directory", () => fileStore(join(directory, `files-${stores++}`))],
  ["a bucket", () => s3Store(BUCKET, `prefix-${stores++}/`, options)],
])("%s of backups", (_, open) => {
  it("lists a backup when it is accepted, and returns its bytes before and after that", async () => {
    const backups = open();
    // More than two parts of an upload.
    const bytes = randomBytes(33 * MIB + 1);
    await store(backups, NEWER, bytes);
    expect(await backups.list()).toEqual([]);
    expect(digest(await buffer(await backups.readUnproven(NEWER)))).toBe(digest(bytes));
    await backups.accept(NEWER);
    expect(await backups.list()).toEqual([NEWER]);
    expect(digest(await buffer(await backups.read(NEWER)))).toBe(digest(bytes));
  });

  it("lists the oldest backup first, and not a removed one", async () => {
    const backups = open();
    for (const name of [NEWER, OLDER]) {
      await store(backups, name, Buffer.from(name));
      await backups.accept(name);
    }
    expect(await backups.list()).toEqual([OLDER, NEWER]);
    await backups.remove(OLDER);
    expect(await backups.list()).toEqual([NEWER]);
    await expect(backups.read(OLDER)).rejects.toThrow();
  });

  it("has nothing of a backup for which it was only prepared", async () => {
    const backups = open();
    await backups.prepare(NEWER);
    expect(await backups.list()).toEqual([]);
    const unproven = async () => buffer(await backups.readUnproven(NEWER));
    await expect(unproven()).rejects.toThrow();
  });

  it("has nothing of a backup that was discarded, or whose writing failed", async () => {
    const backups = open();
    await store(backups, NEWER, Buffer.from("not proven"));
    await backups.discard(NEWER);
    await expect(backups.write(OLDER, failing())).rejects.toThrow("the source failed");
    await backups.discard(OLDER);
    expect(await backups.list()).toEqual([]);
    for (const name of [OLDER, NEWER]) await expect(backups.read(name)).rejects.toThrow();
  });
});

/** A source that fails after more than a part of an upload. */
function failing(): Readable {
  return Readable.from(
    (function* () {
      for (let written = 0; written < 20; written++) yield Buffer.alloc(MIB);
      throw new Error("the source failed");
    })(),
  );
}

describe("a directory of backups", () => {
  it("is cleaned of old incomplete backups before the next one, and of no other file", async () => {
    const path = join(directory, `files-${stores++}`);
    await mkdir(path);
    const [yesterday, now] = [new Date(Date.now() - 25 * 3_600_000), new Date()];
    const files = [
      [`${OLDER}.partial`, yesterday],
      [`${NEWER}.partial`, now],
      ["film.mkv.partial", yesterday],
      [OLDER, yesterday],
    ] as const;
    for (const [name, changedAt] of files) {
      await writeFile(join(path, name), "");
      await utimes(join(path, name), changedAt, changedAt);
    }
    await fileStore(path).prepare(backupName(now));
    expect((await readdir(path)).toSorted()).toEqual(["film.mkv.partial", OLDER, `${NEWER}.partial`].toSorted());
  });
});

/** The store on a service with the given answers, and the requests that it receives. */
async function storeOf(answer: (request: string) => string) {
  const sent: string[] = [];
  const service = createServer((request, response) => {
    const received = `${request.method} ${request.url}`;
    sent.push(received);
    request.resume().on("end", () => response.end(answer(received)));
  }).listen(0, "127.0.0.1");
  await once(service, "listening");
  const { port } = service.address() as AddressInfo;
  const backups = s3Store(BUCKET, "", { ...options, endpoint: `http://127.0.0.1:${port}` });
  return { sent, backups, service };
}

describe("a bucket", () => {
  it("keeps no part of an upload that failed", async () => {
    const { sent, backups, service } = await storeOf(() => "<UploadId>42</UploadId>");
    await expect(backups.write(NEWER, failing())).rejects.toThrow("the source failed");
    await vi.waitFor(() => expect(sent.at(-1)).toBe(`DELETE /${BUCKET}/${NEWER}?uploadId=42`));
    sent.length = 0;
    await backups.prepare(NEWER);
    expect(sent).toEqual([`POST /${BUCKET}/${NEWER}?uploads=`, `DELETE /${BUCKET}/${NEWER}?uploadId=42`]);
    service.close();
  });

  it("fails with the error that follows the status 200 of a completed upload, and keeps no part of it", async () => {
    const error = "<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>";
    const { sent, backups, service } = await storeOf((request) =>
      request.startsWith("POST") && request.includes("uploadId=") ? error : "<UploadId>42</UploadId>",
    );
    const written = backups.write(NEWER, Readable.from([Buffer.from("a backup")]));
    await expect(written).rejects.toThrow("The upload failed: We encountered an internal error.");
    expect(sent.at(-1)).toBe(`DELETE /${BUCKET}/${NEWER}?uploadId=42`);
    service.close();
  });

  it("lists the backups of every page, because a store lists 1000 objects at a time", async () => {
    const pageOf = (name: string) => `<Key>${name}</Key><Key>${name}.proven</Key>`;
    const { sent, backups, service } = await storeOf((request) =>
      request.includes("continuation-token")
        ? pageOf(NEWER)
        : `${pageOf(OLDER)}<NextContinuationToken>1/a+b==</NextContinuationToken>`,
    );
    expect(await backups.list()).toEqual([OLDER, NEWER]);
    const tokens = sent.map((request) => new URL(request.split(" ")[1] ?? "", "http://store").searchParams);
    expect(tokens.map((query) => query.get("continuation-token"))).toEqual([null, "1/a+b=="]);
    service.close();
  });

  it("fails with the store's own message for an unknown account or bucket", async () => {
    const wrong = s3Store("absent-bucket", "", options);
    for (const refused of [wrong.list(), wrong.prepare(NEWER)]) {
      await expect(refused).rejects.toThrow(/answered with 404: The specified bucket does not exist/);
    }
    const stranger = s3Store(BUCKET, "", { ...options, accessKeyId: "STRANGER" });
    await expect(stranger.list()).rejects.toThrow(/answered with 403/);
  });

  it("is refused with a wrong secret key", async () => {
    const forger = s3Store(BUCKET, "", { ...options, secretAccessKey: "WRONG" });
    const mismatch = /answered with 403: SignatureDoesNotMatch/;
    await expect(forger.list()).rejects.toThrow(mismatch);
    await expect(store(forger, NEWER, Buffer.from("forged"))).rejects.toThrow(mismatch);
    await expect(forger.read(NEWER)).rejects.toThrow(mismatch);
    await expect(forger.remove(NEWER)).rejects.toThrow(mismatch);
  });

  it("is tested with a verification of signatures that accepts the published example, and no change of it", () => {
    // Amazon S3 API reference, "Signature calculations: transferring payload in a single chunk", example GET Object.
    const headers = {
      authorization:
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
      host: "examplebucket.s3.amazonaws.com",
      range: "bytes=0-9",
      "x-amz-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "x-amz-date": "20130524T000000Z",
    };
    const secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    const example = { method: "GET", url: "/test.txt", headers };
    expect(isSignedWith(secret, example)).toBe(true);
    const changes = [
      { method: "PUT" },
      { url: "/other.txt" },
      { url: "/test.txt?acl=" },
      { headers: { ...headers, range: "bytes=0-8" } },
    ];
    for (const change of changes) expect(isSignedWith(secret, { ...example, ...change })).toBe(false);
    expect(isSignedWith(`${secret}x`, example)).toBe(false);
  });
});

describe("a location of backups", () => {
  const at = new Date("2026-11-30T03:30:00.700Z");

  function withAccount(): void {
    vi.stubEnv("AWS_ACCESS_KEY_ID", options.accessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", options.secretAccessKey);
    vi.stubEnv("AWS_ENDPOINT_URL", options.endpoint ?? "");
  }

  it.each([
    ["s3://backups/daily", "s3://backups/daily/quire-20261130T033000Z.tar.gz"],
    ["s3://backups/", "s3://backups/quire-20261130T033000Z.tar.gz"],
    ["s3://backups/a/mine.tar.gz", "s3://backups/a/mine.tar.gz"],
    ["/backups", "/backups/quire-20261130T033000Z.tar.gz"],
    ["/backups/mine.tar.gz", "/backups/mine.tar.gz"],
  ])("%s is the place of the new backup %s", async (location, expected) => {
    withAccount();
    const { store: backups, name } = (await newBackup(location, at))._unsafeUnwrap();
    expect(backups.locationOf(name)).toBe(expected);
  });

  it.each(["ftp://host/backups", "postgres://host/quire", "s3:/backups", "s3://"])("refuses %s", async (location) => {
    withAccount();
    expect((await newBackup(location, at))._unsafeUnwrapErr()).toMatchObject({ kind: "backup_location_invalid" });
  });

  it("names the variables of an account that is missing", async () => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", "");
    const { detail } = (await newBackup("s3://backups", at))._unsafeUnwrapErr();
    expect(detail).toContain("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
  });

  it.each([
    ["AWS_REGION", { AWS_REGION: "eu-central-1", AWS_DEFAULT_REGION: "eu-west-1" }, "eu-central-1"],
    ["AWS_DEFAULT_REGION", { AWS_REGION: "", AWS_DEFAULT_REGION: "eu-west-1" }, "eu-west-1"],
    ["its default", { AWS_REGION: "", AWS_DEFAULT_REGION: "" }, "us-east-1"],
  ])("has the region of %s", async (_, variables, region) => {
    withAccount();
    const authorizations: (string | undefined)[] = [];
    const recorder = createServer((request, response) => {
      authorizations.push(request.headers.authorization);
      response.end("<ListBucketResult/>");
    });
    vi.stubEnv("AWS_ENDPOINT_URL", await listening(recorder));
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
    expect((await existingBackup("s3://backups"))._unsafeUnwrapErr().kind).toBe("backup_missing");
    expect(authorizations).toEqual([expect.stringContaining(`/${region}/s3/aws4_request`)]);
    recorder.closeAllConnections();
    recorder.close();
  });

  it("is the newest backup of a bucket or directory, and is missing where there is none", async () => {
    withAccount();
    const { store: backups } = (await newBackup("s3://backups/newest", at))._unsafeUnwrap();
    for (const name of [NEWER, OLDER]) {
      await store(backups, name, Buffer.from(name));
      await backups.accept(name);
    }
    expect((await existingBackup("s3://backups/newest"))._unsafeUnwrap().name).toBe(NEWER);
    // The backups below a prefix are not those of the bucket itself.
    for (const location of ["s3://backups", "s3://backups/none", directory, join(directory, "absent")]) {
      expect((await existingBackup(location))._unsafeUnwrapErr()).toEqual({ kind: "backup_missing", location });
    }
    expect(await readdir(directory)).not.toContain("absent");
  });
});
