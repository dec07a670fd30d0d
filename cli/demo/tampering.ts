/** Copies the demo's data folder, has one byte changed in the copy, and runs the ordinary `verify` command on it. */
import { spawn } from 'node:child_process';
import { cpSync } from 'node:fs';
import { basename } from 'node:path';
import { text } from 'node:stream/consumers';
import { AppError } from '../../core/errors.ts';
import type { VerifyReport } from '../../ingest/verify/report.ts';
import type { Service } from '../service.ts';
import type { Closing } from './closing.ts';
import { scriptArgs } from './script.ts';

/** Of the process that holds the folder; they mean nothing in a copy. */
const NOT_COPIED = new Set(['status', 'staging']);

/** Copies the folder of a running service when all that it took is on disk, and nothing moves there. */
export async function copyData(service: Service, from: string, to: string): Promise<void> {
  await service.settled();
  await service.checkpoint();
  await service.store.command('SYSTEM STOP MERGES');
  try {
    cpSync(from, to, { recursive: true, filter: (path) => !NOT_COPIED.has(basename(path)) });
  } finally {
    await service.store.command('SYSTEM START MERGES');
  }
}

export interface Change {
  seq: number;
  before: string;
  after: string;
}

export async function changeOneByte(copy: string, { seq, before, after }: Change, closing: Closing): Promise<void> {
  const { code, said } = await runNode([...scriptArgs('tamper'), copy, String(seq), before, after], closing);
  if (code !== 0) throw new AppError('demo_tamper', `the copy could not be changed: ${said}`);
}

/** What `tracewarden verify --data FOLDER --json` says, with its exit code. */
export async function verifyCopy(copy: string, closing: Closing): Promise<{ code: number; report: VerifyReport }> {
  const { code, out, said } = await runNode([...scriptArgs('../main'), 'verify', '--data', copy, '--json'], closing);
  if (code > 1 || out === '') throw new AppError('demo_verify', `verify ended with ${code}: ${said}`);
  return { code, report: JSON.parse(out) as VerifyReport };
}

async function runNode(args: readonly string[], closing: Closing) {
  const { TRACEWARDEN_URL: _, ...env } = process.env;
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  closing.add(() => child.kill('SIGKILL'));
  const ended = new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 130));
  });
  const [code, out, said] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { code, out, said };
}
