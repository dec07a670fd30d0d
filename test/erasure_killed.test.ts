/** kill -9 in the middle of an erasure: the next start finishes what the record of the log asks for. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openService } from '../cli/service.ts';
import { loadConfig } from '../core/config.ts';
import { planErasure } from '../ingest/erase.ts';
import { verifyLog } from '../ingest/verify/verify.ts';
import { marked } from './support/marked_events.ts';

const MARK = 'quelltopf-7731';

describe('an erasure that is killed in the middle', { timeout: 180_000 }, () => {
  const CHILD = fileURLToPath(new URL('./support/erase_child.ts', import.meta.url));

  /** Statements of an erasure: the rows without content, signals, seven removals, files, cursor. */
  it.each([0, 1, 2, 5, 8, 9, 16])('at statement %i is finished by the next start, and verifies', async (at) => {
    const data = mkdtempSync(join(tmpdir(), 'tracewarden-erase-'));
    try {
      const first = await openService({ config: loadConfig({ data }, {}), deliver: false });
      const lines = marked('s-cut', 'cut@example.com', MARK).map((event) => Buffer.from(JSON.stringify(event)));
      await first.writer.submit(lines.map((line) => first.writer.accept(line, 'default', 'key-1')));
      await first.settled();
      await first.close();
      const child = spawnSync(process.execPath, ['--import', 'tsx', CHILD, data, 'cut@example.com', String(at)]);
      expect(child.signal, child.stderr.toString()).toBe('SIGKILL');
      const again = await openService({ config: loadConfig({ data }, {}), deliver: false });
      const rows = await again.store.rows('SELECT * FROM content');
      const others = await again.store.rows('SELECT title, reason FROM alerts');
      expect(JSON.stringify([rows, others, await again.store.rows('SELECT detail FROM events')])).not.toContain(MARK);
      const report = await verifyLog({ store: again.store, vkey: again.keyring.vkey });
      expect(report.findings).toEqual([]);
      expect(report.erased).toBeGreaterThan(lines.length);
      const subject = { tenant: 'default', user_id: 'cut@example.com' };
      expect(await planErasure(again.store, again.writer.head.log, subject)).toEqual([]);
      await again.close();
    } finally {
      rmSync(data, { recursive: true, force: true });
    }
  });
});
