/** What a batch costs by its size: many logs on one store mean smaller batches, and each is a part in each table. */
import '../cli/threads.ts';
import { Buffer } from 'node:buffer';
import { join } from 'node:path';
import { migrate } from '../core/store/migrate.ts';
import { openEmbeddedStore } from '../core/store/store.ts';
import { openKeyring } from '../ingest/keyring.ts';
import { LogWriter } from '../ingest/log_writer.ts';
import { generate } from './generate.ts';
import { inTemporaryFolder } from './process.ts';
import type { Report } from './report.ts';

const SIZES = [1, 25, 250, 2_500];
const WARM_BATCHES = 3;

export async function batchesBench(report: Report, count = 20_000): Promise<void> {
  const events = [...generate(count, Math.max(1, Math.floor(count / 50)))];
  for (const size of SIZES) {
    await inTemporaryFolder(async (folder) => {
      const store = await openEmbeddedStore(join(folder, 'store'));
      await migrate(store);
      const keyring = openKeyring(join(folder, 'data'));
      const writer = await LogWriter.open({
        store,
        log: keyring.origin,
        pseudonyms: keyring.pseudonyms,
        lastSigned: () => undefined,
        now: Date.now,
        onCommitted: () => Promise.resolve(),
      });
      const submit = (from: number) =>
        writer.submit(events.slice(from, from + size).map((each) => writer.accept(Buffer.from(each), '*', 'bench')));
      const parts = async () => {
        const [row] = await store.rows<{ inserts: number }>(
          'SELECT sum(blocks) AS inserts FROM (SELECT max(max_block_number) AS blocks FROM system.parts WHERE database = currentDatabase() GROUP BY table)',
        );
        return row?.inserts ?? 0;
      };
      for (let i = 0; i < WARM_BATCHES; i++) await submit(i * size);
      const batches = Math.max(3, Math.min(200, Math.floor((count - WARM_BATCHES * size) / size)));
      const before = await parts();
      const cpu = process.cpuUsage();
      const began_ms = performance.now();
      for (let i = 0; i < batches; i++) await submit((WARM_BATCHES + i) * size);
      const seconds = (performance.now() - began_ms) / 1_000;
      const { user, system } = process.cpuUsage(cpu);
      const inserts = (await parts()) - before;
      const of = `batches of ${size}`;
      report({ name: `${of}, one after the other`, value: (1_000 * seconds) / batches, unit: 'ms' });
      report({ name: `${of}, events`, value: (batches * size) / seconds, unit: 'events/s' });
      report({ name: `${of}, CPU`, value: (user + system) / (batches * size), unit: 'µs an event' });
      report({ name: `${of}, parts made`, value: inserts / batches, unit: 'a batch' });
      await writer.close();
      await store.close();
    });
  }
}
