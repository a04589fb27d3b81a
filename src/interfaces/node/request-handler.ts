import type { IncomingMessage } from "node:http";
import { admission } from "./admission.ts";
import type { AppListener } from "./app-listener.ts";
import { Exchange, type Connection, type Connections } from "./connections.ts";
import { fairScheduler } from "./fair-scheduler.ts";
import type { ServerLimits } from "./limits.ts";
import { lingerAfterAnswer } from "./lingering-close.ts";
import type { LoadShedding } from "./load-shedding.ts";
import type { ObservedResponse } from "./observed-response.ts";
import type { ServerResponses } from "./server-responses.ts";
import { framingProblemOf, hasBody, isBodyArriving, isHealthCheck, isServerOptions } from "./request-framing.ts";
import { unsentResponses, type UnsentResponses } from "./unsent-responses.ts";
import type { Uploads } from "./uploads.ts";

interface Dependencies {
  readonly app: AppListener;
  readonly answers: ServerResponses;
  readonly shedding: LoadShedding;
  readonly addressOf: (request: IncomingMessage) => string | null;
  readonly connections: Connections;
  readonly uploads: Uploads;
  readonly limits: ServerLimits;
}

/** Dispatches a request: to the app, or to a response of the server itself for invalid framing or load shedding. */
export function requestHandler({ app, answers, shedding, addressOf, connections, uploads, limits }: Dependencies) {
  const unsent = unsentResponses({
    maxBytes: limits.maxUnsentBytes,
    maxBytesPerAddress: limits.maxUnsentBytesPerAddress,
  });
  const { refusalOf, admit } = admission(limits, unsent, shedding);
  const refusals = fairScheduler();
  const work = fairScheduler();
  let isShuttingDown = false;
  const begin = exchangeOpener({ addressOf, connections, limits, unsent, isShuttingDown: () => isShuttingDown });

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
      // By then Node has read a body that arrived with the head, and the connection can stay open.
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
      // The client may have disconnected while the request waited for the event loop.
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

    /** From now on every response announces that its connection closes. */
    announceShutdown: (): void => {
      isShuttingDown = true;
    },
  };
}

interface ExchangeDependencies extends Pick<Dependencies, "addressOf" | "connections" | "limits"> {
  readonly unsent: UnsentResponses;
  readonly isShuttingDown: () => boolean;
}

function exchangeOpener({ addressOf, connections, limits, unsent, isShuttingDown }: ExchangeDependencies) {
  /** Announces the close of the connection with the response if it is necessary. */
  const closeIfNeeded = (connection: Connection, request: IncomingMessage, response: ObservedResponse) => {
    const isArriving = isBodyArriving(request);
    if (isShuttingDown() || isArriving) response.shouldKeepAlive = false;
    if (response.shouldKeepAlive) return;
    connection.isClosing = true;
    if (isArriving || connection.exchanges.size > 1) lingerAfterAnswer(request, limits);
  };

  /** Begins an exchange; `null` if the connection is closing, so that no response may be sent. */
  return (request: IncomingMessage, response: ObservedResponse) => {
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
}
