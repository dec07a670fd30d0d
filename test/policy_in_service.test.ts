/** The operator's policy in a service: read at the start, used by detection, and named in the log. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { openService, type Service } from '../cli/service.ts';
import { loadConfig } from '../core/config.ts';
import type { Store } from '../core/store/store.ts';
import { exampleRecords, type RawEvent } from '../detectors/example_events.ts';
import { temporaryFolder } from './log_kit.ts';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const POLICY =
  'vulnerable:\n  - server: shelf\n    versions: "<2.2.0"\n    fixed_in: "2.2.0"\n    advisory: EXAMPLE-7\n';
const RUNS: RawEvent[] = [
  { type: 'server.version', server: 'shelf', server_info: { version: '2.1.0', package: 'shelf-server' } },
];
const folder = temporaryFolder('policy');
const policy_file = join(folder, 'policy.yaml');
const data = join(folder, 'data');

beforeAll(() => writeFileSync(policy_file, POLICY));

const start = (settings: Record<string, unknown>): Promise<Service> =>
  openService({ config: loadConfig({ data, ...settings }, {}) });

async function configurations(store: Store): Promise<{ policy_sha256?: string; core_version: number }[]> {
  const rows = await store.rows<{ detail: string }>(`SELECT detail FROM v_events WHERE kind = 'config' ORDER BY seq`);
  return rows.map(({ detail }) => JSON.parse(detail) as { policy_sha256?: string; core_version: number });
}

describe('a policy file', () => {
  it('that is faulty or missing stops the start with line and reason, before anything is written', async () => {
    const faulty = join(folder, 'faulty.yaml');
    writeFileSync(faulty, 'vulnerable:\n  - server: shelf\n    versions: 2.2\n');
    await expect(start({ policy_file: faulty })).rejects.toMatchObject({
      code: 'policy_invalid',
      message: expect.stringMatching(/faulty\.yaml:3: vulnerable\[0\]\.versions /),
    });
    await expect(start({ policy_file: join(folder, 'none.yaml') })).rejects.toMatchObject({
      code: 'policy_unreadable',
    });
    expect(existsSync(data)).toBe(false);
  });

  it('is used by detection, and its digest stands in the log once until it changes', async () => {
    const digestOf = (text: string) => createHash('sha256').update(text).digest('hex');
    let service = await start({ policy_file });
    try {
      const records = exampleRecords('policed', RUNS)
        .map((event) => JSON.stringify(event))
        .join('\n');
      const authorization = `Bearer ${service.admin_key}`;
      const headers = { authorization, 'content-type': 'application/x-ndjson' };
      const url = 'http://localhost/v1/events';
      expect((await service.api.app.request(url, { method: 'POST', headers, body: records })).status).toBe(200);
      await service.settled();
      const alerts = await service.api.app.request('http://localhost/v1/alerts', { headers: { authorization } });
      expect(await alerts.text()).toContain('server_version_vulnerable');
      expect((await configurations(service.store)).map((each) => each.policy_sha256)).toEqual([digestOf(POLICY)]);
    } finally {
      await service.close();
    }
    service = await start({ policy_file });
    expect(await configurations(service.store)).toHaveLength(1);
    await service.close();
    writeFileSync(policy_file, `${POLICY}# looked at again\n`);
    service = await start({ policy_file });
    expect((await configurations(service.store)).map((each) => each.policy_sha256)).toEqual([
      digestOf(POLICY),
      digestOf(`${POLICY}# looked at again\n`),
    ]);
    await service.close();
  });

  it('is used by detect as well', async () => {
    const events = join(folder, 'events.jsonl');
    const findings = join(folder, 'findings.jsonl');
    writeFileSync(
      events,
      exampleRecords('s', RUNS)
        .map((event) => `${JSON.stringify(event)}\n`)
        .join(''),
    );
    const detect = (...flags: string[]) =>
      promisify(execFile)(
        'node',
        ['--import', 'tsx', 'cli/main.ts', 'detect', '--events', events, '--findings', findings, ...flags],
        { cwd: PROJECT },
      );
    await detect();
    expect(readFileSync(findings, 'utf8')).not.toContain('server_version_vulnerable');
    await detect('--policy', policy_file);
    expect(readFileSync(findings, 'utf8')).toContain('server_version_vulnerable');
    await expect(detect('--policy', join(folder, 'none.yaml'))).rejects.toMatchObject({
      code: 3,
      stderr: expect.stringContaining('none.yaml'),
    });
  });
});
