import { nearestName } from "./nearest-name.ts";

/** Names that are meant for this program. Other programs may have DATABASE_ variables of their own. */
const OWN_NAME = /^(?:QUIRE|DATABASE)_/;

/**
 * Service links: Kubernetes sets these variables in every container for a service named quire or quire-something, and
 * Docker for a link (Kubernetes, Service, Environment variables).
 */
const SERVICE_LINK =
  /^QUIRE_(?:\w+_)?(?:SERVICE_(?:HOST|PORT(?:_\w+)?)|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)$/;

export interface MisspeltVariable {
  readonly variable: string;
  /** The variable that is probably meant; `null` if none is near. */
  readonly nearest: string | null;
}

/** Finds unknown names that begin with QUIRE_, and names that resemble a known variable that is not set. */
export function misspeltVariables(names: readonly string[], known: readonly string[]): readonly MisspeltVariable[] {
  const own = known.filter((name) => OWN_NAME.test(name));
  const unset = own.filter((name) => !names.includes(name));
  return names.flatMap((variable) => {
    if (known.includes(variable) || SERVICE_LINK.test(variable)) return [];
    const isOurs = /^QUIRE_/i.test(variable);
    const nearest = isOurs ? nearestName(variable, own, variable.length) : nearestName(variable, unset);
    return nearest === null && !isOurs ? [] : [{ variable, nearest }];
  });
}
