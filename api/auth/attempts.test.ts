import { describe, expect, it } from 'vitest';
import { createAttempts } from './attempts.ts';

const limited = () => createAttempts({ requests_per_minute_max: 10, failures_per_minute_max: 2 });
const tooMany = expect.objectContaining({ code: 'too_many_attempts' });

describe('failures', () => {
  it.each([
    ['2001:db8:1:2::1', '2001:db8:1:2:ffff:1:2:3'],
    ['2001:db8::1', '2001:db8:0:0:9::'],
    ['::1', '::2'],
    ['192.0.2.1', '192.0.2.1'],
  ])('from %s and %s count together', async (one, other) => {
    const attempts = limited();
    await attempts.failed(one);
    await attempts.failed(other);
    await expect(attempts.failed(one)).rejects.toEqual(tooMany);
  });

  it.each([
    ['2001:db8:1:2::1', '2001:db8:1:3::1'],
    ['192.0.2.1', '192.0.2.2'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.2'],
  ])('from %s and %s do not', async (one, other) => {
    const attempts = limited();
    for (const address of [one, one, other, other]) await attempts.failed(address);
    await expect(attempts.failed(one)).rejects.toEqual(tooMany);
  });

  it('with a name close that name to that address alone', async () => {
    const attempts = limited();
    await attempts.failed('192.0.2.1', 'a');
    await attempts.failed('192.0.2.1', 'a');
    await expect(attempts.check('192.0.2.1', 'a')).rejects.toEqual(tooMany);
    await attempts.check('192.0.2.1', 'b');
    await attempts.check('192.0.2.2', 'a');
  });
});
