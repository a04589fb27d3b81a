import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import {
  createServer,
  request,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { buffer } from "node:stream/consumers";

/** The parts of a request that Signature Version 4 covers. `url` is the path with the query, as it was sent. */
export interface SignedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

const CREDENTIAL =
  /^AWS4-HMAC-SHA256 Credential=[^/]+\/(?<scope>(?<date>\d{8})\/(?<region>[^/]+)\/(?<service>[^/]+)\/aws4_request), ?SignedHeaders=(?<names>[^,]+), ?Signature=(?<signature>[\da-f]{64})$/;

const sha256 = (text: string | Buffer) => createHash("sha256").update(text).digest("hex");
const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();

/** RFC 3986, 2.3: only unreserved characters stay. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** The request in the form that is signed (AWS, Signature Version 4, "Create a canonical request"). */
function canonical({ method, url, headers }: SignedRequest, names: string): string {
  const [path = "", query = ""] = url.split("?", 2);
  const parameters = [...new URLSearchParams(query)].map(([name, value]) => `${encode(name)}=${encode(value)}`);
  return [
    method,
    path
      .split("/")
      .map((segment) => encode(decodeURIComponent(segment)))
      .join("/"),
    parameters.toSorted().join("&"),
    ...names.split(";").map((name) => `${name}:${String(headers[name]).trim().replaceAll(/ +/g, " ")}`),
    "",
    names,
    headers["x-amz-content-sha256"],
  ].join("\n");
}

/** Whether the signature in the header Authorization is that of the owner of the secret key (AWS, Signature Version 4). */
export function isSignedWith(secretAccessKey: string, signed: SignedRequest): boolean {
  const parts = CREDENTIAL.exec(signed.headers.authorization ?? "")?.groups;
  if (parts === undefined) return false;
  const { scope = "", date = "", region = "", service = "", names = "", signature = "" } = parts;
  const required = ["host", "x-amz-content-sha256", "x-amz-date"];
  if (!required.every((name) => names.split(";").includes(name))) return false;
  const text = ["AWS4-HMAC-SHA256", signed.headers["x-amz-date"], scope, sha256(canonical(signed, names))].join("\n");
  const key = [date, region, service, "aws4_request"].reduce<string | Buffer>(hmac, `AWS4${secretAccessKey}`);
  return timingSafeEqual(hmac(key, text), Buffer.from(signature, "hex"));
}

/**
 * A proxy before an S3 server that does not verify signatures. It answers 403 to a request with a wrong signature, or whose body
 * differs from its signed digest.
 */
export function verifyingProxy(port: number, secretAccessKey: string): Server {
  const forward = async (received: IncomingMessage, response: ServerResponse) => {
    const { method = "", url = "", headers } = received;
    const body = await buffer(received);
    const isSame = headers["x-amz-content-sha256"] === sha256(body);
    if (!isSame || !isSignedWith(secretAccessKey, { method, url, headers })) {
      response.writeHead(403).end("<Error><Code>SignatureDoesNotMatch</Code></Error>");
      return;
    }
    const forwarded = request({ port, host: "127.0.0.1", method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    forwarded.end(body);
  };
  return createServer((received, response) => void forward(received, response));
}
