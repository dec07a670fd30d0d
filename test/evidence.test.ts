/** Evidence bundles: made from a real log, checked without it; whatever is changed is found. */
import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { unzipSync, zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Manifest, manifestNote } from '../core/bundle/manifest.ts';
import { descriptor, directory, localHeader } from '../core/bundle/zip.ts';
import { concatBytes } from '../core/tlog/bytes.ts';
import { openCheckpoint, parseCheckpoint } from '../core/tlog/checkpoint.ts';
import { ed25519FromSeed, nodeVerify } from '../core/tlog/ed25519_node.ts';
import { signNote } from '../core/tlog/note.ts';
import {
  formatVerifierKey,
  newVerifierKey,
  noteSigner,
  noteVerifier,
  parseVerifierKey,
} from '../core/tlog/note_key.ts';
import { type BundlePart, writeBundle } from '../ingest/evidence/bundle.ts';
import { check, type Files, filesOf } from './support/bundle.ts';
import { startTestService, type TestService } from './support/http_service.ts';

let test: TestService;
let bundle: Uint8Array;
let vkey: string;
let log: string;

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
      event(1, { type: 'prompt', content: 'What is new? <script>alert(1)</script>' }),
      event(2, { type: 'tool.call', server: 'mail', tool: 'read', call_id: 'c', params: { folder: 'in' } }),
      event(3, { type: 'tool.result', server: 'mail', tool: 'read', call_id: 'c', content: 'Nothing, ünd ☃.' }),
      { ...event(4, { type: 'prompt', content: 'other' }), session_id: 'case-2' },
      event(5, { type: 'response', content: 'Nothing is new.' }),
    ],
    { query: '?tenant=default' },
  );
  expect(status).toBe(200);
  await test.service.settled();
  ({ vkey, log } = test.service.context);
  bundle = (await download('case-1')).bytes;
});
afterAll(() => test.close());

type Signing = (sha256: Uint8Array) => string;

/** A bundle with some files changed, under a manifest that names the changed ones and is signed: what the operator could make. */
async function forged(change: (files: Files) => void, sign: Signing = test.service.context.signManifest) {
  const files = filesOf(bundle);
  change(files);
  const said = JSON.parse(textOf(files, 'manifest.json')) as Manifest;
  const records = textOf(files, 'records.ndjson').split('\n').filter(Boolean).length;
  const parts = Object.entries(files)
    .filter(([name]) => !name.startsWith('manifest.'))
    .map(([name, bytes]) => ({ name: name as BundlePart['name'], chunks: [bytes] }));
  const pieces: Uint8Array[] = [];
  for await (const piece of writeBundle(parts, () => ({ ...said, records }), sign)) pieces.push(piece);
  return Buffer.concat(pieces);
}

const textOf = (files: Files, name: string) => Buffer.from(files[name] ?? []).toString('utf8');
const codes = async (bytes: Uint8Array, key: string | undefined = vkey) =>
  (await check(bytes, key)).findings.map(({ code }) => code);

