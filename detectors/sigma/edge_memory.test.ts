/** What the memory of edges tells rules. */
import { expect, it } from 'vitest';
import { record } from '../../test/rule_kit.ts';
import { createEdgeMemory, type KnownEdge } from './edge_memory.ts';

const call = (seq: number, call_id: string) => record({ seq, type: 'tool.call', call_id });
const result = (seq: number, call_id: string) => record({ seq, type: 'tool.result', call_id });
const from = (seq: number, kind: KnownEdge['kind'] = 'email', chars = 15): KnownEdge => ({
  from: { log: 'log', seq },
  kind,
  chars,
});

it('an edge leads from the result, and from its call', () => {
  const memory = createEdgeMemory(100, 100);
  memory.note(call(1, 'c1'), []);
  memory.note(result(2, 'c1'), []);
  memory.note(call(3, 'c2'), [from(2, 'secret', 20)]);
  const found = [{ kind: 'secret', chars: 20 }];
  expect(memory.edgesBetween(result(2, 'c1'), call(3, 'c2'))).toMatchObject(found);
  expect(memory.edgesBetween(call(1, 'c1'), call(3, 'c2'))).toMatchObject(found);
  expect(memory.edgesBetween(call(1, 'c9'), call(3, 'c2'))).toEqual([]);
  expect(
    memory.edgesBetween(record({ seq: 1, type: 'tool.call', call_id: 'c1', session_id: 'other' }), call(3, 'c2')),
  ).toEqual([]);
  expect(memory.edgesBetween(call(1, ''), call(3, 'c2'))).toEqual([]);
  expect(memory.edgesBetween(call(3, 'c2'), result(2, 'c1'))).toEqual([]);
});

it('an event that comes again adds nothing', () => {
  const memory = createEdgeMemory(100, 100);
  memory.note(call(3, 'c2'), [from(2)]);
  memory.note(call(3, 'c2'), [from(2)]);
  expect(memory.edgesBetween(result(2, 'c1'), call(3, 'c2')).length).toBe(1);
});

it('beyond its maxima the oldest goes, counted', () => {
  const memory = createEdgeMemory(3, 2);
  for (const seq of [10, 20, 30]) memory.note(call(seq, ''), [from(1), from(2)]);
  expect(memory.counters).toEqual({ edges: 2, evicted_edges: 4, evicted_results: 0 });
  expect(memory.edgesBetween(result(1, ''), call(30, '')).length).toBe(1);
  expect(memory.edgesBetween(result(1, ''), call(20, ''))).toEqual([]);
  for (const seq of [41, 42, 43]) memory.note(result(seq, `c${seq}`), []);
  expect(memory.counters.evicted_results).toBe(1);
});
