/** C2SP tlog-tiles: where a tile or an entry bundle lives, and how wide it is at a tree size. */
import { AppError } from '../errors.ts';
import { isCount, parseDecimal } from './bits.ts';
import { quote } from './bytes.ts';

/** Hashes in a full tile, and entries in a full bundle. */
export const TILE_WIDTH = 256;

const LEVEL_MAX = 63;

/**
 * One tile. Level 0 holds leaf hashes, level l the roots of subtrees of 256^l leaves, `entries` the entries of level 0.
 * `index` counts tiles within the level; `width` is 1 to 256, where 256 is a full tile.
 */
export type Tile = { level: number | 'entries'; index: number; width: number };

/** The tile's number in groups of three digits, all but the last marked x: 1234067 is x001/x234/067. */
export function encodeTileIndex(index: number): string {
  if (!isCount(index))
    throw new AppError('tile_path_invalid', `tile index ${index} is not a whole number up to 2^53 - 1`);
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/.../g) ?? [];
  return groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/');
}

/**
 * The path of a tile below the log's prefix, without a leading slash: `tile/<L>/<N>[.p/<W>]`. Throws
 * `tile_path_invalid` on a level outside 0 to 63, an index that is no whole number, or a width outside 1 to 256.
 */
export function tilePath({ level, index, width }: Tile): string {
  if (level !== 'entries' && !(isCount(level) && level <= LEVEL_MAX)) {
    throw new AppError('tile_path_invalid', `tile level ${level} is not a whole number from 0 to ${LEVEL_MAX}`);
  }
  if (!isCount(width) || width < 1 || width > TILE_WIDTH) {
    throw new AppError('tile_path_invalid', `tile width ${width} is not a whole number from 1 to ${TILE_WIDTH}`);
  }
  return `tile/${level}/${encodeTileIndex(index)}${width === TILE_WIDTH ? '' : `.p/${width}`}`;
}

/** Reads what `tilePath` writes, and nothing else: one path for each tile. Throws `tile_path_invalid`. */
export function parseTilePath(path: string): Tile {
  const fail = () => new AppError('tile_path_invalid', `${quote(path)} is not a path of C2SP tlog-tiles`);
  const match = /^tile\/(entries|[0-9]{1,2})\/((?:x[0-9]{3}\/){0,5}[0-9]{3})(?:\.p\/([0-9]{1,3}))?$/.exec(path);
  const [, level_text = '', index_text = '', width_text = String(TILE_WIDTH)] = match ?? [];
  const level = level_text === 'entries' ? ('entries' as const) : parseDecimal(level_text);
  const index = parseDecimal(index_text.replaceAll(/[x/]/g, '').replace(/^0+(?=[0-9])/, ''));
  const width = parseDecimal(width_text);
  if (match === null || level === undefined || index === undefined || width === undefined) throw fail();
  const tile = { level, index, width };
  if (width < 1 || width > TILE_WIDTH || (level !== 'entries' && level > LEVEL_MAX) || tilePath(tile) !== path)
    throw fail();
  return tile;
}

/** How many hashes level `level` has in a tree of `size` leaves: floor(size / 256^level). */
function hashesAt(size: number, level: number): number {
  if (!isCount(size))
    throw new AppError('tree_range_invalid', `tree size ${size} is not a whole number up to 2^53 - 1`);
  if (!isCount(level) || level > LEVEL_MAX) {
    throw new AppError('tree_range_invalid', `tile level ${level} is not a whole number from 0 to ${LEVEL_MAX}`);
  }
  return Math.floor(size / TILE_WIDTH ** level);
}

/** How many full tiles a tree of `size` leaves has at a level (0 to 63; else `tree_range_invalid`). */
export function fullTiles(size: number, level: number): number {
  return Math.floor(hashesAt(size, level) / TILE_WIDTH);
}

/** How wide the last, partial tile of a level is, 0 to 255; 0 means there is none, and an empty tile is never served. */
export function partialWidth(size: number, level: number): number {
  return hashesAt(size, level) % TILE_WIDTH;
}
