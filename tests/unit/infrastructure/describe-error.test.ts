import { DrizzleQueryError } from "drizzle-orm";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { describeError, withoutPasswords } from "../../../src/infrastructure/node/describe-error.ts";

const statement = (cause?: Error) => new DrizzleQueryError("select password from users", ["secret"], cause);
const circle = new Error("");
circle.cause = circle;

describe("describeError", () => {
  it.each([
    ["an error", new Error("it broke"), "it broke"],
    ["a sentence, without its full stop", new Error("It broke."), "It broke"],
    ["several lines", new Error("it broke\n  at once"), "it broke at once"],
    ["text", "it broke", "it broke"],
    ["an error without a message, by its code", Object.assign(new Error(""), { code: "ECONNREFUSED" }), "ECONNREFUSED"],
    ["an error without a message, by its cause", new Error("", { cause: new Error("the disk") }), "the disk"],
    ["a failed statement, by the driver's reason", statement(new Error("out of memory")), "out of memory"],
    ["a failed statement without a reason", statement(), "no reason was given"],
    [
      "a request without a connection, by the error of the network",
      new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED 127.0.0.1:9000") }),
      "connect ECONNREFUSED 127.0.0.1:9000",
    ],
    ["a request without a connection or a reason", new TypeError("fetch failed"), "fetch failed"],
    [
      "several attempts",
      new AggregateError([new Error("refused ::1"), new Error("refused 127.0.0.1")], ""),
      "refused ::1; refused 127.0.0.1",
    ],
    ["PGlite's error of a full disk", { name: "ErrnoError", errno: 51 }, "ENOSPC: no space left on device"],
    ["PGlite's error with an unknown number", { name: "ErrnoError", errno: 999 }, "error 999 of the file system"],
    ["a failure that is a value", { kind: "engine_not_opened", detail: "the log ends early" }, "the log ends early"],
    ["an object without a message", {}, "no reason was given"],
    ["nothing", undefined, "no reason was given"],
    ["an empty text", "", "no reason was given"],
    ["a circular chain of causes", circle, "no reason was given"],
  ])("describes %s", (_, thrown, description) => {
    expect(describeError(thrown)).toBe(description);
  });

  // The numbers are those of `errno` in WASI snapshot preview 1, which differ from Linux's.
  it.each([
    [2, "EACCES"],
    [19, "EDQUOT"],
    [29, "EIO"],
    [33, "EMFILE"],
    [41, "ENFILE"],
    [44, "ENOENT"],
    [51, "ENOSPC"],
    [69, "EROFS"],
  ])("describes PGlite's error number %i as %s", (errno, name) => {
    expect(describeError({ name: "ErrnoError", errno })).toMatch(new RegExp(`^${name}: `));
  });

  it("returns one line of bounded length for any thrown value", () => {
    fc.assert(
      fc.property(fc.anything(), fc.string(), (thing, message) => {
        for (const thrown of [thing, { message }, Object.assign(new Error(message), { cause: thing })]) {
          expect(describeError(thrown)).toMatch(/^.{1,3100}$/u);
          expect(describeError(thrown)).not.toContain("[object Object]");
        }
      }),
    );
  });

  it("truncates a long message", () => {
    expect(describeError(new Error("x".repeat(10_000)))).toHaveLength(501);
  });
});

describe("withoutPasswords", () => {
  it.each([
    ["of a URL", "postgres://quire:secret@db/quire is down", "postgres://…@db/quire is down"],
    ["with a bare @ in it", "'postgres://quire:se@cret@db/quire'", "'postgres://…@db/quire'"],
    ["with a slash or a # in it", "--to=postgres://quire:se/cr#et@db/quire", "--to=postgres://…@db/quire"],
    ["of each of two URLs", "a://b:secret@c d://e:secret@f", "a://…@c d://…@f"],
  ])("removes a password %s", (_, text, shown) => {
    expect(withoutPasswords(text)).toBe(shown);
  });

  it("keeps an example URL and an e-mail address", () => {
    const text = "must look like postgres://user:password@host:5432/database, ada@example.org";
    expect(withoutPasswords(text)).toBe(text);
  });
});
