import { expect, it } from 'vitest';
import { LIMITS } from '../core/limits.ts';
import { emptySession } from '../core/session.ts';
import { GapSessions, gapKey, knownSession, sessionOf } from './derive_session.ts';

const GAP_MS = LIMITS.session_gap_ms;
const USER = { user_id: 'ana@example.com', client: 'desktop' };

/** A derived session of the user with its last record at this time. */
function derived(session_id: string, last_received_ms: number) {
  return { ...emptySession('default', session_id, 'gap'), ...USER, last_received_ms, events: 1 };
}

it.each([
  [{ session_id: 'a', conversation_id: 'b', trace_id: 'c' }, 'a', 'given'],
  [{ conversation_id: 'b', client_session_id: 'c', mcp_session_id: 'd', trace_id: 'e' }, 'b', 'conversation'],
  [{ client_session_id: 'c', mcp_session_id: 'd', trace_id: 'e' }, 'c', 'client'],
  [{ mcp_session_id: 'd', trace_id: 'e' }, 'd', 'mcp'],
  [{ trace_id: 'e' }, 'e', 'trace'],
])('takes the first id that a producer names: %j', (fields, session_id, source) => {
  expect(sessionOf(new GapSessions(), fields, 'default', 0)).toEqual({ session_id, source });
  expect(knownSession(new GapSessions(), fields, 'default')).toBe(session_id);
});

it('joins events of one user and client with less than half an hour between them', () => {
  const gaps = new GapSessions();
  gaps.advance(1_000);
  gaps.follow(derived('gap-1', 1_000));
  gaps.advance(1_000 + GAP_MS - 1);
  expect(sessionOf(gaps, USER, 'default', 9)).toEqual({ session_id: 'gap-1', source: 'gap' });
  gaps.advance(1_000 + GAP_MS);
  expect(sessionOf(gaps, USER, 'default', 9).session_id).not.toBe('gap-1');
});

it('keeps users, clients and tenants apart', () => {
  const gaps = new GapSessions();
  gaps.follow(derived('gap-1', 0));
  expect(knownSession(gaps, USER, 'default')).toBe('gap-1');
  expect(knownSession(gaps, USER, 'other')).toBeUndefined();
  expect(knownSession(gaps, { ...USER, client: 'web' }, 'default')).toBeUndefined();
  expect(knownSession(gaps, { client: 'desktop' }, 'default')).toBeUndefined();
});

it('gives a new session an id that follows from its first record alone', () => {
  const first = sessionOf(new GapSessions(), USER, 'default', 4);
  expect(sessionOf(new GapSessions(), USER, 'default', 4)).toEqual(first);
  expect(sessionOf(new GapSessions(), USER, 'default', 5)).not.toEqual(first);
  expect(first.session_id).toMatch(/^gap-[\w-]{22}$/);
});

it('does not open anything by looking', () => {
  const gaps = new GapSessions();
  sessionOf(gaps, USER, 'default', 4);
  expect(knownSession(gaps, USER, 'default')).toBeUndefined();
});

it('does not let a clock that runs backwards open a session again', () => {
  const gaps = new GapSessions();
  gaps.follow(derived('gap-1', 0));
  gaps.advance(GAP_MS);
  gaps.advance(5);
  expect(knownSession(gaps, USER, 'default')).toBeUndefined();
});

it('follows a session whose user becomes known later', () => {
  const gaps = new GapSessions();
  const session = { ...derived('gap-1', 0), user_id: '' };
  gaps.follow(session);
  const before = gapKey(session);
  session.user_id = USER.user_id;
  gaps.follow(session, before);
  expect(knownSession(gaps, USER, 'default')).toBe('gap-1');
  expect(knownSession(gaps, { client: 'desktop' }, 'default')).toBeUndefined();
});

it('counts what it has to forget', () => {
  const gaps = new GapSessions();
  for (let i = 0; i < LIMITS.session_cache_max + 3; i++) gaps.follow({ ...derived(`gap-${i}`, 0), user_id: `u-${i}` });
  expect(gaps.evicted).toBe(3);
  expect(knownSession(gaps, { ...USER, user_id: 'u-0' }, 'default')).toBeUndefined();
  expect(knownSession(gaps, { ...USER, user_id: 'u-3' }, 'default')).toBe('gap-3');
});
