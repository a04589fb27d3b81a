import type { Log } from "../../../application/ports/log.ts";
import { UPKEEP_DEADLINE_MS, type Engine } from "../engine/engine.ts";
import type { Notification } from "../engine/wire-protocol.ts";

type Listener = (payload: string) => void;
type RunStatement = (text: string) => Promise<unknown>;

/** Starts a subscription, and returns the function that ends it. */
export type Listen = (channel: string, listener: Listener) => Promise<() => Promise<void>>;

/** The listeners of each channel of LISTEN and NOTIFY. */
export interface Subscriptions {
  readonly byChannel: Map<string, Set<Listener>>;
  /** Calls the listeners of the channel. */
  readonly deliver: (notification: Notification) => void;
}

/** An exception of a listener is a mistake of the program. It is logged, so that other listeners get their messages. */
export function subscriptions(log: Log): Subscriptions {
  const byChannel = new Map<string, Set<Listener>>();
  return {
    byChannel,
    deliver: ({ channel, payload }) => {
      for (const listener of byChannel.get(channel) ?? []) {
        try {
          listener(payload);
        } catch (error) {
          log.error({ channel, error }, "a listener of a channel threw");
        }
      }
    },
  };
}

/** Starts and ends subscriptions by LISTEN and UNLISTEN in the one session of the engine. */
export function subscribing({ byChannel }: Subscriptions, run: RunStatement): Listen {
  return async (channel, listener) => {
    const listeners = byChannel.get(channel) ?? new Set();
    byChannel.set(channel, listeners);
    listeners.add(listener);
    /** Returns whether the channel has no listener any more. */
    const remove = (): boolean => {
      listeners.delete(listener);
      if (listeners.size > 0 || byChannel.get(channel) !== listeners) return false;
      return byChannel.delete(channel);
    };
    try {
      await run(`listen ${quoted(channel)}`);
    } catch (thrown) {
      remove();
      throw thrown;
    }
    return async () => {
      if (remove()) await run(`unlisten ${quoted(channel)}`);
    };
  };
}

/** Subscribes again after a restart: the new engine has a new session. */
export async function subscribeAgain({ byChannel }: Subscriptions, engine: Engine, log: Log): Promise<void> {
  if (byChannel.size === 0) return;
  const channels = [...byChannel.keys()];
  // A script is sent at once, so it runs before every request that uses the new engine.
  const script = channels.map((channel) => `listen ${quoted(channel)};`).join("");
  const answer = await engine.executeScript(script, { acknowledges: false, deadlineMs: UPKEEP_DEADLINE_MS });
  const error = answer.isErr() ? answer.error.failure : answer.value.replies.at(-1)?.error;
  if (error !== null && error !== undefined) log.error({ channels, error }, "the subscriptions of channels were lost");
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
