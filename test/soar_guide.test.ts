/** The guide for SOAR platforms is run: the loop with curl as it stands, and the request that each platform would get. */
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openService } from '../cli/service.ts';
import { loadConfig } from '../core/config.ts';
import { startTestService, type TestService } from './support/http_service.ts';
import { findingOf, raiseAlerts } from './support/raise_alerts.ts';
import { type Got, type Receiver, startReceiver } from './support/receiver.ts';

const GUIDE = readFileSync(fileURLToPath(new URL('../docs/guides/soar.md', import.meta.url)), 'utf8');

/** The fenced blocks under `<!-- mark -->` or `<!-- mark: name -->`, in their order. */
function blocks(mark: string): { name: string; code: string }[] {
  const fences = GUIDE.matchAll(new RegExp(`^<!-- ${mark}(?:: (\\S+))? -->\\n\`\`\`\\w+\\n([\\s\\S]*?)^\`\`\`$`, 'gm'));
  return [...fences].map(([, name = '', code = '']) => ({ name, code }));
}

let test: TestService;
let receiver: Receiver;
let folder: string;

/** A service with settings as a file. */
async function start(settings: string, env: Record<string, string> = {}): Promise<void> {
  const file = join(folder, 'settings.yaml');
  writeFileSync(file, settings);
  test = await startTestService();
  await test.service.close();
  Object.assign(test.service, await openService({ config: loadConfig({ data: test.data }, env, file) }));
  test = { ...test, ...(await test.also(test.service.context)), close: test.close };
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tracewarden-guide-'));
  receiver = await startReceiver();
});
afterEach(async () => {
  await test.close();
  await receiver.close();
  rmSync(folder, { recursive: true, force: true });
});

const freePort = async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
};

