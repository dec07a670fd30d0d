/** Salts of records. */
import { randomFillSync } from 'node:crypto';

const POOL_BYTES = 32 * 1024;
let pool = Buffer.alloc(0);
let pool_at = 0;

/** 32 random bytes; drawn from the system in larger pieces. */
export function freshSalt(): Buffer {
  if (pool_at >= pool.length) {
    pool = randomFillSync(Buffer.allocUnsafe(POOL_BYTES));
    pool_at = 0;
  }
  const salt = pool.subarray(pool_at, pool_at + 32);
  pool_at += 32;
  return salt;
}
