import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, toBase64 } from './bytes.ts';
import { nobleVerify } from './ed25519_noble.ts';
import { ed25519FromSeed, nodeVerify } from './ed25519_node.ts';
import { NOTE_BYTES_MAX, openNote, parseNote, signNote } from './note.ts';
import {
  type Ed25519Verify,
  formatVerifierKey,
  isKeyName,
  newVerifierKey,
  noteSigner,
  noteVerifier,
  parseSignerKey,
  parseVerifierKey,
} from './note_key.ts';

const coded = (code: string) => expect.objectContaining({ name: 'AppError', code });
const known = (verify: Ed25519Verify, ...vkeys: string[]) =>
  vkeys.map((vkey) => noteVerifier(parseVerifierKey(vkey), verify));

// Published: golang.org/x/mod/sumdb/note tests and the C2SP signed-note example.
const PETER = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const PETER_SECRET = 'PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz';
const ENOCH = 'EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop';
const TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const PETER_LINE =
  '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n';
const ENOCH_LINE =
  '— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n';
const EXAMPLE = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
const EXAMPLE_NOTE =
  'This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n';

describe('verifier keys', () => {
  it('are read and written in their one text form', () => {
    for (const vkey of [PETER, ENOCH, EXAMPLE]) expect(formatVerifierKey(parseVerifierKey(vkey))).toBe(vkey);
    expect(parseVerifierKey(PETER)).toMatchObject({ name: 'PeterNeumann', key_id: 'c74f20a3' });
  });

  it('are refused in every proper part and with any one character changed', () => {
    for (let start = 0; start <= PETER.length; start++) {
      for (let end = start; end <= PETER.length; end++) {
        if (end - start === PETER.length) continue;
        expect(() => parseVerifierKey(PETER.slice(start, end))).toThrow(coded('verifier_key_invalid'));
      }
    }
    for (let at = 0; at < PETER.length; at++) {
      const next = String.fromCharCode(PETER.charCodeAt(at) + 1);
      const changed = PETER.slice(0, at) + next + PETER.slice(at + 1);
      expect(() => parseVerifierKey(changed), changed).toThrow(expect.objectContaining({ name: 'AppError' }));
    }
  });

  it('are refused with a wrong length, an unknown type, an upper-case id or a second base64 spelling', () => {
    const bad = [
      'PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==',
      'PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
      PETER.replace('c74f20a3', 'C74F20A3'),
      `${PETER}\n`,
      `${PETER}====`,
      `Peter Neumann${PETER.slice('PeterNeumann'.length)}`,
      '++',
      '',
    ];
    for (const vkey of bad) expect(() => parseVerifierKey(vkey), vkey).toThrow(coded('verifier_key_invalid'));
  });

  it('are refused if the point has a small order, though the id is right', () => {
    const key = { name: 'weak.example', key_id: '', public_key: new Uint8Array(32) };
    expect(() => newVerifierKey(key.name, key.public_key)).toThrow(coded('public_key_unsafe'));
    expect(() => parseVerifierKey(formatVerifierKey({ ...key, key_id: '00000000' }))).toThrow(
      coded('public_key_unsafe'),
    );
  });

  it('have names without Unicode spaces, plus, control characters and lone surrogates', () => {
    for (const good of ['a', 'example.com/log', 'Zürich', '😀', '—']) expect(isKeyName(good), good).toBe(true);
    for (const bad of ['', 'a b', 'a+b', 'a\nb', 'a\u00a0b', 'a\u2003b', 'a\u0085b', 'a\u3000', 'a\u0000', 'a\ud800']) {
      expect(isKeyName(bad), JSON.stringify(bad)).toBe(false);
    }
  });

  it('come from a Go signer key, of which no error shows a character', () => {
    const { name, key_id, seed } = parseSignerKey(PETER_SECRET);
    expect(formatVerifierKey(newVerifierKey(name, ed25519FromSeed(seed).public_key))).toBe(PETER);
    expect(key_id).toBe('c74f20a3');
    for (const bad of [
      PETER,
      '',
      PETER_SECRET.slice(1),
      PETER_SECRET.slice(0, -1),
      PETER_SECRET.replace('c74f', 'c84f'),
    ]) {
      expect(() => parseSignerKey(bad)).toThrow(coded('signer_key_invalid'));
      expect(() => parseSignerKey(bad)).not.toThrow(/AYEKFA|Peter/);
    }
  });
});

