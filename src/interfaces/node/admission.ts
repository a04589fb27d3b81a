import type { IncomingMessage } from "node:http";
import type { ProblemKind } from "../http/problem/problem.ts";
import type { Exchange } from "./connections.ts";
import { hasBody } from "./request-framing.ts";
import type { ServerLimits } from "./limits.ts";
import type { LoadShedding } from "./load-shedding.ts";
import type { UnsentAnswers } from "./unsent-answers.ts";

/** A request that was let in. */
export interface Admitted {
  /** Says that the answer has been made, and waits for nothing but the client. */
  readonly answered: () => void;
}

export interface Admission {
  /** Why a request of this address cannot be served now; `null` when it can. */
  readonly refusalOf: (address: string | null) => Extract<ProblemKind, "server_busy" | "address_busy"> | null;
  readonly admit: (request: IncomingMessage, exchange: Exchange, address: string | null) => Admitted;
}

const BODILESS = /^(?:GET|HEAD|OPTIONS|DELETE)$/;

/**
 * Bounds the requests that are served at a time. Over all clients a request counts from when it has arrived whole, so that
 * slow uploads keep nobody out, until its answer is made, so that slow readers do not either. For its address it counts
 * from its head until its answer has been sent.
 */
export function admission(limits: ServerLimits, unsent: UnsentAnswers, shedding: LoadShedding): Admission {
  const requestsByAddress = new Map<string, number>();
  let running = 0;

  const countForAddress = (address: string, change: 1 | -1) => {
    const requests = (requestsByAddress.get(address) ?? 0) + change;
    if (requests === 0) requestsByAddress.delete(address);
    else requestsByAddress.set(address, requests);
  };

  return {
    refusalOf: (address) => {
      if (running >= limits.maxRunning || !unsent.hasRoom()) {
        shedding.note("server");
        return "server_busy";
      }
      if (address === null) return null;
      const isBusy = (requestsByAddress.get(address) ?? 0) >= limits.maxRequestsPerAddress;
      if (!isBusy && unsent.hasRoomFor(address)) return null;
      shedding.note("address");
      return "address_busy";
    },
    admit: (request, exchange, address) => {
      let isRunning = false;
      let isAnswered = false;
      const begin = () => {
        if (isAnswered) return;
        isRunning = true;
        running++;
      };
      const answered = () => {
        isAnswered = true;
        if (isRunning) running--;
        isRunning = false;
      };
      // The app waits for the body, but not where the method gives it no meaning.
      if (hasBody(request) && !BODILESS.test(request.method ?? "")) request.once("end", begin);
      else begin();
      if (address !== null) countForAddress(address, 1);
      exchange.atEnd(() => {
        answered();
        if (address !== null) countForAddress(address, -1);
      });
      return { answered };
    },
  };
}
