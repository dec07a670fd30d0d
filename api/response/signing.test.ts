import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { shownKeys, signatureFault, signedHeaders } from './signing.ts';

const NOW_MS = Date.UTC(2026, 0, 1);
const keys = { hmac: Buffer.alloc(32, 1), ed25519: Buffer.alloc(32, 2) };
const other = { hmac: Buffer.alloc(32, 3), ed25519: Buffer.alloc(32, 4) };
const message = { id: 'msg_1', timestamp_s: NOW_MS / 1000, body: '{"a":1}' };

function faultOf(headers: Record<string, string>, body = message.body, now_ms = NOW_MS) {
  const given = {
    id: headers['webhook-id'],
    timestamp: headers['webhook-timestamp'],
    signature: headers['webhook-signature'],
  };
  return signatureFault(given, body, [other.hmac, keys.hmac], now_ms);
}

describe('a signature', () => {
  it('is the one that the published library makes', () => {
    const { secret } = shownKeys(keys);
    const theirs = new Webhook(secret).sign(message.id, new Date(NOW_MS), message.body);
    expect(signedHeaders(message, [keys])['webhook-signature']?.split(' ')[0]).toBe(theirs);
  });

  it('of the published library is taken, by either of two keys', () => {
    const theirs = new Webhook(shownKeys(keys).secret).sign(message.id, new Date(NOW_MS), message.body);
    const headers = { ...signedHeaders(message, []), 'webhook-signature': theirs };
    expect(faultOf(headers)).toBeUndefined();
  });

  it('is refused over another body, id or time, under another key, or out of time', () => {
    const good = signedHeaders(message, [keys]);
    expect(faultOf(good)).toBeUndefined();
    expect(faultOf(good, '{"a":2}')).toBe('wrong');
    expect(faultOf({ ...good, 'webhook-id': 'msg_2' })).toBe('wrong');
    expect(faultOf({ ...good, 'webhook-timestamp': String(message.timestamp_s + 1) })).toBe('wrong');
    expect(faultOf(signedHeaders(message, [{ ...keys, hmac: Buffer.alloc(32, 9) }]))).toBe('wrong');
    expect(faultOf(good, message.body, NOW_MS + 301_000)).toBe('too_old');
    expect(faultOf(good, message.body, NOW_MS - 301_000)).toBe('too_old');
    expect(faultOf({ ...good, 'webhook-signature': '' })).toBe('wrong');
    expect(faultOf({ ...good, 'webhook-signature': `${'v1,AA== '.repeat(16)}${good['webhook-signature']}` })).toBe(
      'wrong',
    );
    expect(faultOf({ ...good, 'webhook-timestamp': '1e9' })).toBe('unsigned');
    expect(signatureFault({ id: undefined, timestamp: undefined, signature: undefined }, '', [], 0)).toBe('unsigned');
  });
});
