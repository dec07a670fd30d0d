import { describe, expect, it } from 'vitest';
import type { ProvenanceEvent, ToolDefinition } from '../../core/event.ts';
import { toProvenance } from '../example_events.ts';
import { createToolBook } from './tool_book.ts';

const published = (seq: number, tools: ToolDefinition[], more: Partial<ProvenanceEvent> = {}): ProvenanceEvent => ({
  ...toProvenance(
    { event_id: `e${seq}`, time: '2026-01-01T00:00:00Z', session_id: 's', type: 'tools.list', server: 'desk', tools },
    seq,
  ),
  ...more,
});
const called = (seq: number, more: Partial<ProvenanceEvent> = {}): ProvenanceEvent => ({
  ...toProvenance(
    {
      event_id: `e${seq}`,
      time: '2026-01-01T00:00:00Z',
      session_id: 't',
      type: 'tool.call',
      server: 'desk',
      tool: 'zavo',
    },
    seq,
  ),
  ...more,
});
const zavo = (description: string): ToolDefinition => ({ name: 'zavo', description });

describe('a book of tools', () => {
  it('tells a later session what an earlier one saw published', () => {
    const book = createToolBook({ book_tools_max: 10 });
    book.note(published(1, [zavo('Sends a letter.')]));
    expect(book.find(called(5))?.definition.description).toBe('Sends a letter.');
  });

  it('tells nothing of what came later, of another server or of another tenant', () => {
    const book = createToolBook({ book_tools_max: 10 });
    book.note(published(7, [zavo('Sends a letter.')]));
    expect(book.find(called(5))).toBeUndefined();
    expect(book.find(called(9, { server: 'other' }))).toBeUndefined();
    expect(book.find(called(9, { tenant: 'other' }))).toBeUndefined();
    expect(book.find(called(9, { tool: 'other' }))).toBeUndefined();
  });

  it('tells a session that is rebuilt what held at its time', () => {
    const book = createToolBook({ book_tools_max: 10 });
    book.note(published(1, [zavo('Sends a letter.')]));
    book.note(published(6, [zavo('Burns a letter.')]));
    expect(book.find(called(5))?.definition.description).toBe('Sends a letter.');
    expect(book.find(called(8))?.definition.description).toBe('Burns a letter.');
  });

  it('keeps one version of a tool that is published again unchanged', () => {
    const book = createToolBook({ book_tools_max: 10 });
    for (let seq = 1; seq < 9; seq++) book.note(published(seq, [zavo('Sends a letter.')]));
    book.note(published(9, [zavo('Burns a letter.')]));
    expect(book.find(called(2))?.definition.description).toBe('Sends a letter.');
  });

  it('goes by arrival between logs', () => {
    const book = createToolBook({ book_tools_max: 10 });
    book.note(published(100, [zavo('Sends a letter.')], { log: 'b', received_at_ms: 50 }));
    expect(book.find(called(5, { log: 'a', received_at_ms: 60 }))).toBeDefined();
    expect(book.find(called(5, { log: 'a', received_at_ms: 40 }))).toBeUndefined();
  });

  it('forgets, counted, the tools that were published longest ago', () => {
    const book = createToolBook({ book_tools_max: 2 });
    book.note(published(1, [zavo('Sends a letter.')]));
    book.note(published(2, [{ name: 'a' }, { name: 'b' }]));
    expect(book.find(called(5))).toBeUndefined();
    expect(book.counters).toEqual({ tools: 2, evicted_tools: 1 });
  });

  it('keeps no more of a tool than a judgement asks for', () => {
    const book = createToolBook({ book_tools_max: 2 });
    const huge = { type: 'object', properties: { x: { description: 'y'.repeat(100_000) } } };
    book.note(published(1, [{ name: 'zavo', description: 'z'.repeat(100_000), inputSchema: huge }]));
    expect(JSON.stringify(book.find(called(5))?.definition).length).toBeLessThan(6_000);
  });
});
