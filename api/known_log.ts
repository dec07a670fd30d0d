/** The logs that a service answers for: its own, and with Kafka one for each partition. */
import { AppError } from '../core/errors.ts';
import type { VerifyOptions } from '../ingest/verify/verify.ts';
import type { ApiContext } from './context.ts';

export interface KnownLog {
  /** Its name, the origin line of its checkpoints. */
  log: string;
  /** Its public key in C2SP vkey form; absent while its signer has not said it. */
  vkey?: string | undefined;
  /** The partition that its records come from. */
  partition?: number;
  /** Has its head signed now, where this process holds the signer. */
  publishCheckpoint?: () => Promise<void>;
  /** Has the manifest of a bundle signed with its key, by its SHA-256; where this process holds the signer. */
  signManifest?: (sha256: Uint8Array) => string;
  /** What verification compares with beside the store: the signer's memory, the key of the pseudonyms. */
  verifyWith?: () => Pick<VerifyOptions, 'signed' | 'pseudonyms'>;
}

/** A log from Kafka that this process writes, for people and metrics. */
export interface OwnedLog {
  partition: number;
  state: 'open' | 'waiting' | 'halted';
  size: number;
  /** Records that Kafka holds and the log does not; absent while that is not known. */
  lag: number | undefined;
  records: number;
  moved: number;
  takeovers: number;
  detection?: Record<string, unknown>;
}

/** The log with a name, or the service's own. Throws `not_found`. */
export function knownLog({ logs }: Pick<ApiContext, 'logs'>, name?: string): KnownLog {
  const found = name === undefined ? logs[0] : logs.find(({ log }) => log === name);
  if (found === undefined) throw new AppError('not_found', `this installation has no log ${JSON.stringify(name)}`);
  return found;
}

/** Its public key. Throws `vkey_unknown` while nobody has said it. */
export function vkeyOf({ log, vkey }: KnownLog): string {
  if (vkey !== undefined) return vkey;
  throw new AppError('vkey_unknown', `the public key of ${log} is not known here: the signer writes it to logs.vkeys`);
}
