import { describe, expect, it } from "vitest";
import { hashingQueue, type HashingLane } from "../../../src/infrastructure/crypto/hashing-queue.ts";

const BUSY = { kind: "password_hashing_busy" };

/** A queue with work that the test ends. */
function openQueue(running: number, waiting: number) {
  const queue = hashingQueue({ running, waiting });
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const enqueue = async (lane: HashingLane, name: string) =>
    queue.run(lane, async () => {
      begun.push(name);
      await new Promise<void>((end) => ends.set(name, end));
      return name;
    });
  const turns = async () => new Promise((settle) => setImmediate(settle));
  const end = async (name: string) => {
    ends.get(name)?.();
    await turns();
  };
  return { queue, begun, enqueue, end, turns };
}

describe("hashingQueue", () => {
  it("runs a bounded number at a time, first come, first served", async () => {
    const { begun, enqueue, end } = openQueue(2, 10);
    const running = ["a", "b", "c", "d"].map(async (name) => enqueue("compared", name));
    expect(begun).toEqual(["a", "b"]);
    await end("b");
    expect(begun).toEqual(["a", "b", "c"]);
    await end("a");
    expect(begun).toEqual(["a", "b", "c", "d"]);
    for (const name of ["c", "d"]) await end(name);
    expect((await Promise.all(running)).map((result) => result._unsafeUnwrap())).toEqual(["a", "b", "c", "d"]);
  });

  it("fails with password_hashing_busy while a lane is full, and accepts work again later", async () => {
    const { begun, enqueue, end } = openQueue(1, 1);
    void enqueue("compared", "a");
    void enqueue("compared", "b");
    expect((await enqueue("compared", "c"))._unsafeUnwrapErr()).toEqual(BUSY);
    await end("a");
    void enqueue("compared", "d");
    for (const name of ["b", "d"]) await end(name);
    expect(begun).toEqual(["a", "b", "d"]);
  });

  it("alternates between the lanes, so that neither starves", async () => {
    const { begun, enqueue, end } = openQueue(1, 3);
    const flood = ["h1", "h2", "h3", "h4"].map(async (name) => enqueue("hashed", name));
    expect((await enqueue("hashed", "h5"))._unsafeUnwrapErr()).toEqual(BUSY);
    const logIns = ["c1", "c2"].map(async (name) => enqueue("compared", name));
    for (const name of ["h1", "c1", "h2", "c2", "h3", "h4"]) await end(name);
    expect(begun).toEqual(["h1", "c1", "h2", "c2", "h3", "h4"]);
    expect((await Promise.all([...flood, ...logIns])).every((result) => result.isOk())).toBe(true);
  });

  it("continues after work that throws", async () => {
    const { queue, begun, enqueue, end, turns } = openQueue(1, 10);
    const broken = queue.run("compared", async () => Promise.reject(new Error("out of memory")));
    void enqueue("compared", "next");
    await expect(broken).rejects.toThrow("out of memory");
    await turns();
    expect(begun).toEqual(["next"]);
    await end("next");
  });
});