describe.each([
  ['node', nodeVerify],
  ['noble', nobleVerify],
])('openNote with %s verifiers', (_name, verify) => {
  it('opens the C2SP example', () => {
    const { text, verified, unknown } = openNote(EXAMPLE_NOTE, known(verify, EXAMPLE));
    expect([text, verified.length, unknown.length]).toEqual(['This is an example message.\n', 1, 0]);
    expect(openNote(new TextEncoder().encode(EXAMPLE_NOTE), known(verify, EXAMPLE)).text).toBe(text);
  });

  it('ignores unknown signers and needs one known', () => {
    const note = `${TEXT}\n${PETER_LINE}${ENOCH_LINE}`;
    const one = openNote(note, known(verify, PETER));
    expect(one.verified.map(({ name }) => name)).toEqual(['PeterNeumann']);
    expect(one.unknown.map(({ name }) => name)).toEqual(['EnochRoot']);
    expect(openNote(note, known(verify, PETER, ENOCH)).verified.length).toBe(2);
    expect(() => openNote(note, known(verify, EXAMPLE))).toThrow(coded('note_unverified'));
    expect(() => openNote(note, [])).toThrow(coded('note_unverified'));
  });

  it('refuses the whole note if one known signature is wrong, whatever else is right', () => {
    const wrong = PETER_LINE.replace('/ZJkuBS9', '/ZJkuBS8');
    for (const lines of [wrong, wrong + ENOCH_LINE, ENOCH_LINE + wrong, PETER_LINE + wrong]) {
      expect(() => openNote(`${TEXT}\n${lines}`, known(verify, PETER, ENOCH))).toThrow(coded('note_signature_invalid'));
    }
    // Known to nobody, the same line does no harm.
    expect(openNote(`${TEXT}\n${wrong}${ENOCH_LINE}`, known(verify, ENOCH)).verified.length).toBe(1);
  });

  it('counts a key once', () => {
    const note = `${TEXT}\n${PETER_LINE}${PETER_LINE}`;
    expect(openNote(note, known(verify, PETER)).verified.length).toBe(1);
  });
});

describe('openNote', () => {
  it('refuses every flipped bit of a note with one signature', () => {
    const bytes = new TextEncoder().encode(EXAMPLE_NOTE);
    const verifiers = known(nodeVerify, EXAMPLE);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = new Uint8Array(bytes);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => openNote(changed, verifiers), `bit ${bit}`).toThrow(expect.objectContaining({ name: 'AppError' }));
    }
  });

  it('refuses two verifiers of one name and id', () => {
    const twice = known(nodeVerify, PETER, PETER);
    expect(() => openNote(`${TEXT}\n${PETER_LINE}`, twice)).toThrow(coded('note_key_ambiguous'));
  });

  it('throws nothing but AppError and opens nothing, whatever it is given', () => {
    const verifiers = known(nodeVerify, PETER);
    const piece = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string(),
      fc.constantFrom(
        '\n',
        '\n\n',
        '— ',
        'a ',
        '— PeterNeumann ',
        'x08go/ZJ',
        PETER_LINE,
        '\ud800',
        '====',
        'AAAAAAA=',
      ),
    );
    const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
    const bytes = fc.uint8Array({ maxLength: 200 });
    fc.assert(
      fc.property(fc.oneof(text, bytes), (note) => {
        expect(() => openNote(note, verifiers)).toThrow(expect.objectContaining({ name: 'AppError' }));
      }),
      { numRuns: 1000 },
    );
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), piece), (vkey) => {
        expect(() => parseVerifierKey(vkey)).toThrow(expect.objectContaining({ name: 'AppError' }));
        expect(() => parseSignerKey(`PRIVATE+KEY+${vkey}`)).toThrow(expect.objectContaining({ name: 'AppError' }));
      }),
      { numRuns: 500 },
    );
  });
});

