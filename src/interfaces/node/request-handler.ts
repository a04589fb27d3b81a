import type { IncomingMessage } from "node:http";
import { admission } from "./admission.ts";
import type { AppListener } from "./app-listener.ts";
import { Exchange, type Connection, type Connections } from "./connections.ts";
import { fairScheduler } from "./fair-scheduler.ts";
import type { ServerLimits } from "./limits.ts";
import { lingerAfterAnswer } from "./lingering-close.ts";
import type { LoadShedding } from "./load-shedding.ts";
import type { ObservedResponse } from "./observed-response.ts";
import type { OwnAnswers } from "./own-answers.ts";
import { framingProblemOf, hasBody, isBodyArriving, isHealthCheck, isServerOptions } from "./request-framing.ts";
import { unsentAnswers } from "./unsent-answers.ts";
import type { Uploads } from "./uploads.ts";

interface Dependencies {
  readonly app: AppListener;
  readonly answers: OwnAnswers;
  readonly shedding: LoadShedding;
  readonly addressOf: (request: IncomingMessage) => string | null;
  readonly connections: Connections;
  readonly uploads: Uploads;
  readonly limits: ServerLimits;
}

/** Decides what becomes of a request: the app answers it, or the server does, by its form or because of load. */
export function requestHandler({ app, answers, shedding, addressOf, connections, uploads, limits }: Dependencies) {
  const unsent = unsentAnswers({
    maxBytes: limits.maxUnsentBytes,
    maxBytesPerAddress: limits.maxUnsentBytesPerAddress,
  });
  const { refusalOf, admit } = admission(limits, unsent, shedding);
  const refusals = fairScheduler();
  const work = fairScheduler();
  let isShuttingDown = false;

  /** Says with the answer that the connection closes, where it has to. */
  const closeIfNeeded = (connection: Connection, request: IncomingMessage, response: ObservedResponse) => {
    const isArriving = isBodyArriving(request);
    if (isShuttingDown || isArriving) response.shouldKeepAlive = false;
    if (response.shouldKeepAlive) return;
    connection.isClosing = true;
    if (isArriving || connection.exchanges.size > 1) lingerAfterAnswer(request, limits);
  };

  /** `null` where nothing may be answered any more. */
  const begin = (request: IncomingMessage, response: ObservedResponse) => {
    const connection = connections.of(request.socket);
    if (connection.isClosing) {
      request.socket.pause();
      return null;
    }
    const exchange = new Exchange(connection, response);
    const address = addressOf(request);
    const observer = {
      beforeHead: () => closeIfNeeded(connection, request, response),
      afterEnd: (unsentBytes: number) => {
        if (unsentBytes > 0) unsent.hold(exchange, address, unsentBytes);
      },
    };
    response.observer = observer;
    return { exchange, address, observer };
  };

  const askApp = async (request: IncomingMessage, response: ObservedResponse) => {
    if (!(await app(request, response))) answers.refuse(request, response, "malformed_request");
  };

  const serve = (
    request: IncomingMessage,
    response: ObservedResponse,
    begun: NonNullable<ReturnType<typeof begin>>,
  ) => {
    const { exchange, address, observer } = begun;
    const refusal = refusalOf(address);
    if (refusal !== null) {
      const shed = () => refusals.run(() => answers.shed(request, response, refusal));
      // By then Node has read a body that came with the head, and the connection can stay.
      if (hasBody(request)) queueMicrotask(shed);
      else shed();
      return;
    }
    const { answered } = admit(request, exchange, address);
    const { afterEnd } = observer;
    observer.afterEnd = (unsentBytes) => {
      answered();
      afterEnd(unsentBytes);
    };
    work.run(() => {
      // The client may have gone while the request waited for its share of the event loop.
      if (!exchange.isEnded) void askApp(request, response);
    });
  };

  return {
    handle: (request: IncomingMessage, response: ObservedResponse): void => {
      const begun = begin(request, response);
      if (begun === null) return;
      if (hasBody(request)) uploads.watch(request, begun.exchange, begun.address);
      const problem = framingProblemOf(request);
      if (problem !== null) answers.refuse(request, response, problem);
      else if (isServerOptions(request)) answers.options(request, response);
      else if (isHealthCheck(request)) void askApp(request, response);
      else serve(request, response, begun);
    },

    refuseExpectation: (request: IncomingMessage, response: ObservedResponse): void => {
      if (begin(request, response) !== null) answers.refuse(request, response, "expectation_failed");
    },

    noteConnection: (): void => {
      refusals.noteConnection();
      work.noteConnection();
    },

    /** From now on every answer says that its connection closes. */
    announceShutdown: (): void => {
      isShuttingDown = true;
    },
  };
}
