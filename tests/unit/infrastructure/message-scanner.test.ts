import { describe, expect, it } from "vitest";
import { messageScanner } from "../../../src/infrastructure/postgresql/client/message-scanner.ts";

const message = (type: string, contents = "") => {
  const header = Buffer.alloc(5);
  header.write(type, "latin1");
  header.writeUInt32BE(4 + contents.length, 1);
  return Buffer.concat([header, Buffer.from(contents, "latin1")]);
};

const typesOf = (isClient: boolean, chunks: readonly Buffer[]) => {
  const types: string[] = [];
  const scan = messageScanner(isClient, (type) => void types.push(type));
  for (const chunk of chunks) scan(chunk);
  return types.map((type) => (type === "\0" ? "startup" : type));
};

const SERVER = Buffer.concat([message("R", "\0\0\0\0"), message("K", "12345678"), message("Z", "I"), message("1")]);
// The first message of a client has no type.
const CLIENT = Buffer.concat([message("p", "user\0ada\0").subarray(1), message("p", "secret"), message("S")]);

describe("message scanner", () => {
  it.each([
    ["a server", false, SERVER, ["R", "K", "Z", "1"]],
    ["a client", true, CLIENT, ["startup", "p", "S"]],
  ])("finds the messages of %s in chunks of every size", (_, isClient, bytes, types) => {
    for (let size = 1; size <= bytes.length; size++) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
        bytes.subarray(index * size, (index + 1) * size),
      );
      expect(typesOf(isClient, chunks)).toEqual(types);
    }
  });

  it("passes the contents that the chunk holds, and nothing of the next message", () => {
    const seen: string[] = [];
    const scan = messageScanner(false, (type, contents) => void seen.push(`${type} ${contents.toString("latin1")}`));
    scan(Buffer.concat([message("K", "12345678"), message("Z", "I")]));
    expect(seen).toEqual(["K 12345678", "Z I"]);
  });
});
