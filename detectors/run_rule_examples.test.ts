import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadDetectors } from './load.ts';
import { folderState, loadRules } from './load_rules.ts';
import { runRulesExamples } from './run_rule_examples.ts';

const detectors = await loadDetectors();
const signals = new Set(detectors.map(({ metadata }) => metadata.id));
const shipped = await loadRules({ signals });
const folder = mkdtempSync(join(tmpdir(), 'tracewarden-rules-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const OWN = `title: Any deletion
id: any_deletion
logsource: { product: tracewarden, category: tool.call }
detection:
  selection: { capability: destructive }
  condition: selection
`;

describe('the rules that come with the program', () => {
  it('are sound', () => {
    expect(shipped.errors).toEqual([]);
    expect(shipped.set.rules.filter((rule) => rule.emit).length).toBeGreaterThanOrEqual(7);
  });

  it('each have examples that fire and near misses that do not, and say what to do', () => {
    for (const rule of shipped.set.rules.filter((each) => each.emit)) {
      const own = shipped.examples.get(rule.rule_id) ?? [];
      expect(
        own.some((example) => example.fires),
        rule.rule_id,
      ).toBe(true);
      expect(
        own.some((example) => !example.fires),
        rule.rule_id,
      ).toBe(true);
      expect(rule.runbook.length, rule.rule_id).toBeGreaterThanOrEqual(3);
      expect(rule.false_positives.length, rule.rule_id).toBeGreaterThanOrEqual(2);
    }
  });

  it.each(runRulesExamples(shipped, detectors))('$rule_id: $example', (outcome) => {
    expect(outcome.problem).toBeUndefined();
  });
});

describe('a folder of rules of a user’s own', () => {
  it('adds its rules to the shipped ones', async () => {
    writeFileSync(join(folder, 'own.yaml'), OWN);
    const { set, errors } = await loadRules({ folder, signals });
    expect(errors).toEqual([]);
    expect(set.rules.map((rule) => rule.rule_id)).toContain('any_deletion');
  });

  it('has a faulty file refused with file, line and reason while the other rules stay', async () => {
    writeFileSync(
      join(folder, 'faulty.yaml'),
      OWN.replace('any_deletion', 'faulty').replace('capability', 'no_such_field'),
    );
    const { set, errors } = await loadRules({ folder, signals });
    expect(errors[0]).toMatchObject({ file: join(folder, 'faulty.yaml'), line: 5 });
    expect(errors[0]?.problem).toBeTruthy();
    const ids = set.rules.map((rule) => rule.rule_id);
    expect(ids).toContain('any_deletion');
    expect(ids).not.toContain('faulty');
  });

  it('is known to have changed by the size or the time of a file', async () => {
    const before = await folderState(folder);
    expect(await folderState(folder)).toBe(before);
    utimesSync(join(folder, 'own.yaml'), 1, 1);
    expect(await folderState(folder)).not.toBe(before);
  });
});
