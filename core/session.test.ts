import fc from 'fast-check';
import { expect, it } from 'vitest';
import { advanceSession, emptySession, SESSION_NAMES_MAX, type SessionStep } from './session.ts';

const name = fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined });
const step: fc.Arbitrary<Omit<SessionStep, 'seq'>> = fc.record({
  type: fc.constantFrom('prompt', 'tool.call', 'tool.result', 'response'),
  time_ms: fc.integer({ min: 0, max: 1_000 }),
  received_at_ms: fc.integer({ min: 0, max: 1_000 }),
  is_error: fc.option(fc.boolean(), { nil: undefined }),
  user_id: name,
  user_role: name,
  agent: name,
  client: name,
  server: name,
  tool: name,
});

it('sums a session up as one pass over all its events would', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), (steps) => {
      const session = emptySession('default', 's', 'given');
      for (const [seq, each] of steps.entries()) advanceSession(session, { ...each, seq }, `leaf-${seq}`);
      const first = (field: 'user_id' | 'user_role' | 'agent' | 'client') =>
        steps.find((each) => each[field] !== undefined)?.[field] ?? '';
      const times = steps.map((each) => each.time_ms);
      const names = (field: 'server' | 'tool') => [
        ...new Set(steps.map((each) => each[field]).filter((each) => each !== undefined)),
      ];
      expect(session).toEqual({
        tenant: 'default',
        session_id: 's',
        session_source: 'given',
        last_seq: steps.length - 1,
        last_leaf: `leaf-${steps.length - 1}`,
        events: steps.length,
        calls: steps.filter((each) => each.type === 'tool.call').length,
        errors: steps.filter((each) => each.is_error).length,
        prompts: steps.filter((each) => each.type === 'prompt').length,
        first_time_ms: Math.min(...times),
        last_time_ms: Math.max(...times),
        first_received_ms: steps[0]?.received_at_ms,
        last_received_ms: steps.at(-1)?.received_at_ms,
        user_id: first('user_id'),
        user_role: first('user_role'),
        agent: first('agent'),
        client: first('client'),
        servers: names('server'),
        tools: names('tool'),
      });
    }),
  );
});

it('lists a bounded number of names', () => {
  const session = emptySession('default', 's', 'given');
  const event = { type: 'tool.call', time_ms: 0, received_at_ms: 0 };
  for (let seq = 0; seq < 200; seq++) advanceSession(session, { ...event, seq, tool: `t-${seq}` }, '');
  expect(session.tools).toHaveLength(SESSION_NAMES_MAX);
  expect(session.calls).toBe(200);
});
