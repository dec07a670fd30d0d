import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesToHex, toBase64 } from './bytes.ts';
import { formatCheckpoint, openCheckpoint, parseCheckpoint, signCheckpoint } from './checkpoint.ts';
import { ed25519FromSeed, nodeVerify } from './ed25519_node.ts';
import { nodeHasher } from './node_hasher.ts';
import { signNote } from './note.ts';
import { newVerifierKey, noteSigner, noteVerifier } from './note_key.ts';

const coded = (code: string) => expect.objectContaining({ name: 'AppError', code });
const ORIGIN = 'tracewarden.example/log/1';
const ROOT = nodeHasher.leaf(new Uint8Array());
const ROOT_TEXT = toBase64(ROOT);

function party(name: string, fill: number) {
  const keys = ed25519FromSeed(new Uint8Array(32).fill(fill));
  return { signer: noteSigner(name, keys), verifier: noteVerifier(newVerifierKey(name, keys.public_key), nodeVerify) };
}
const log = party(ORIGIN, 1);
const witness = party('witness.example', 2);

describe('checkpoint text', () => {
  it('is origin, size and root, one on each line', () => {
    const text = formatCheckpoint({ origin: ORIGIN, size: 20852163, root: ROOT });
    expect(text).toBe(`${ORIGIN}\n20852163\n${ROOT_TEXT}\n`);
    expect(formatCheckpoint({ origin: 'a', size: 0, root: nodeHasher.empty() })).toBe(
      'a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n',
    );
  });

  it('is read back as it was written, at every size', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.uint8Array({ minLength: 32, maxLength: 32 }), (size, root) => {
        expect(parseCheckpoint(formatCheckpoint({ origin: ORIGIN, size, root }))).toEqual({
          origin: ORIGIN,
          size,
          root,
          extensions: [],
        });
      }),
    );
  });

  it('keeps extension lines when read and never writes them', () => {
    const read = parseCheckpoint(`${ORIGIN}\n5\n${ROOT_TEXT}\nfirst\nsecond\n`);
    expect(read.extensions).toEqual(['first', 'second']);
    expect(formatCheckpoint(read)).toBe(`${ORIGIN}\n5\n${ROOT_TEXT}\n`);
  });

  it('may have an origin that is no key name when it is another log that wrote it', () => {
    expect(parseCheckpoint(`Go sum database\n5\n${ROOT_TEXT}\n`).origin).toBe('Go sum database');
  });

  it('is refused when any rule is broken', () => {
    const bad = [
      '',
      '\n',
      `${ORIGIN}\n5\n${ROOT_TEXT}`,
      `${ORIGIN}\n5\n`,
      `\n5\n${ROOT_TEXT}\n`,
      `${ORIGIN}\n\n${ROOT_TEXT}\n`,
      `${ORIGIN}\n05\n${ROOT_TEXT}\n`,
      `${ORIGIN}\n-5\n${ROOT_TEXT}\n`,
      `${ORIGIN}\n+5\n${ROOT_TEXT}\n`,
      `${ORIGIN}\n5 \n${ROOT_TEXT}\n`,
      `${ORIGIN}\n5e3\n${ROOT_TEXT}\n`,
      `${ORIGIN}\n9007199254740992\n${ROOT_TEXT}\n`,
      `${ORIGIN}\n18446744073709551616\n${ROOT_TEXT}\n`,
      `${ORIGIN}\n5\n${ROOT_TEXT.slice(0, -1)}\n`,
      `${ORIGIN}\n5\n${toBase64(ROOT.slice(1))}\n`,
      `${ORIGIN}\n5\n ${ROOT_TEXT}\n`,
      `${ORIGIN}\n5\n${ROOT_TEXT}\n\n`,
      `${ORIGIN}\n5\n${ROOT_TEXT}\nextension\n\n`,
    ];
    for (const text of bad) expect(() => parseCheckpoint(text), text).toThrow(coded('checkpoint_malformed'));
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(() => parseCheckpoint(text)).toThrow(coded('checkpoint_malformed'));
      }),
    );
  });

  it('is not written for an impossible head', () => {
    const head = { origin: ORIGIN, size: 5, root: ROOT };
    for (const wrong of [
      { origin: '' },
      { origin: 'a b' },
      { origin: 'a\nb' },
      { origin: 'a+b' },
      { size: -1 },
      { size: 1.5 },
      { size: 2 ** 53 },
      { size: Number.NaN },
      { root: new Uint8Array(31) },
    ]) {
      expect(() => formatCheckpoint({ ...head, ...wrong }), JSON.stringify(wrong)).toThrow(coded('checkpoint_invalid'));
    }
  });
});

describe('openCheckpoint', () => {
  const head = { origin: ORIGIN, size: 5, root: ROOT };

  it('opens what signCheckpoint wrote, with the names that signed', () => {
    const opened = openCheckpoint(signCheckpoint(head, [log.signer, witness.signer]), ORIGIN, [
      log.verifier,
      witness.verifier,
    ]);
    expect([opened.size, bytesToHex(opened.root)]).toEqual([5, bytesToHex(ROOT)]);
    expect(opened.verified.map(({ name }) => name)).toEqual([ORIGIN, 'witness.example']);
  });

  it('refuses every flipped bit', () => {
    const bytes = new TextEncoder().encode(signCheckpoint(head, [log.signer]));
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = new Uint8Array(bytes);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => openCheckpoint(changed, ORIGIN, [log.verifier]), `bit ${bit}`).toThrow(
        expect.objectContaining({ name: 'AppError' }),
      );
    }
  });

  it('refuses another origin, even one signed by the same key', () => {
    const note = signCheckpoint(head, [log.signer]);
    expect(() => openCheckpoint(note, 'tracewarden.example/log/2', [log.verifier])).toThrow(
      coded('checkpoint_origin_mismatch'),
    );
    const lie = signNote(`tracewarden.example/log/2\n5\n${ROOT_TEXT}\n`, [log.signer]);
    expect(() => openCheckpoint(lie, ORIGIN, [log.verifier])).toThrow(coded('checkpoint_origin_mismatch'));
    expect(() => openCheckpoint(lie, 'tracewarden.example/log/2', [log.verifier])).toThrow(
      coded('checkpoint_not_by_log'),
    );
  });

  it('does not let a known witness speak for the log', () => {
    const note = signNote(formatCheckpoint(head), [witness.signer]);
    expect(() => openCheckpoint(note, ORIGIN, [log.verifier, witness.verifier])).toThrow(
      coded('checkpoint_not_by_log'),
    );
  });

  it('refuses an impostor who uses the name of the log with another key', () => {
    const impostor = party(ORIGIN, 3);
    const note = signCheckpoint(head, [impostor.signer]);
    expect(() => openCheckpoint(note, ORIGIN, [log.verifier])).toThrow(coded('note_unverified'));
  });

  it('refuses a signed note that is no checkpoint', () => {
    const note = signNote('hello\n', [log.signer]);
    expect(() => openCheckpoint(note, ORIGIN, [log.verifier])).toThrow(coded('checkpoint_malformed'));
  });
});

it('signCheckpoint needs a signer named as the origin', () => {
  const head = { origin: ORIGIN, size: 5, root: ROOT };
  expect(() => signCheckpoint(head, [witness.signer])).toThrow(coded('checkpoint_invalid'));
  expect(() => signCheckpoint(head, [])).toThrow(coded('checkpoint_invalid'));
});
