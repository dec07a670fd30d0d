/** `tracewarden export`: the evidence of a period for a framework, as one bundle that is checked offline. */
import { createWriteStream, rmSync } from 'node:fs';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { AppError, messageOf } from '../../core/errors.ts';
import { queryOf } from '../backend.ts';
import { type CommonFlags, useLog, withBackend } from '../command.ts';
import { say } from '../output.ts';

interface ExportFlags extends CommonFlags {
  framework: string;
  from?: string;
  to?: string;
  tenant?: string;
  out: string;
}

const TOLD_EVERY_BYTES = 8_388_608;

/** Adds `export`. */
export function exportCommand(program: Command): void {
  withBackend(program.command('export').description('write the evidence of a period for a framework as one signed zip'))
    .requiredOption('--framework <id>', 'as `tracewarden controls` lists them')
    .option('--from <time>', 'RFC 3339, of arrival (default: 30 days before)')
    .option('--to <time>', 'RFC 3339 (default: now)')
    .option('--tenant <tenant>')
    .option('--out <file>', 'where to write it; never over a file that is there', 'export.zip')
    .action(run);
}

async function run({ framework, from, to, tenant, out, ...flags }: ExportFlags): Promise<void> {
  await useLog(flags, async (backend) => {
    const response = await backend.call('GET', `/v1/export${queryOf({ framework, from, to, tenant })}`);
    let bytes = 0;
    let told = 0;
    const progress = new Transform({
      transform(piece: Uint8Array, _, done) {
        bytes += piece.length;
        if (bytes - told >= TOLD_EVERY_BYTES) {
          told = bytes;
          say(`${Math.round(bytes / 1_048_576)} MB written`);
        }
        done(null, piece);
      },
    });
    const file = createWriteStream(out, { flags: 'wx', mode: 0o600 });
    try {
      await pipeline(Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]), progress, file);
    } catch (error) {
      const there = (error as NodeJS.ErrnoException).code === 'EEXIST';
      if (!there) rmSync(out, { force: true }); // half a bundle is none
      throw new AppError('file_unwritable', `${out}: ${messageOf(error)}`, { cause: error });
    }
    say(`${out}: ${bytes} bytes; check it with: tracewarden verify ${out}`);
  });
}
