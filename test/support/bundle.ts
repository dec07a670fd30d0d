/** Bundles in tests: checked from memory, and taken apart. */
import { unzipSync } from 'fflate';
import { type BundleReport, checkBundle } from '../../core/bundle/check.ts';
import { nodeTools } from '../../ingest/evidence/check_tools.ts';

export type Files = Record<string, Uint8Array>;

/** Checks the bytes of a bundle as the command does. */
export function check(bytes: Uint8Array, vkey?: string): Promise<BundleReport> {
  const source = { size: bytes.length, read: async (from: number, to: number) => bytes.slice(from, to) };
  return checkBundle(source, nodeTools, { vkey });
}

/** The files of a bundle. */
export const filesOf = (bytes: Uint8Array): Files => unzipSync(bytes);
