import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeTileIndex, fullTiles, parseTilePath, partialWidth, tilePath } from './tile_path.ts';

const coded = (code: string) => expect.objectContaining({ name: 'AppError', code });

describe('tile paths', () => {
  it('write the index as C2SP tlog-tiles shows', () => {
    expect(encodeTileIndex(1234067)).toBe('x001/x234/067');
    expect([0, 999, 1000].map(encodeTileIndex)).toEqual(['000', '999', 'x001/000']);
    expect(encodeTileIndex(2 ** 53 - 1)).toBe('x009/x007/x199/x254/x740/991');
  });

  it('name hash tiles, entry bundles and their partial forms', () => {
    expect(tilePath({ level: 0, index: 273, width: 112 })).toBe('tile/0/273.p/112');
    expect(tilePath({ level: 2, index: 1234067, width: 256 })).toBe('tile/2/x001/x234/067');
    expect(tilePath({ level: 'entries', index: 0, width: 1 })).toBe('tile/entries/000.p/1');
  });

  it('are read back as written', () => {
    const level = fc.oneof(fc.integer({ min: 0, max: 63 }), fc.constant('entries' as const));
    fc.assert(
      fc.property(level, fc.maxSafeNat(), fc.integer({ min: 1, max: 256 }), (level, index, width) => {
        expect(parseTilePath(tilePath({ level, index, width }))).toEqual({ level, index, width });
      }),
    );
  });

  it('have one spelling for each tile', () => {
    const bad = [
      '',
      '/tile/0/000',
      'tile/0/00',
      'tile/0/0000',
      'tile/0/x000/001',
      'tile/00/000',
      'tile/64/000',
      'tile/-1/000',
      'tile/0/001/000',
      'tile/0/x001/x000',
      'tile/0/000.p/0',
      'tile/0/000.p/256',
      'tile/0/000.p/01',
      'tile/0/000.p/',
      'tile/0/000/',
      'tile/0/000\n',
      'tile/entry/000',
      'tile/0/x999/x999/x999/x999/x999/999',
      'tile/0/x001/x000/x000/x000/x000/x000/000',
      '../checkpoint',
      'checkpoint',
    ];
    for (const path of bad) expect(() => parseTilePath(path), path).toThrow(coded('tile_path_invalid'));
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        expect(() => parseTilePath(`tile/${a}x/${b}`)).toThrow(coded('tile_path_invalid'));
      }),
    );
  });

  it('are not written for tiles that cannot be', () => {
    const tile = { level: 0, index: 0, width: 256 };
    for (const wrong of [
      { level: 64 },
      { level: -1 },
      { level: 0.5 },
      { index: -1 },
      { index: 2 ** 53 },
      { width: 0 },
      { width: 257 },
    ]) {
      expect(() => tilePath({ ...tile, ...wrong }), JSON.stringify(wrong)).toThrow(coded('tile_path_invalid'));
    }
  });
});

describe('tile widths', () => {
  it('are those of the tree of 70,000 and of 256 in C2SP tlog-tiles', () => {
    expect([0, 1, 2, 3].map((level) => [fullTiles(70_000, level), partialWidth(70_000, level)])).toEqual([
      [273, 112],
      [1, 17],
      [0, 1],
      [0, 0],
    ]);
    expect([0, 1, 2].map((level) => [fullTiles(256, level), partialWidth(256, level)])).toEqual([
      [1, 0],
      [0, 1],
      [0, 0],
    ]);
  });

  it('count each hash of a level once, at every size', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.integer({ min: 0, max: 8 }), (size, level) => {
        const hashes = Number(BigInt(size) / 256n ** BigInt(level));
        expect(fullTiles(size, level) * 256 + partialWidth(size, level)).toBe(hashes);
      }),
    );
  });

  it('refuse sizes and levels that do not exist', () => {
    for (const [size, level] of [
      [-1, 0],
      [2 ** 53, 0],
      [1, -1],
      [1, 64],
      [1, 0.5],
    ] as const) {
      expect(() => fullTiles(size, level)).toThrow(coded('tree_range_invalid'));
      expect(() => partialWidth(size, level)).toThrow(coded('tree_range_invalid'));
    }
  });
});
