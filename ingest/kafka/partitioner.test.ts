import { Partitioners } from 'kafkajs';
import { expect, it } from 'vitest';
import { murmur2, partitionOf } from './partitioner.ts';

// Known answers of the Java client's own test (UtilsTest.testMurmur2).
it.each([
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
])('hashes %s as the Java client does', (text, hash) => {
  expect(murmur2(Buffer.from(text))).toBe(hash);
});

it('gives the partition that the client library would choose', () => {
  const choose = Partitioners.DefaultPartitioner();
  const partitionMetadata = Array.from({ length: 6 }, (_, partitionId) => ({
    partitionErrorCode: 0,
    partitionId,
    leader: 1,
    replicas: [1],
    isr: [1],
  }));
  for (let i = 0; i < 300; i++) {
    const key = `acme/user${'é'.repeat(i % 7)}${i}@example.com`;
    const chosen = choose({ topic: 'events', partitionMetadata, message: { key, value: null } });
    expect(partitionOf(key, 6)).toBe(chosen);
  }
});
