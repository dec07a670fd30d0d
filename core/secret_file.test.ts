import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readIfThere, readSecret, writeWhole } from './secret_file.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tracewarden-secret-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const coded = (code: string) => expect.objectContaining({ name: 'AppError', code });
const modeOf = (path: string) => statSync(path).mode & 0o777;

describe('a file that is written whole', () => {
  it('reads back as it was written, however long, and is readable by its owner alone', () => {
    const path = join(folder, 'plain');
    for (const text of ['', 'first\n', 'é😀'.repeat(400_000), 'short again']) {
      writeWhole(path, text);
      expect(readIfThere(path)).toBe(text);
      expect(readSecret(path)).toBe(text);
      expect(modeOf(path)).toBe(0o600);
    }
    expect(existsSync(`${path}.part`)).toBe(false);
  });

  it('makes the folders on its way, closed to others', () => {
    writeWhole(join(folder, 'a', 'b', 'key'), 'text');
    expect(modeOf(join(folder, 'a'))).toBe(0o700);
    expect(modeOf(join(folder, 'a', 'b'))).toBe(0o700);
  });

  it('takes the mode that was asked for', () => {
    const path = join(folder, 'public');
    writeWhole(path, 'text', 0o644);
    expect(modeOf(path)).toBe(0o644);
  });

  it('closes a file that was open to others when it replaces it', () => {
    const path = join(folder, 'open');
    writeFileSync(path, 'old', { mode: 0o644 });
    writeWhole(path, 'new');
    expect(modeOf(path)).toBe(0o600);
  });

  it('takes over neither the mode nor the target of what a crash or somebody else left in its place', () => {
    const path = join(folder, 'left');
    writeFileSync(`${path}.part`, 'torn');
    chmodSync(`${path}.part`, 0o666);
    writeWhole(path, 'secret');
    expect([modeOf(path), readIfThere(path)]).toEqual([0o600, 'secret']);
    const elsewhere = join(folder, 'elsewhere');
    writeFileSync(elsewhere, 'of another');
    symlinkSync(elsewhere, `${path}.part`);
    writeWhole(path, 'secret 2');
    expect([readFileSync(elsewhere, 'utf8'), readIfThere(path)]).toEqual(['of another', 'secret 2']);
  });

  it('leaves the old file and no part of the new one when it cannot be written', () => {
    const path = join(folder, 'taken');
    mkdirSync(join(path, 'inside'), { recursive: true });
    expect(() => writeWhole(path, 'secret')).toThrow();
    expect(existsSync(`${path}.part`)).toBe(false);
    expect(statSync(path).isDirectory()).toBe(true);
  });
});

describe('reading a secret', () => {
  it('gives undefined when there is no file, and lets every other error pass', () => {
    expect(readIfThere(join(folder, 'nothing'))).toBeUndefined();
    expect(readSecret(join(folder, 'nothing'))).toBeUndefined();
    expect(() => readIfThere(folder)).toThrow(/EISDIR/);
  });

  it.skipIf(process.platform === 'win32')('is refused when anybody but the owner may read or write it', () => {
    const path = join(folder, 'shared');
    writeFileSync(path, 'secret');
    for (const mode of [0o640, 0o604, 0o620, 0o602, 0o644, 0o666, 0o777]) {
      chmodSync(path, mode);
      expect(() => readSecret(path)).toThrow(coded('secret_readable'));
      expect(() => readSecret(path)).not.toThrow(/secret$/);
    }
    for (const mode of [0o600, 0o400, 0o700]) {
      chmodSync(path, mode);
      expect(readSecret(path)).toBe('secret');
    }
  });
});
