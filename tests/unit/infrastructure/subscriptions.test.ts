import { describe, expect, it } from "vitest";
import { subscribing, subscriptions } from "../../../src/infrastructure/pglite/client/subscriptions.ts";
import { recordingLog } from "../../../src/testing/fixtures.ts";

describe("a subscription whose LISTEN fails", () => {
  it("leaves no channel, and receives no messages of a later subscription to the same one", async () => {
    const all = subscriptions(recordingLog());
    let isEngineLost = true;
    const listen = subscribing(all, async () => {
      if (isEngineLost) throw new Error("the engine was lost");
    });
    const received: string[] = [];
    const receiver = (name: string) => (payload: string) => void received.push(`${name}: ${payload}`);
    await expect(listen("news", receiver("first"))).rejects.toThrow("the engine was lost");
    expect(all.byChannel.size).toBe(0);
    isEngineLost = false;
    await listen("news", receiver("second"));
    all.deliver({ channel: "news", payload: "hello" });
    expect(received).toEqual(["second: hello"]);
  });
});
