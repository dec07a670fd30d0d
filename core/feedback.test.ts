import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SEVERITIES, SEVERITY_RISK } from './alert.ts';
import { FEEDBACK_KEPT_MS, feedbackKey, type Judgement, teaches, weighedRisk } from './feedback.ts';

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 5, 1);
const wrong = (...days: number[]): Judgement[] =>
  days.map((ago) => ({ verdict: 'false_positive', at_ms: NOW - ago * DAY_MS }));
const right = (ago: number): Judgement => ({ verdict: 'true_positive', at_ms: NOW - ago * DAY_MS });

describe('the risk of an alert', () => {
  it.each([
    ['without verdicts, as it is', 'high', [], 75, 0],
    ['after one false positive of today, divided by 1.5', 'high', wrong(0), 50, 1],
    ['after one of 30 days ago, divided by 1.25', 'high', wrong(30), 60, 1],
    ['after two of today, half', 'medium', wrong(0, 0), 23, 2],
    ['after a hundred, 40 %', 'high', wrong(...Array.from({ length: 100 }, () => 0)), 30, 100],
    ['when the last one ran out, as it was', 'high', wrong(90), 75, 0],
    ['of a critical alert, never below that of a high one', 'critical', wrong(0, 0, 0, 0), 75, 4],
    ['after a true positive, without what was learnt before it', 'high', [...wrong(3, 2), right(1)], 75, 0],
    ['after a false positive that followed it, lowered by that one', 'high', [...wrong(3, 0), right(1)], 50, 1],
    ['before a verdict was given, as it is', 'high', wrong(-1), 75, 0],
  ] as const)('is %s', (_, severity, judgements, risk, false_positives) => {
    expect(weighedRisk(severity, judgements, NOW)).toEqual({ risk, false_positives });
  });

  it('stays within its bounds, and comes back with time, whatever was judged', () => {
    const judgement = fc.record({
      verdict: fc.constantFrom('false_positive' as const, 'true_positive' as const),
      at_ms: fc.integer({ min: NOW - 2 * FEEDBACK_KEPT_MS, max: NOW }),
    });
    fc.assert(
      fc.property(
        fc.constantFrom(...SEVERITIES),
        fc.array(judgement),
        fc.nat(FEEDBACK_KEPT_MS),
        (severity, judged, later) => {
          const full = SEVERITY_RISK[severity];
          const { risk } = weighedRisk(severity, judged, NOW);
          expect(risk).toBeLessThanOrEqual(full);
          expect(risk).toBeGreaterThanOrEqual(severity === 'critical' ? SEVERITY_RISK.high : Math.floor(0.4 * full));
          const { at_ms } = judged.reduce((last, each) => (each.at_ms > last.at_ms ? each : last), {
            at_ms: NOW - 3 * FEEDBACK_KEPT_MS,
          });
          expect(weighedRisk(severity, judged, at_ms + FEEDBACK_KEPT_MS + later).risk).toBe(full);
          // The order in which judgements are known changes nothing.
          expect(weighedRisk(severity, [...judged].reverse(), NOW).risk).toBe(risk);
        },
      ),
    );
  });
});

describe('what is judged alike', () => {
  const judged = { tenant: 'acme', rule_id: 'r', rule_version: 1, user_id: 'ana', agent: 'bot' };

  it('is one rule in one version for one user of one tenant, with any agent', () => {
    expect(feedbackKey({ ...judged, agent: 'other' })).toBe(feedbackKey(judged));
    for (const other of [{ tenant: 'bravo' }, { rule_id: 'q' }, { rule_version: 2 }, { user_id: 'ben' }]) {
      expect(feedbackKey({ ...judged, ...other })).not.toBe(feedbackKey(judged));
    }
  });

  it('is one agent where no user is known, and no user of the same name', () => {
    const nobody = { ...judged, user_id: '' };
    expect(feedbackKey({ ...nobody, agent: 'other' })).not.toBe(feedbackKey(nobody));
    expect(feedbackKey({ ...judged, user_id: 'bot' })).not.toBe(feedbackKey(nobody));
  });

  it('is taught by true and false positives alone', () => {
    const verdicts = ['true_positive', 'benign', 'false_positive', 'test', 'duplicate', undefined];
    expect(verdicts.filter(teaches)).toEqual(['true_positive', 'false_positive']);
  });
});