describe('a bundle', () => {
  it('verifies without the store, with the key that the reader trusts and with its own', async () => {
    expect(await check(bundle, vkey)).toMatchObject({ ok: true, records: 4, session_id: 'case-1', key_given: true });
    expect(await check(bundle)).toMatchObject({ ok: true, key_given: false, findings: [] });
  });

  it('opens with any program for zip files', () => {
    expect(Object.keys(unzipSync(bundle))).toContain('records.ndjson');
    expect(unzipSync(bundle)['records.ndjson']).toEqual(filesOf(bundle)['records.ndjson']);
  });

  it('holds the session whole and nothing of another one, and never the salt of a whole record', () => {
    const text = textOf(filesOf(bundle), 'records.ndjson');
    expect(text).toContain('Nothing, ünd ☃.');
    expect(text).not.toContain('case-2');
    expect(text).not.toContain('"salt"');
  });

  it('has a report that reads what was said as text', async () => {
    const report = textOf(filesOf(bundle), 'report.html');
    expect(report).toContain('Nothing, ünd ☃.');
    expect(report).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(report).not.toContain('<script');
    expect(report).toContain("default-src 'none'");
  });

  it('is not made of an unknown session, nor for who may not read content', async () => {
    expect((await download('no-such')).status).toBe(404);
    expect((await download('case-1', await test.key('viewer'))).status).toBe(403);
  });

  it('does not verify with another key, nor with a checkpoint that was changed', async () => {
    const other = formatVerifierKey(newVerifierKey(log, ed25519FromSeed(new Uint8Array(32).fill(7)).public_key));
    expect(await codes(bundle, other)).toEqual(
      expect.arrayContaining(['manifest_not_signed', 'checkpoint_not_signed']),
    );
    expect(await codes(bundle, 'no key')).toContain('key_invalid');
    const changed = await forged((files) => {
      files['checkpoint.txt'] = Buffer.from(textOf(files, 'checkpoint.txt').replace(/\n(\d+)\n/, '\n1\n'));
    });
    expect(await codes(changed)).toContain('checkpoint_not_signed');
  });

  it('with a manifest that somebody else made does not verify', async () => {
    const keys = ed25519FromSeed(new Uint8Array(32).fill(7));
    const stranger = (sha256: Uint8Array) => signNote(manifestNote(log, sha256), [noteSigner(log, keys)]);
    expect(await codes(await forged(() => undefined, stranger))).toEqual(['manifest_not_signed']);
    const other_log = (sha256: Uint8Array) => test.service.context.signManifest(Buffer.from(sha256).reverse());
    expect(await codes(await forged(() => undefined, other_log))).toEqual(['manifest_not_signed']);
  });

  it('and the signature of a manifest can be no checkpoint', () => {
    const note = test.service.context.signManifest(new Uint8Array(32));
    expect(() => openCheckpoint(note, log, [noteVerifier(parseVerifierKey(vkey), nodeVerify)])).toThrow();
    expect(() => parseCheckpoint(manifestNote('5', new Uint8Array(32)))).toThrow();
  });

  it('names a record whose core, content or salt was changed, also where the manifest was made to fit', async () => {
    const edit = (from: string, to: string) =>
      forged((files) => {
        const text = textOf(files, 'records.ndjson');
        expect(text).toContain(from);
        files['records.ndjson'] = Buffer.from(text.replace(from, to));
      });
    expect(await codes(await edit('Nothing is new.', 'Nothing is old.'))).toEqual(['opening_changed']);
    expect(await codes(await edit('\\"type\\":\\"prompt\\"', '\\"type\\":\\"response\\"'))).toContain(
      'record_not_proven',
    );
    expect(await codes(await edit('"salts":{"who":"', '"salts":{"who":"AAAA'))).toContain('opening_changed');
    expect(await codes(await edit('"what":', '"what_else":'))).toContain('opening_changed');
  });

  it('names the gap where a record was taken out, and what was put in', async () => {
    const lines = (change: (lines: string[]) => (string | undefined)[]) =>
      forged((files) => {
        const all = textOf(files, 'records.ndjson').split('\n');
        files['records.ndjson'] = Buffer.from(change(all).join('\n'));
      });
    expect(await codes(await lines((all) => [all[0], ...all.slice(2)]))).toEqual(['session_broken']);
    expect(await codes(await lines((all) => all.slice(1)))).toEqual(['session_broken']);
    expect(await codes(await lines((all) => [all[0], ...all]))).toContain('record_twice');
  });

  it('names a block of leaves that is not of the tree, and a record that no block covers', async () => {
    const without = await forged((files) => {
      files['proofs.ndjson'] = new Uint8Array(0);
    });
    expect(await codes(without)).toContain('record_not_proven');
    const other = await forged((files) => {
      const line = JSON.parse(textOf(files, 'proofs.ndjson')) as { leaves: string };
      const leaves = Buffer.from(line.leaves, 'base64');
      leaves[0] = (leaves[0] as number) ^ 1;
      files['proofs.ndjson'] = Buffer.from(JSON.stringify({ ...line, leaves: leaves.toString('base64') }));
    });
    expect(await codes(other)).toContain('block_not_proven');
  });

  it('does not pass with any byte changed anywhere, and what was changed is named', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        const changed = Uint8Array.from(bundle);
        const place = at % changed.length;
        changed[place] = (changed[place] as number) ^ mask;
        try {
          const report = await check(changed, vkey);
          expect(report.ok).toBe(false);
          expect(report.findings[0]?.file).toBeTruthy();
        } catch (error) {
          expect((error as { code?: string }).code).toBe('bundle_malformed');
        }
      }),
      { numRuns: 400 },
    );
  });

  it('nor with a packing that unpacks to the same files, nor with bytes added or cut off', async () => {
    const packed_again = zipSync(unzipSync(bundle));
    await expect(check(packed_again, vkey)).rejects.toMatchObject({ code: 'bundle_malformed' });
    await expect(check(Buffer.concat([bundle, Buffer.from([0])]), vkey)).rejects.toThrow('no zip');
    await expect(check(bundle.slice(0, -1), vkey)).rejects.toThrow('no zip');
    await expect(check(bundle.slice(1), vkey)).rejects.toMatchObject({ code: 'bundle_malformed' });
    await expect(check(new Uint8Array(0), vkey)).rejects.toMatchObject({ code: 'bundle_malformed' });
  });

  it('never makes the checker fail in another way than with a finding or a fault of its own', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.nat(), async (noise, at) => {
        const changed = Uint8Array.from(bundle);
        changed.set(noise.slice(0, changed.length), at % Math.max(1, changed.length - noise.length));
        try {
          await check(changed, vkey);
        } catch (error) {
          expect((error as { code?: string }).code).toBe('bundle_malformed');
        }
      }),
      { numRuns: 150 },
    );
  });

  it.each([
    ['a name that leads out of the folder', '../manifest.json', 'a file'],
    ['a file that no bundle has', 'run.sh', 'a file'],
    ['nothing that is needed', 'README.txt', 'manifest.json is not there'],
  ])('with %s is refused', async (_, name, says) => {
    const entry = { name, deflated: false, crc32: 0, packed_bytes: 1, bytes: 1 };
    const one = concatBytes(localHeader(entry), new Uint8Array(1), descriptor(entry), directory([entry]));
    await expect(check(one)).rejects.toThrow(says);
  });

  it('that is a bomb is refused before more is unpacked than it says', async () => {
    const packed = deflateRawSync(new Uint8Array(30_000_000));
    const entry = { name: 'manifest.json', deflated: true, crc32: 0, packed_bytes: packed.length, bytes: 1_000 };
    const bomb = concatBytes(localHeader(entry), packed, descriptor(entry), directory([entry]));
    await expect(check(bomb)).rejects.toThrow('unpacks to more than its 1000 bytes');
  });
});
