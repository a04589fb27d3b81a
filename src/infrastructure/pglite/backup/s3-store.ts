import { createHash } from "node:crypto";
import { basename } from "node:path";
import { Readable } from "node:stream";
import { AwsClient } from "aws4fetch";
import { backupTime, type BackupStore } from "./backup-store.ts";

/** The account and the address of an S3-compatible store. */
export interface S3Options {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | null;
  readonly region: string;
  /** The URL of the service; `null` for AWS. */
  readonly endpoint: string | null;
}

/** The service refused or failed. */
class S3Error extends Error {}

/** Ends the name of an empty object beside a proven backup. A store cannot rename. */
const PROVEN = ".proven";
/** An upload has at most 10,000 parts, so a backup has at most 156 GiB. One part is in memory at a time. */
const PART_BYTES = 16 * 1_048_576;
const RETRIES = 5;
const MAX_ERROR_LENGTH = 300;

/** Backups as objects of a bucket, whose names begin with a prefix. Requests are retried with exponential backoff. */
export function s3Store(bucket: string, prefix: string, options: S3Options): BackupStore {
  const request = s3Requests(bucket, options);
  const keyOf = (name: string) => `${prefix}${name}`;
  const locationOf = (name: string) => `s3://${bucket}/${keyOf(name)}`;
  const remove = async (key: string) => void (await request("DELETE", key));
  const read = async (name: string) => {
    const { body } = await request("GET", keyOf(name));
    if (body === null) throw new S3Error("The store sent no contents.");
    return Readable.fromWeb(body);
  };
  return {
    location: `s3://${bucket}/${prefix}`,
    locationOf,
    prepare: async (name) => abortUpload(request, keyOf(name), await beginUpload(request, keyOf(name))),
    write: async (name, source) => multipartUpload(request, keyOf(name), source),
    readUnproven: read,
    accept: async (name) => void (await request("PUT", keyOf(`${name}${PROVEN}`), { body: "" })),
    discard: async (name) => remove(keyOf(name)),
    list: async () => {
      const depth = prefix.split("/").length;
      const keys = (await listKeys(request, prefix)).filter((key) => key.split("/").length === depth);
      const names = new Set(keys.map((key) => basename(key)));
      return [...names].filter((name) => backupTime(name) !== null && names.has(`${name}${PROVEN}`)).toSorted();
    },
    read,
    remove: async (name) => {
      // First, so that an interrupted removal leaves no proven backup without contents.
      await remove(keyOf(`${name}${PROVEN}`));
      await remove(keyOf(name));
    },
  };
}

interface S3Request {
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

type SendRequest = (method: string, key: string, request?: S3Request) => Promise<Response>;

function s3Requests(bucket: string, options: S3Options): SendRequest {
  const { accessKeyId, secretAccessKey, sessionToken, region, endpoint } = options;
  const client = new AwsClient({
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === null ? {} : { sessionToken }),
    region,
    service: "s3",
    retries: RETRIES,
  });
  const base = endpoint === null ? `https://${bucket}.s3.${region}.amazonaws.com` : `${endpoint}/${bucket}`;
  return async (method, key, { query = {}, body } = {}) => {
    const url = new URL(`${base}/${key.split("/").map(encodeURIComponent).join("/")}`);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    // The store compares the contents with their digest, so a part that was changed on its way is refused.
    const headers = {
      "X-Amz-Content-Sha256": createHash("sha256")
        .update(body ?? "")
        .digest("hex"),
    };
    const response = await client.fetch(url.href, { method, headers, ...(body === undefined ? {} : { body }) });
    if (response.ok) return response;
    const text = await response.text();
    const detail = element(text, "Message") ?? element(text, "Code") ?? text.slice(0, MAX_ERROR_LENGTH);
    throw new S3Error(`${method} ${url.pathname} was answered with ${response.status}: ${detail}`);
  };
}

/** Uploads a source in parts. The object exists when all parts are complete, and not at all after a failure. */
async function multipartUpload(request: SendRequest, key: string, source: AsyncIterable<Uint8Array>): Promise<void> {
  const uploadId = await beginUpload(request, key);
  try {
    const tags: string[] = [];
    for await (const body of inParts(source)) {
      const part = await request("PUT", key, { query: { partNumber: String(tags.length + 1), uploadId }, body });
      tags.push(part.headers.get("ETag") ?? "");
    }
    const parts = tags.map((tag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${tag}</ETag></Part>`);
    const body = `<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`;
    const completed = await (await request("POST", key, { query: { uploadId }, body })).text();
    // The service answers 200 before it completes the upload, so an error may follow (S3 API, CompleteMultipartUpload).
    if (completed.includes("<Error>")) throw new S3Error(`The upload failed: ${element(completed, "Message")}`);
  } catch (thrown) {
    await abortUpload(request, key, uploadId);
    throw thrown;
  }
}

async function beginUpload(request: SendRequest, key: string): Promise<string> {
  const begun = await request("POST", key, { query: { uploads: "" } });
  const uploadId = element(await begun.text(), "UploadId");
  if (uploadId === null) throw new S3Error("The store began no upload.");
  return uploadId;
}

/** Removes the parts of an upload. Some stores and accounts cannot, and expire them later; that stops no backup. */
async function abortUpload(request: SendRequest, key: string, uploadId: string): Promise<void> {
  await request("DELETE", key, { query: { uploadId } }).catch(() => {});
}

async function* inParts(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let pending: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of source) {
    pending.push(chunk);
    bytes += chunk.length;
    if (bytes < PART_BYTES) continue;
    yield Buffer.concat(pending);
    [pending, bytes] = [[], 0];
  }
  if (bytes > 0) yield Buffer.concat(pending);
}

async function listKeys(request: SendRequest, prefix: string): Promise<readonly string[]> {
  const keys: string[] = [];
  let token: string | null = null;
  do {
    const continued: Record<string, string> = token === null ? {} : { "continuation-token": token };
    const page: string = await (await request("GET", "", { query: { "list-type": "2", prefix, ...continued } })).text();
    keys.push(...Array.from(page.matchAll(/<Key>([^<]*)<\/Key>/g), ([, key = ""]) => key));
    token = element(page, "NextContinuationToken");
  } while (token !== null);
  return keys;
}

/** The text of an element of an answer in XML; `null` if there is none. No element that is read here contains markup. */
function element(xml: string, name: string): string | null {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? null;
}
