/** `tracewarden evidence SESSION` writes the bundle of a session to a file. */
import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { AppError, messageOf } from '../../core/errors.ts';
import { queryOf } from '../backend.ts';
import { type CommonFlags, useLog, withBackend } from '../command.ts';
import { say } from '../output.ts';

interface EvidenceFlags extends CommonFlags {
  tenant?: string;
  out: string;
}

export function evidenceCommand(program: Command): void {
  withBackend(program.command('evidence').argument('<session_id>'))
    .description('write the evidence of a session as a zip that can be checked offline')
    .option('--tenant <tenant>')
    .option('--out <file>', 'where to write it; never over a file that is there', 'evidence.zip')
    .action(write);
}

async function write(session_id: string, flags: EvidenceFlags): Promise<void> {
  const path = `/v1/sessions/${encodeURIComponent(session_id)}/evidence${queryOf({ tenant: flags.tenant })}`;
  await useLog(flags, async (backend) => {
    const response = await backend.call('GET', path);
    const bytes = new Uint8Array(await response.arrayBuffer());
    try {
      writeFileSync(flags.out, bytes, { flag: 'wx', mode: 0o600 });
    } catch (error) {
      throw new AppError('file_unwritable', `${flags.out}: ${messageOf(error)}`, { cause: error });
    }
    say(`${flags.out}: ${bytes.length} bytes; check it with: tracewarden verify ${flags.out}`);
  });
}
