/** The limits that shape cores: with others, the same record would give other bytes. */
import { CORE_LIMITS, LIMITS, type Limits } from '../core/limits.ts';

export function coreLimits(): Partial<Limits> {
  return Object.fromEntries(CORE_LIMITS.map((name) => [name, LIMITS[name]]));
}
