import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Label } from './labelled.ts';
import { numberedNames, OWN_NAMES } from './shown_names.ts';

const label = (suite: string, user_task: string, injection_task: string | null = null): Label => ({
  session_id: 's',
  label: 'benign',
  variant: 'benign_task',
  suite,
  user_task,
  injection_task,
});

const LABELS = [
  label('shop', 'order_10'),
  label('shop', 'order_9', 'refund'),
  label('bank', 'order_9', 'transfer'),
  label('bank', 'order_9', 'limits'),
];

describe('numbered names', () => {
  it('count suites, and tasks and goals within each, in the order of the names', () => {
    const names = numberedNames(LABELS);
    expect(LABELS.map(names.suite)).toEqual(['suite 2', 'suite 2', 'suite 1', 'suite 1']);
    expect(LABELS.map(names.task)).toEqual([
      'suite 2, task 2',
      'suite 2, task 1',
      'suite 1, task 1',
      'suite 1, task 1',
    ]);
    expect(LABELS.map(names.goal)).toEqual([
      'suite 2, no goal named',
      'suite 2, goal 1',
      'suite 1, goal 2',
      'suite 1, goal 1',
    ]);
  });

  it('are the same in whatever order the labels come', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(LABELS, { minLength: LABELS.length }), (shuffled) => {
        const [one, other] = [numberedNames(LABELS), numberedNames(shuffled)];
        for (const each of LABELS) {
          expect([one.suite(each), one.task(each), one.goal(each)]).toEqual([
            other.suite(each),
            other.task(each),
            other.goal(each),
          ]);
        }
      }),
    );
  });

  it('hold nothing of the names, and differ where the names differ', () => {
    const word = fc.stringMatching(/^[b-z]{6,10}$/).filter((each) => !/suite|task|goal/.test(each));
    const set = fc.array(fc.record({ suite: word, task: word }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(set, (items) => {
        const labels = items.map(({ suite, task }) => label(suite, task, task));
        const names = numberedNames(labels);
        for (const each of labels) expect(names.task(each)).toMatch(/^suite \d+, task \d+$/);
        expect(new Set(labels.map(names.task)).size).toBe(new Set(labels.map(OWN_NAMES.task)).size);
        expect(new Set(labels.map(names.goal)).size).toBe(new Set(labels.map(OWN_NAMES.goal)).size);
      }),
    );
  });
});
