import { describe, expect, it } from 'vitest';
import { toolWordsOf } from './tool_words.ts';

const said = (tool: string, description?: string) => {
  const { verb, verbs, objects, vague } = toolWordsOf(
    tool,
    description === undefined ? undefined : { name: tool, description },
  );
  return { verb, verbs: verbs.map(({ word }) => word), objects: objects.map(({ word }) => word), vague };
};

describe('the words of a tool', () => {
  it('are those of its name when the name says what it does', () => {
    expect(said('send_invoice', 'Deletes everything.')).toEqual({
      verb: 'send',
      verbs: ['send'],
      objects: ['invoice'],
      vague: false,
    });
  });

  it('are those of the first sentence of its description when the name does not', () => {
    expect(said('zavobiro', 'Sends an invoice to a customer. Reads nothing.')).toMatchObject({
      verb: 'send',
      verbs: ['send'],
      objects: ['invoice', 'customer'],
      vague: false,
    });
  });

  it('are vague when nothing says what the tool does', () => {
    expect(said('zavobiro')).toEqual({ verb: undefined, verbs: [], objects: ['zavobiro'], vague: true });
    expect(said('zavobiro', '')).toMatchObject({ verb: undefined, vague: true });
  });
});
