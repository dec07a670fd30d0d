/**
 * What operators know of their servers: vulnerable versions, approved builds, approved configurations. A detector that
 * uses it offers itself anew for a policy, so that it stays one file and stays pure.
 */
import type { Severity } from '../../core/alert.ts';
import type { Detector } from '../detector.ts';

/** Versions of a package, or of a server by its name, that must not run. */
export interface VulnerableVersions {
  package?: string;
  server?: string;
  /** Ranges; one that fits is enough. */
  versions: string[];
  fixed_in?: string;
  advisory?: string;
  severity: Severity;
}

/** The builds of a server that were looked at. A list that is absent leaves that open. */
export interface ApprovedServer {
  server: string;
  versions?: string[];
  digests?: string[];
  executable_sha256?: string[];
  args_sha256?: string[];
}

export interface ApprovedConfiguration {
  name: string;
  sha256: string[];
}

export interface SupplyPolicy {
  vulnerable: readonly VulnerableVersions[];
  servers: readonly ApprovedServer[];
  configurations: readonly ApprovedConfiguration[];
}

export const NO_POLICY: SupplyPolicy = { vulnerable: [], servers: [], configurations: [] };

/** A detector that can be had for a policy; as it stands it knows none. */
export type PolicyAware<D> = D & { withPolicy(policy: SupplyPolicy): D };

/** Makes a detector that knows no policy and can be had for one. */
export function withoutPolicy<D extends object>(create: (policy: SupplyPolicy) => D): PolicyAware<D> {
  return { ...create(NO_POLICY), withPolicy: create };
}

/** The detectors, with those that use a policy made for this one. */
export function applyPolicy(detectors: readonly Detector[], policy: SupplyPolicy): Detector[] {
  return detectors.map((detector) => (isPolicyAware(detector) ? detector.withPolicy(policy) : detector));
}

function isPolicyAware(detector: Detector): detector is PolicyAware<Detector> {
  return typeof (detector as Partial<PolicyAware<Detector>>).withPolicy === 'function';
}