describe('parseNote', () => {
  const malformed = (note: string | Uint8Array, why: string) =>
    expect(() => parseNote(note), why).toThrow(coded('note_malformed'));

  it('splits at the last blank line', () => {
    const { text, signatures } = parseNote(`one\n\ntwo\n\n\n${PETER_LINE}`);
    expect([text, signatures.length]).toEqual(['one\n\ntwo\n\n', 1]);
    expect(signatures[0]).toMatchObject({ name: 'PeterNeumann', key_id: 'c74f20a3' });
    expect(signatures[0]?.signature.length).toBe(64);
  });

  it('reads 100 signatures and no more, and a million bytes and no more', () => {
    expect(parseNote(`a\n\n${PETER_LINE.repeat(100)}`).signatures.length).toBe(100);
    malformed(`a\n\n${PETER_LINE.repeat(101)}`, '101 signatures');
    const size = new TextEncoder().encode(`\n\n${PETER_LINE}`).length;
    expect(parseNote(`${'a'.repeat(NOTE_BYTES_MAX - size)}\n\n${PETER_LINE}`).signatures.length).toBe(1);
    malformed(`${'a'.repeat(NOTE_BYTES_MAX - size + 1)}\n\n${PETER_LINE}`, 'too long');
  });

  it('refuses what is not laid out as a note', () => {
    malformed('', 'empty');
    malformed('a\n', 'no signatures');
    malformed('a\n\n', 'no signature line');
    malformed(`a\n${PETER_LINE}`, 'no blank line');
    malformed(`a\n\n${PETER_LINE.slice(0, -1)}`, 'no last newline');
    malformed(`a\n\n${PETER_LINE}b\n`, 'a line that is no signature');
    malformed(`a\n\n${PETER_LINE}\n`, 'a blank line after');
    malformed(`a\n\n${PETER_LINE.replace('—', '-')}`, 'a hyphen');
    malformed(`a\n\n${PETER_LINE.replace('— ', '—')}`, 'no space after the dash');
    malformed(`a\n\n${PETER_LINE.replace('— ', '—  ')}`, 'an empty name');
    malformed(`a\n\n${PETER_LINE.replace('Peter', 'Pe+er')}`, 'plus in a name');
    malformed(`a\n\n${PETER_LINE.replace('Peter', 'Pe\u00a0er')}`, 'Unicode space in a name');
    malformed(`a\n\n${PETER_LINE.replace('=\n', '\n')}`, 'no padding');
    malformed(`a\n\n${PETER_LINE.replace('AM=\n', 'AN=\n')}`, 'stray last bits');
    malformed(`a\n\n${PETER_LINE.replace('=\n', '= \n')}`, 'a space after');
    malformed('a\n\n— b AAAAAA==\n', 'an id without a signature');
    malformed('a\n\n— b\n', 'no signature');
  });

  it('refuses control characters other than newline, invalid UTF-8 and lone surrogates', () => {
    for (const char of ['\u0000', '\t', '\r', '\u001f', '\ud800'])
      malformed(`a${char}\n\n${PETER_LINE}`, JSON.stringify(char));
    malformed(concatBytes(Uint8Array.of(0xff), new TextEncoder().encode(`a\n\n${PETER_LINE}`)), 'invalid UTF-8');
    expect(parseNote(`\ufeffa\u007f\n\n${PETER_LINE}`).text).toBe('\ufeffa\u007f\n');
  });
});

describe('signNote', () => {
  const peter = parseSignerKey(PETER_SECRET);
  const signer = noteSigner(peter.name, ed25519FromSeed(peter.seed));
  const other = noteSigner('other.example', ed25519FromSeed(new Uint8Array(32).fill(3)));

  it('writes the published note', () => {
    expect(signNote(TEXT, [signer])).toBe(`${TEXT}\n${PETER_LINE}`);
  });

  it('writes what openNote opens, for every text', () => {
    const line = fc
      .string({ unit: 'grapheme', maxLength: 20 })
      .filter((text) => !/[\u0000-\u001f\p{Surrogate}]/u.test(text));
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 5 }), (lines) => {
        const text = `${lines.join('\n')}\n`;
        const note = signNote(text, [other, signer]);
        const opened = openNote(new TextEncoder().encode(note), known(nodeVerify, PETER));
        expect(opened.text).toBe(text);
        expect(opened.unknown.map(({ name }) => name)).toEqual(['other.example']);
      }),
    );
  });

  it('refuses texts that cannot stand in a note', () => {
    for (const text of ['', 'a', 'a\r\n', 'a\tb\n', '\ud800\n']) {
      expect(() => signNote(text, [signer]), JSON.stringify(text)).toThrow(coded('note_text_invalid'));
    }
  });

  it('refuses no signer, too many, the same twice, and one that is malformed', () => {
    expect(() => signNote('a\n', [])).toThrow(coded('note_signers_invalid'));
    const many = Array.from({ length: 101 }, (_, n) => ({ ...signer, name: `n${n}` }));
    expect(() => signNote('a\n', many)).toThrow(coded('note_signers_invalid'));
    expect(() => signNote('a\n', [signer, signer])).toThrow(coded('note_key_ambiguous'));
    for (const wrong of [
      { name: 'a b' },
      { key_id: 'xyz' },
      { key_id: 'C74F20A3' },
      { sign: () => new Uint8Array(0) },
    ]) {
      expect(() => signNote('a\n', [{ ...signer, ...wrong }])).toThrow(coded('note_signers_invalid'));
    }
    expect(() => noteSigner('a b', ed25519FromSeed(peter.seed))).toThrow(coded('verifier_key_invalid'));
  });

  it('encodes id and signature together', () => {
    const note = signNote('a\n', [{ ...signer, sign: () => Uint8Array.of(1, 2) }]);
    expect(note).toBe(`a\n\n— PeterNeumann ${toBase64(Uint8Array.of(0xc7, 0x4f, 0x20, 0xa3, 1, 2))}\n`);
  });
});
