/** Remembers which values went from which event into which, for rules with `carry`. */
import type { Edge } from '../lineage/edge.ts';
import type { CarriedValue, EdgesBetween } from './chain.ts';
import type { EventPoint } from './record.ts';

export interface EdgeMemory {
  /** Takes in an event, and the edges that end at it. Before the rules see the event. */
  note(point: EventPoint, edges: readonly KnownEdge[]): void;
  edgesBetween: EdgesBetween;
  /** Of both kinds of things that are remembered. */
  readonly counters: { readonly edges: number; readonly evicted_edges: number; readonly evicted_results: number };
}

/** As much of an edge as rules ask for. */
export type KnownEdge = Pick<Edge, 'kind' | 'chars'> & { from: { log: string; seq: number } };

interface Kept extends CarriedValue {
  from: string;
}

/** An empty memory; beyond its maxima the oldest goes, counted. */
export function createEdgeMemory(edges_max: number, results_max: number): EdgeMemory {
  /** By the event that they end at. */
  const into = new Map<string, Kept[]>();
  /** The call of each result. */
  const calls = new Map<string, string>();
  /** Goes on where it stopped, since a new one has to pass over all that went before. */
  let oldest_calls = calls.keys();
  const counters = { edges: 0, evicted_edges: 0, evicted_results: 0 };

  function forgetOldestCall(): void {
    let oldest = oldest_calls.next();
    if (oldest.done === true) {
      oldest_calls = calls.keys();
      oldest = oldest_calls.next();
    }
    calls.delete(oldest.value as string);
  }

  return {
    note(point, edges) {
      const place = placeKey(point);
      if (point.type === 'tool.result' && point.call_id !== '') {
        calls.set(place, callKey(point));
        if (calls.size > results_max) {
          forgetOldestCall();
          counters.evicted_results++;
        }
      }
      if (edges.length === 0 || into.has(place)) return;
      const kept = edges.slice(0, edges_max).map(({ from, kind, chars }) => ({ from: placeKey(from), kind, chars }));
      into.set(place, kept);
      counters.edges += kept.length;
      for (const [oldest, { length }] of into) {
        if (counters.edges <= edges_max) break;
        into.delete(oldest);
        counters.edges -= length;
        counters.evicted_edges += length;
      }
    },
    edgesBetween(from, to) {
      const edges = into.get(placeKey(to));
      if (edges === undefined) return [];
      const place = placeKey(from);
      const call = from.type === 'tool.call' && from.call_id !== '' ? callKey(from) : undefined;
      return edges.filter((edge) => edge.from === place || (call !== undefined && calls.get(edge.from) === call));
    },
    counters,
  };
}

function placeKey({ log, seq }: { log: string; seq: number }): string {
  return `${seq}\u0000${log}`;
}

/** Ids hold no control characters. */
function callKey({ tenant, session_id, call_id }: EventPoint): string {
  return `${tenant}\u0000${session_id}\u0000${call_id}`;
}
