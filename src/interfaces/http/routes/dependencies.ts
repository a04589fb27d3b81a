import type { UseCases } from "../../../application/application.ts";
import type { RateLimits } from "../middleware/rate-limits.ts";
import type { HttpSettings } from "../settings.ts";

/** What the routes need from outside. */
export interface RouteDependencies {
  readonly useCases: UseCases;
  readonly settings: HttpSettings;
  readonly limits: RateLimits;
}
