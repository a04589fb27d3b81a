import type { UseCases } from "../../../application/application.ts";
import type { RateLimits } from "../middleware/rate-limits.ts";
import type { HttpSettings } from "../settings.ts";

/** The dependencies of the routes. */
export interface RouteDependencies {
  readonly useCases: UseCases;
  readonly settings: HttpSettings;
  readonly limits: RateLimits;
}
