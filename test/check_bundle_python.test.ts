/** The checker in Python, which shares nothing with the program: it agrees on what is whole, and on what is not. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Files, filesOf } from './support/bundle.ts';
import { startTestService, type TestService } from './support/http_service.ts';
import { rawEvent } from './support/raw_event.ts';

const python = spawnSync('python3', ['--version']).status === 0;
if (!python) console.log('not run: there is no python3');
const SCRIPT = new URL('../docs/check_bundle.py', import.meta.url).pathname;

let test: TestService;
let folder = '';
let vkey = '';
let bundles: Record<'session' | 'export', Uint8Array>;

async function download(path: string): Promise<Uint8Array> {
  const answer = await fetch(`${test.url}${path}`, { headers: { authorization: `Bearer ${test.service.admin_key}` } });
  expect(answer.status).toBe(200);
  return new Uint8Array(await answer.arrayBuffer());
}

function check(bytes: Uint8Array, key?: string) {
  const file = join(folder, 'bundle.zip');
  writeFileSync(file, bytes);
  const { status, stdout } = spawnSync('python3', [SCRIPT, file, ...(key === undefined ? [] : [key])], {
    encoding: 'utf8',
  });
  return { status, stdout };
}

/** The same bundle with a change, packed anew. */
function changed(bytes: Uint8Array, change: (files: Files) => void): Uint8Array {
  const files = filesOf(bytes);
  change(files);
  return zipSync(files);
}
const edited = (files: Files, name: string, edit: (text: string) => string) => {
  files[name] = Buffer.from(edit(Buffer.from(files[name] ?? []).toString('utf8')));
};

describe.skipIf(!python)('the checker in Python', () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tracewarden-python-'));
    test = await startTestService();
    const events = Array.from({ length: 700 }, (_, n) =>
      rawEvent({ event_id: `e${n}`, session_id: `s${n % 7}`, tenant: 'default', content: `said ${n} ☃` }),
    );
    await test.send(events);
    vkey = (await test.read<{ vkey: string }>('/v1/log')).vkey;
    bundles = {
      session: await download('/v1/sessions/s3/evidence'),
      export: await download('/v1/export?framework=nist_ai_rmf'),
    };
  });
  afterAll(async () => {
    await test.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(['session', 'export'] as const)('verifies a bundle with the key of the log: %s', (kind) => {
    const { status, stdout } = check(bundles[kind], vkey);
    expect([status, stdout.split(':')[0]]).toEqual([0, 'verified']);
    expect(check(bundles[kind]).stdout).toContain('the key is the bundle’s own'.replace('’', "'"));
  });

  it('agrees with the program on how many records there are', () => {
    const records = Buffer.from(filesOf(bundles.export)['records.ndjson'] ?? [])
      .toString('utf8')
      .trimEnd()
      .split('\n').length;
    expect(check(bundles.export, vkey).stdout).toContain(`verified: ${records} records`);
  });

  it.each([
    ['another key', (_: Files) => undefined, 'manifest_not_signed'],
    [
      'a changed record',
      (files: Files) =>
        edited(files, 'records.ndjson', (text) =>
          text.replace('"kind":"event"', '"kind":"alert"').replace('\\"kind\\":\\"event\\"', '\\"kind\\":\\"alert\\"'),
        ),
      'record_not_proven',
    ],
    [
      'a changed opening',
      (files: Files) => edited(files, 'records.ndjson', (text) => text.replace('user_id', 'user_ie')),
      'opening_changed',
    ],
    [
      'a record taken out',
      (files: Files) => edited(files, 'records.ndjson', (text) => text.slice(text.indexOf('\n') + 1)),
      'records_missing',
    ],
    [
      'a changed proof',
      (files: Files) => edited(files, 'proofs.ndjson', (text) => text.replace(/"leaves":"./, '"leaves":"_')),
      'block_not_proven',
    ],
    [
      'a changed report',
      (files: Files) => edited(files, 'report.html', (text) => text.replace('<h1>', '<h1>No ')),
      'file_changed',
    ],
    [
      'a changed manifest',
      (files: Files) => edited(files, 'manifest.json', (text) => text.replace('"records":', '"records" :')),
      'manifest_not_signed',
    ],
    [
      'a changed checkpoint',
      (files: Files) => edited(files, 'checkpoint.txt', (text) => text.replace(/\n\d/, '\n9')),
      'checkpoint_not_signed',
    ],
  ])('names %s', (what, change, code) => {
    // A key of the same name that signed none of it.
    const other = execFileSync('python3', ['-c', OTHER_KEY, vkey], { encoding: 'utf8' }).trim();
    const { status, stdout } = check(changed(bundles.export, change), what === 'another key' ? other : vkey);
    expect(status).toBe(1);
    expect(stdout).toContain(code);
    expect(stdout).toContain('NOT VERIFIED');
  });

  it('refuses what is no bundle', () => {
    expect(check(Buffer.from('hello')).status).toBe(1);
    expect(check(zipSync({ 'a.txt': Buffer.from('b') })).status).toBe(1);
  });
});

/** The base point of the curve as a public key: a good key whose secret nobody used here. */
const OTHER_KEY = `
import base64, hashlib, sys
name = sys.argv[1].split('+', 2)[0]
data = b'\\x01' + bytes([0x58]) + bytes([0x66] * 31)
print(name + '+' + hashlib.sha256(name.encode() + b'\\n' + data).hexdigest()[:8] + '+' + base64.b64encode(data).decode())
`;
