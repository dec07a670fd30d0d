/** Adds up the pieces of one source that several calls carried: parts of a text or of a secret. */
import type { Split } from './edge.ts';

/** Pieces are forgotten after so many further calls. */
const CALLS_MAX = 64;
const PIECES_MAX = 64;

interface Piece {
  call: number;
  from: number;
  to: number;
}

/** The pieces of one source. */
export class Pieces {
  private pieces: Piece[] = [];

  /** Notes a piece; yields how many of its characters no piece before had carried. */
  add(call: number, from: number, to: number): number {
    this.pieces = this.pieces.filter((piece) => call - piece.call <= CALLS_MAX);
    const before = coverageOf(this.pieces);
    this.pieces.push({ call, from, to });
    this.pieces.sort((one, other) => one.from - other.from);
    const fresh = coverageOf(this.pieces) - before;
    if (this.pieces.length > PIECES_MAX) this.pieces.splice(this.oldest(), 1);
    return fresh;
  }

  /** What the pieces around a place add up to when they lie no further apart than `gap_max`. */
  around(place: number, gap_max: number): Omit<Split, 'coverage'> & { from: number; to: number } {
    let run: Piece[] = [];
    let end = Number.NEGATIVE_INFINITY;
    for (const piece of this.pieces) {
      if (piece.from - end > gap_max) {
        if (end >= place && run.length > 0) break;
        run = [];
      }
      run.push(piece);
      end = Math.max(end, piece.to);
    }
    return {
      calls: new Set(run.map((piece) => piece.call)).size,
      chars: coverageOf(run),
      from: run[0]?.from ?? place,
      to: Math.max(place, ...run.map((piece) => piece.to)),
    };
  }

  private oldest(): number {
    let oldest = 0;
    for (const [at, piece] of this.pieces.entries()) {
      if (piece.call < (this.pieces[oldest] as Piece).call) oldest = at;
    }
    return oldest;
  }
}

/** Characters in any of the pieces, which come in the order of their beginnings. */
function coverageOf(pieces: readonly Piece[]): number {
  let covered = 0;
  let end = 0;
  for (const { from, to } of pieces) {
    covered += Math.max(0, to - Math.max(from, end));
    end = Math.max(end, to);
  }
  return covered;
}

/** A part of a whole, from 0 to 1 with three digits. */
export function share(part: number, whole: number): number {
  return whole <= 0 ? 0 : Math.min(1, Math.round((part / whole) * 1_000) / 1_000);
}
