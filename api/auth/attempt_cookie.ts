/**
 * What a browser carries while it is at the identity provider: sealed with a key of this process (JWE, RFC 7516), so
 * that nothing has to be remembered of those who never come back.
 */
import { randomBytes } from 'node:crypto';
import { EncryptJWT, errors, jwtDecrypt } from 'jose';
import type { LoginAttempt } from './identity_provider.ts';

interface Sealer {
  seal(attempt: LoginAttempt): Promise<string>;
  /** What was sealed, or undefined: made elsewhere, changed, or too old. */
  open(sealed: string): Promise<LoginAttempt | undefined>;
}

export function createSealer(life_s: number, now: () => number): Sealer {
  const key = randomBytes(32);
  return {
    seal: (attempt) =>
      new EncryptJWT({ ...attempt })
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
        .setExpirationTime(Math.floor(now() / 1_000) + life_s)
        .encrypt(key),
    async open(sealed) {
      try {
        const { payload } = await jwtDecrypt<LoginAttempt>(sealed, key, {
          keyManagementAlgorithms: ['dir'],
          contentEncryptionAlgorithms: ['A256GCM'],
          currentDate: new Date(now()),
          requiredClaims: ['exp'],
        });
        return payload;
      } catch (error) {
        if (error instanceof errors.JOSEError) return undefined;
        throw error;
      }
    },
  };
}
