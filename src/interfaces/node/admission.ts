import type { IncomingMessage } from "node:http";
import type { ProblemKind } from "../http/problem/problem.ts";
import type { Exchange } from "./connections.ts";
import { hasBody } from "./request-framing.ts";
import type { ServerLimits } from "./limits.ts";
import type { LoadShedding } from "./load-shedding.ts";
import type { UnsentResponses } from "./unsent-responses.ts";

/** An admitted request. */
export interface Admitted {
  /** Call it when the response is complete and only waits for the client to read it. */
  readonly answered: () => void;
}

export interface Admission {
  /** Why a request of this address is refused now; `null` if it is not. */
  readonly refusalOf: (address: string | null) => Extract<ProblemKind, "server_busy" | "address_busy"> | null;
  readonly admit: (request: IncomingMessage, exchange: Exchange, address: string | null) => Admitted;
}

const BODILESS = /^(?:GET|HEAD|OPTIONS|DELETE)$/;

/**
 * Bounds the number of concurrent requests, in total and per client address. In total, a request counts from the arrival of
 * its last byte until its response is complete: slow uploads and slow readers do not occupy the server. For its address it
 * counts from its head until its response has been sent.
 */
export function admission(limits: ServerLimits, unsent: UnsentResponses, shedding: LoadShedding): Admission {
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
      // The app reads the body first, unless a body has no meaning for the method.
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