describe('the loop with curl', () => {
  it('goes round as the guide says: told, verified, suspended, confirmed, released, closed', {
    timeout: 120_000,
  }, async ({ skip }) => {
    const tools = 'curl --version && openssl version && python3 --version';
    const there = await promisify(execFile)('bash', ['-c', tools]).then(
      () => true,
      () => false,
    );
    if (!there) skip(`this machine has not what it needs: ${tools}`);
    const port = await freePort();
    await start(`webhook_hosts: ["127.0.0.1:${port}"]\n`);
    const code = blocks('loop');
    expect(code.map(({ name }) => name)).toEqual(['', 'receiver.py', '', '', '', '']);
    writeFileSync(join(folder, 'receiver.py'), code.find(({ name }) => name === 'receiver.py')?.code ?? '');
    const script = code.filter(({ name }) => name === '').map((block) => block.code);
    const { PATH, HOME } = process.env;
    const env = {
      PATH,
      HOME,
      no_proxy: '127.0.0.1',
      PORT: String(port),
      TRACEWARDEN_URL: test.url,
      RECEIVER_URL: `http://127.0.0.1:${port}`,
      ADMIN_KEY: await test.key('admin'),
      RESPONDER_KEY: await test.key('responder'),
      GATEWAY_KEY: await test.key('gateway'),
    };
    const child = spawn('bash', ['-euo', 'pipefail', '-c', script.join('\n')], { cwd: folder, env });
    let said = '';
    child.stdout.on('data', (text) => {
      said += text;
    });
    child.stderr.on('data', (text) => {
      said += text;
    });
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    for (let i = 0; i < 200 && test.service.context.response?.subscriptions.all().next().done; i++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const finding = findingOf({ session_id: 'session-of-the-loop' });
    await raiseAlerts(test.service.writer, [finding]);
    expect([await ended, said]).toEqual([0, said]);
    const history = JSON.parse(said.trim().split('\n').at(-1) ?? '') as { history: { type: string }[] };
    expect(history.history.map(({ type }) => type)).toEqual(['alert.acknowledged', 'alert.closed']);
    const commands = [...(test.service.context.response?.enforcement.all() ?? [])];
    expect(commands).toMatchObject([
      { action: 'suspend', state: 'applied', alert_id: finding.finding_id },
      { action: 'release', state: 'applied' },
    ]);
  });
});

describe('the example', () => {
  const names = blocks('soar').map(({ name }) => name);
  const secrets = {
    XSOAR_KEY: 'the-xsoar-key',
    SPLUNK_SOAR_TOKEN: 'the-splunk-token',
    THEHIVE_KEY: 'the-thehive-key',
    TINES_SECRET: 'the-tines-secret',
    SHUFFLE_HOOK: 'the-shuffle-hook',
  };
  /** What the platform's documentation asks for. */
  const WANTED: Record<string, (got: Got, body: Record<string, unknown>, alert_id: string) => void> = {
    xsoar(got, body, alert_id) {
      expect(got).toMatchObject({
        path: '/xsoar/public/v1/incident',
        headers: { authorization: secrets.XSOAR_KEY, 'x-xdr-auth-id': '7' },
      });
      expect(body).toMatchObject({ name: 'A secret went to another tool', severity: 3, createInvestigation: true });
      expect(body.labels).toContainEqual({ type: 'alert_id', value: alert_id });
      expect(JSON.parse(String(body.rawJSON))).toMatchObject({ alert_id });
    },
    splunk_soar(got, body, alert_id) {
      expect(got).toMatchObject({ path: '/rest/container', headers: { 'ph-auth-token': secrets.SPLUNK_SOAR_TOKEN } });
      expect(body).toMatchObject({ label: 'events', severity: 'high', source_data_identifier: alert_id });
      expect((body.artifacts as unknown[]).length).toBe(2);
    },
    thehive(got, body, alert_id) {
      expect(got).toMatchObject({ path: '/api/v1/alert', headers: { authorization: `Bearer ${secrets.THEHIVE_KEY}` } });
      expect(body).toMatchObject({
        type: 'alert.raised',
        source: 'tracewarden',
        sourceRef: alert_id,
        severity: 3,
        tlp: 2,
        pap: 2,
      });
      expect([typeof body.title, typeof body.description]).toEqual(['string', 'string']);
    },
    tines(got, body, alert_id) {
      expect(got.path).toBe(`/webhook/agents/${secrets.TINES_SECRET}`);
      expect(got.headers['webhook-signature']).toMatch(/^v1,/);
      expect(body).toMatchObject({ type: 'alert.raised', data: { alert_id } });
    },
    shuffle(got, body, alert_id) {
      expect(got.path).toBe(`/api/v1/hooks/webhook_${secrets.SHUFFLE_HOOK}`);
      expect(body).toMatchObject({ alert_id, severity: 'high', title: 'A secret went to another tool' });
    },
  };

  it('is there for every platform, and for no other', () => {
    expect(names).toEqual(['settings', ...Object.keys(WANTED)]);
  });

  it.each(Object.keys(WANTED))(
    'of %s makes the request that its platform takes, with its secret, which no answer shows',
    async (name) => {
      const codes = new Map(blocks('soar').map((block) => [block.name, block.code]));
      const json = JSON.parse(codes.get(name) ?? '') as { url: string };
      const { host } = new URL(json.url);
      // The platform's host is exchanged for one that listens here; all else stands as in the guide.
      const settings = (codes.get('settings') ?? '').replace(`[${host}]`, `["${receiver.host}"]`);
      expect(settings).toContain(receiver.host);
      await start(`${settings}webhook_hosts: ["${receiver.host}"]\n`, secrets);
      const body = JSON.stringify({ ...json, url: json.url.replace(`https://${host}`, receiver.url) });
      const headers = { 'content-type': 'application/json' };
      const made = await test.ask('POST', '/v1/subscriptions', { key: test.service.admin_key, headers, body });
      expect([made.status, made.text]).toEqual([201, made.text]);
      const [alert_id = ''] = await raiseAlerts(test.service.writer, [findingOf()]);
      const [got] = await receiver.count(1);
      WANTED[name]?.(got as Got, JSON.parse(got?.body ?? '') as Record<string, unknown>, alert_id);
      await test.service.settled();
      const shown = await test.ask('GET', '/v1/deliveries', { key: test.service.admin_key });
      for (const secret of Object.values(secrets)) expect(made.text + shown.text).not.toContain(secret);
    },
  );
});
