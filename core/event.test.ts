import { expect, it } from 'vitest';
import { EVENT_TYPES, ProducerEvent } from './event.ts';
import { EVENT_EXAMPLES } from './event_examples.ts';
import { DETAIL_FIELDS, WHAT_FIELDS, WHO_FIELDS } from './groups.ts';

// Their own columns or parts. A producer's salt is checked and not kept: each record gets one of ours.
const NO_GROUP = ['content', 'event_id', 'params', 'salt', 'time', 'type'];
// Written by the program, or holding what the schema does not know.
const NOT_OF_PRODUCERS = ['accepted_by', 'content_json', 'extra', 'session_source'];

it('has one example of each type, under its own name and with an id of its own', () => {
  expect(Object.keys(EVENT_EXAMPLES).sort()).toEqual([...EVENT_TYPES].sort());
  for (const type of EVENT_TYPES) expect(EVENT_EXAMPLES[type].type).toBe(type);
  expect(new Set(Object.values(EVENT_EXAMPLES).map((example) => example.event_id)).size).toBe(18);
});

it.each(EVENT_TYPES)('accepts its example of %s, and nothing in it is unknown to the schema', (type) => {
  expect(ProducerEvent.parse(EVENT_EXAMPLES[type])).toEqual(EVENT_EXAMPLES[type]);
  const known = ProducerEvent.options.find((option) => option.shape.type.value === type)?.shape ?? {};
  expect(Object.keys(EVENT_EXAMPLES[type]).filter((field) => !(field in known))).toEqual([]);
});

it('uses every field of the schema in some example, so that each is shown once', () => {
  const used = new Set(Object.values(EVENT_EXAMPLES).flatMap((example) => Object.keys(example)));
  const unused = schemaFields().filter((field) => !used.has(field));
  expect(unused).toEqual([
    'client_session_id',
    'conversation_id',
    'is_error',
    'mcp_session_id',
    'parent_agent',
    'salt',
  ]);
});

it('needs what the examples give: without a required field a type is refused', () => {
  const required: Partial<Record<(typeof EVENT_TYPES)[number], string>> = {
    'tool.call': 'tool',
    'tool.result': 'tool',
    'tools.list': 'tools',
    'resource.read': 'uri',
    approval: 'approval',
    'tool.approval': 'tool_approval',
    'policy.decision': 'decision',
    'token.issued': 'token_ref',
    'token.revoked': 'revocation',
    'config.snapshot': 'config',
    'server.version': 'server_info',
    'external.signal': 'external',
  };
  for (const [type, field] of Object.entries(required)) {
    const { [field]: _, ...without } = EVENT_EXAMPLES[type as keyof typeof required] as Record<string, unknown>;
    expect(ProducerEvent.safeParse(without).success, `${type} without ${field}`).toBe(false);
  }
});

it('takes null for absent in every optional field', () => {
  const optional = { user_id: null, session_id: null, params: null, content: null, is_error: null, data_sources: null };
  expect(ProducerEvent.safeParse({ ...EVENT_EXAMPLES.prompt, ...optional }).success).toBe(true);
});

it('puts every field of the schema into exactly one group', () => {
  const groups = [...WHO_FIELDS, ...WHAT_FIELDS, ...DETAIL_FIELDS].filter((field) => !NOT_OF_PRODUCERS.includes(field));
  expect(new Set(groups).size).toBe(groups.length);
  expect([...groups, ...NO_GROUP].sort()).toEqual(schemaFields());
});

function schemaFields(): string[] {
  return [...new Set(ProducerEvent.options.flatMap((option) => Object.keys(option.shape)))].sort();
}
