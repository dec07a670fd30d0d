/** Reads a policy from a file: the only file here that touches the disk. */
import { readFile, stat } from 'node:fs/promises';
import { AppError, codeOf } from '../../core/errors.ts';
import { sha256Hex } from '../tools/canonical_digest.ts';
import type { SupplyPolicy } from './policy.ts';
import { parsePolicy } from './policy_file.ts';

const FILE_BYTES_MAX = 1_048_576;

/** A policy with the SHA-256 of its file's text, which says which one was in force. */
export interface LoadedPolicy {
  policy: SupplyPolicy;
  sha256: string;
}

/** The policy of a file. Throws `policy_unreadable` or `policy_invalid`, with the file's name. */
export async function loadPolicy(file: string): Promise<LoadedPolicy> {
  const source = await readPolicyFile(file);
  return { policy: parsePolicy(source, file), sha256: sha256Hex(source) };
}

/** The text of a policy of any kind, within a bound. Throws `policy_unreadable` or `policy_invalid`, with the file's name. */
export async function readPolicyFile(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > FILE_BYTES_MAX) {
      throw new AppError('policy_invalid', `${file} has ${size} bytes; a policy has at most ${FILE_BYTES_MAX}`);
    }
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError('policy_unreadable', `${file} cannot be read (${codeOf(error)})`, { cause: error });
  }
}
