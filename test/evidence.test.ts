/** Evidence bundles: made from a real log, checked without it; whatever is changed is found. */
import { hash } from 'node:crypto';
import fc from 'fast-check';
import { unzipSync, zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkBundle } from '../ingest/evidence/check_bundle.ts';
import { startTestService, type TestService } from './support/http_service.ts';

let test: TestService;
let bundle: Uint8Array;
let vkey: string;

const event = (nth: number, more: Record<string, unknown>) => ({
  session_id: 'case-1',
  user_id: 'ana@example.com',
  event_id: `e-${nth}`,
  time: `2026-03-01T10:00:0${nth}Z`,
  ...more,
});

async function download(
  session_id: string,
  key = test.service.admin_key,
): Promise<{ status: number; bytes: Uint8Array }> {
  const path = `/v1/sessions/${encodeURIComponent(session_id)}/evidence?tenant=default`;
  const answer = await fetch(`${test.url}${path}`, { headers: { authorization: `Bearer ${key}` } });
  return { status: answer.status, bytes: new Uint8Array(await answer.arrayBuffer()) };
}

beforeAll(async () => {
  test = await startTestService();
  const { status } = await test.send(
    [
      event(1, { type: 'prompt', content: 'What is new?' }),
      event(2, { type: 'tool.call', server: 'mail', tool: 'read', call_id: 'c', params: { folder: 'in' } }),
      event(3, { type: 'tool.result', server: 'mail', tool: 'read', call_id: 'c', content: 'Nothing, ünd ☃.' }),
      { ...event(4, { type: 'prompt', content: 'other' }), session_id: 'case-2' },
      event(5, { type: 'response', content: 'Nothing is new.' }),
    ],
    { query: '?tenant=default' },
  );
  expect(status).toBe(200);
  await test.service.settled();
  vkey = (await test.read<{ vkey: string }>('/v1/log')).vkey;
  bundle = (await download('case-1')).bytes;
});
afterAll(() => test.close());

/** A bundle with some files changed, and a manifest that names the changed ones: what a forger would make. */
function forged(change: (files: Record<string, Uint8Array>) => void): Uint8Array {
  const files = unzipSync(bundle);
  change(files);
  const manifest = JSON.parse(Buffer.from(files['manifest.json'] ?? []).toString()) as {
    files: Record<string, string>;
    records: number;
  };
  for (const name of Object.keys(manifest.files)) manifest.files[name] = hash('sha256', files[name] as Uint8Array);
  manifest.records = textOf(files, 'records.ndjson').split('\n').filter(Boolean).length;
  files['manifest.json'] = Buffer.from(JSON.stringify(manifest));
  return zipSync(files);
}

const textOf = (files: Record<string, Uint8Array>, name: string) => Buffer.from(files[name] ?? []).toString('utf8');
const codes = (bytes: Uint8Array, key: string | undefined = vkey) =>
  checkBundle(bytes, key).findings.map(({ code }) => code);

describe('a bundle', () => {
  it('verifies without the store, with the key that the reader trusts and with its own', () => {
    expect(checkBundle(bundle, vkey)).toMatchObject({ ok: true, records: 4, session_id: 'case-1', key_given: true });
    expect(checkBundle(bundle)).toMatchObject({ ok: true, key_given: false });
  });

  it('holds the session whole and nothing of another one', () => {
    const text = textOf(unzipSync(bundle), 'records.ndjson');
    expect(text).toContain('Nothing, ünd ☃.');
    expect(text).not.toContain('case-2');
  });

  it('is not made of an unknown session, nor for who may not read content', async () => {
    expect((await download('no-such')).status).toBe(404);
    expect((await download('case-1', await test.key('viewer'))).status).toBe(403);
  });

  it('does not verify with another key, nor with a checkpoint that was changed', () => {
    const other = `${vkey.slice(0, -4)}${vkey.endsWith('AAAA') ? 'BBBB' : 'AAAA'}`;
    expect(codes(bundle, other)).toContain('checkpoint_not_signed');
    const changed = forged((files) => {
      files['checkpoint.txt'] = Buffer.from(textOf(files, 'checkpoint.txt').replace(/\n(\d+)\n/, '\n1\n'));
    });
    expect(codes(changed)).toContain('checkpoint_not_signed');
  });

  it('names a record whose core, content or salt was changed, also where the manifest was made to fit', () => {
    const edit = (from: string, to: string) =>
      forged((files) => {
        const text = textOf(files, 'records.ndjson');
        expect(text).toContain(from);
        files['records.ndjson'] = Buffer.from(text.replace(from, to));
      });
    expect(codes(edit('Nothing is new.', 'Nothing is old.'))).toEqual(['opening_changed']);
    expect(codes(edit('"type\\":\\"prompt\\"', '"type\\":\\"response\\"'))).toContain('record_not_proven');
    expect(codes(edit('"salt":"', '"salt":"00'))).toContain('opening_changed');
  });

  it('names the gap where a record was taken out, and what was put in', () => {
    const without = forged((files) => {
      const lines = textOf(files, 'records.ndjson').split('\n');
      files['records.ndjson'] = Buffer.from([lines[0], ...lines.slice(2)].join('\n'));
    });
    expect(codes(without)).toEqual(['session_broken']);
    const headless = forged((files) => {
      files['records.ndjson'] = Buffer.from(textOf(files, 'records.ndjson').split('\n').slice(1).join('\n'));
    });
    expect(codes(headless)).toEqual(['session_broken']);
    const twice = forged((files) => {
      const lines = textOf(files, 'records.ndjson').split('\n');
      files['records.ndjson'] = Buffer.from([lines[0], lines[0], ...lines.slice(1)].join('\n'));
    });
    expect(codes(twice)).toContain('session_broken');
  });

  it('does not pass with any byte of any file changed, but for what the manifest says of itself', () => {
    const files = unzipSync(bundle);
    const names = Object.keys(files).filter((name) => name !== 'manifest.json');
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.nat(), fc.integer({ min: 1, max: 255 }), (name, at, mask) => {
        const changed = Uint8Array.from(files[name] as Uint8Array);
        const place = at % changed.length;
        changed[place] = (changed[place] as number) ^ mask;
        expect(checkBundle(zipSync({ ...files, [name]: changed }), vkey).ok).toBe(false);
      }),
    );
  });

  it('never makes the checker fail in another way than with a finding or a fault of its own', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), fc.nat({ max: 40 }), (at, mask, cut) => {
        const changed = bundle.slice(0, bundle.length - cut);
        const place = at % changed.length;
        changed[place] = (changed[place] as number) ^ mask;
        try {
          checkBundle(changed, vkey);
        } catch (error) {
          expect((error as { code?: string }).code).toBe('bundle_malformed');
        }
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['a name that leads out of the folder', { '../manifest.json': new Uint8Array(1) }, 'a file'],
    ['a file that no bundle has', { 'run.sh': new Uint8Array(1) }, 'a file'],
    ['nothing', {}, 'manifest.json is not there'],
  ])('with %s is refused', (_, files, says) => {
    expect(() => checkBundle(zipSync(files))).toThrow(says);
  });

  it('that is a bomb is refused before it is unpacked', () => {
    const bomb = zipSync({ 'README.txt': new Uint8Array(300_000_000) }, { level: 9 });
    expect(bomb.length).toBeLessThan(1_000_000);
    expect(() => checkBundle(bomb)).toThrow('bytes unpacked');
  });
});
