/**
 * Signing keys of subscriptions. All are derived from one random master key in the data folder, by subscription and
 * generation: nothing more has to be kept, and no secret stands in the log or in the store.
 */
import { hkdfSync, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { AppError } from '../../core/errors.ts';
import { readIfThere, readSecret, writeWhole } from '../../core/secret_file.ts';
import type { SigningKeys } from './signing.ts';

const MASTER_BYTES = 32;
const KEY_BYTES = 32;

export interface WebhookKeys {
  /** The keys of a subscription's generation: the same for ever. */
  of(subscription_id: string, generation: number): SigningKeys;
}

/** Opens the master key of a data folder, or makes one. Throws `secret_readable`, `webhook_key_invalid`. */
export function openWebhookKeys(data: string): WebhookKeys {
  const path = join(data, 'keys', 'webhook.key');
  if (readIfThere(path) === undefined) writeWhole(path, `${randomBytes(MASTER_BYTES).toString('base64')}\n`);
  const master = Buffer.from(readSecret(path)?.trim() ?? '', 'base64');
  if (master.length !== MASTER_BYTES) {
    throw new AppError('webhook_key_invalid', `${path} must hold ${MASTER_BYTES} bytes in base64`);
  }
  const derived = (use: string, subscription_id: string, generation: number) =>
    Buffer.from(hkdfSync('sha256', master, '', `webhook/${use}/${generation}/${subscription_id}`, KEY_BYTES));
  return {
    of: (subscription_id, generation) => ({
      hmac: derived('hmac', subscription_id, generation),
      ed25519: derived('ed25519', subscription_id, generation),
    }),
  };
}
