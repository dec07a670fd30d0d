import { expect, it } from 'vitest';
import { oncePerDefinition } from './same_definition.ts';

const TOOL = { name: 'read', description: 'Reads a file', inputSchema: { type: 'object' } };

it('works once for equal definitions and again for one that differs', () => {
  let asked = 0;
  const described = oncePerDefinition(({ name, description }) => {
    asked++;
    return `${name}: ${description}`;
  });
  expect(described(TOOL)).toBe('read: Reads a file');
  expect(described(structuredClone(TOOL))).toBe('read: Reads a file');
  expect(asked).toBe(1);
  expect(described({ ...TOOL, description: 'Reads any file' })).toBe('read: Reads any file');
  expect(asked).toBe(2);
});

it('keeps what is undefined, too', () => {
  let asked = 0;
  const nothing = oncePerDefinition(() => {
    asked++;
    return undefined;
  });
  nothing(TOOL);
  nothing({ ...TOOL });
  expect(asked).toBe(1);
});
