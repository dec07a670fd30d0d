import { createHash, timingSafeEqual } from 'node:crypto';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Store } from '../../core/store/store.ts';
import { openAccess } from './access.ts';

vi.mock('node:crypto', async (original) => {
  const actual = await original<typeof import('node:crypto')>();
  return { ...actual, createHash: vi.fn(actual.createHash), timingSafeEqual: vi.fn(actual.timingSafeEqual) };
});

const SECRET = 'A'.repeat(43);
const row = (key_id: string, more = {}) => ({
  key_id,
  name: 'a key',
  role: 'viewer',
  tenant: 'acme',
  sha256: createHash('sha256').update(`tw_${key_id}_${SECRET}`).digest('hex'),
  created_at_ms: 1_000,
  expires_at_ms: 5_000,
  revoked: 0,
  ...more,
});
const store = (rows: unknown[]) => ({ rows: async () => rows }) as unknown as Store;
const ROWS = [row('goodgoodgood'), row('lateelatelat', { expires_at_ms: 1_500 }), row('gonegonegone', { revoked: 1 })];
const open = () => openAccess(store(ROWS), undefined, () => 2_000);

describe('checking a key', () => {
  beforeEach(() => {
    vi.mocked(createHash).mockClear();
    vi.mocked(timingSafeEqual).mockClear();
  });

  it('says who holds it', async () => {
    const access = await open();
    expect(access.check(`tw_goodgoodgood_${SECRET}`)).toEqual({
      key_id: 'goodgoodgood',
      name: 'a key',
      role: 'viewer',
      tenant: 'acme',
    });
  });

  it.each([
    ['of another secret', `tw_goodgoodgood_${'B'.repeat(43)}`],
    ['that nobody has', `tw_nonenonenone_${SECRET}`],
    ['that expired', `tw_lateelatelat_${SECRET}`],
    ['that was revoked', `tw_gonegonegone_${SECRET}`],
    ['of another form', 'secret'],
  ])('computes and compares one digest for a key %s too, and says nothing of it', async (_, key) => {
    const access = await open();
    vi.mocked(createHash).mockClear();
    expect(access.check(key)).toBeUndefined();
    expect([vi.mocked(createHash).mock.calls.length, vi.mocked(timingSafeEqual).mock.calls.length]).toEqual([1, 1]);
  });

  it('knows the keys of the store by digest, and changes none where the log is only read', async () => {
    const access = await open();
    expect(JSON.stringify(access.list())).not.toContain(SECRET);
    const wanted = { name: 'x', role: 'viewer', tenant: 'acme' } as const;
    await expect(access.create(wanted, 'test')).rejects.toMatchObject({ code: 'read_only' });
    await expect(access.revoke('unknown', 'test')).rejects.toMatchObject({ code: 'key_unknown' });
  });
});
