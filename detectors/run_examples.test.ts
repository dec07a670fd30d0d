import { describe, expect, it } from 'vitest';
import { SEVERITIES } from '../core/alert.ts';
import { EVENT_TYPES } from '../core/event.ts';
import { loadDetectors } from './load.ts';
import { runExample, runExamples } from './run_examples.ts';

const detectors = await loadDetectors();
const outcomes = runExamples(detectors);

describe('examples', () => {
  it.each(outcomes)('$detector_id: $example', (outcome) => {
    expect(outcome.problem).toBeUndefined();
  });

  it('fall silent when their detector is not there', () => {
    for (const { metadata, examples } of detectors) {
      const others = detectors.filter((other) => other.metadata.id !== metadata.id);
      for (const example of examples) expect(runExample(others, metadata.id, example).fires).toBe(false);
    }
  });

  it('tell in each finding what happened, with evidence in log order', () => {
    for (const finding of outcomes.flatMap((outcome) => outcome.findings)) {
      expect(finding.finding_id).toMatch(/^[0-9a-f]{64}$/);
      expect(finding.reason.length).toBeGreaterThan(40);
      const places = finding.evidence.map((evidence) => evidence.seq);
      expect(places.length).toBeGreaterThanOrEqual(1);
      expect(places).toEqual([...places].sort((a, b) => a - b));
    }
  });
});

describe.each(detectors)('metadata of $metadata.id', ({ metadata, watches, examples, initial }) => {
  it('names its version, status and severity', () => {
    expect(metadata.id).toMatch(/^[a-z][a-z0-9_]{2,63}$/);
    expect(metadata.version).toBeGreaterThanOrEqual(1);
    expect(['experimental', 'stable']).toContain(metadata.status);
    expect(SEVERITIES).toContain(metadata.severity);
  });

  it('says what it detects and misses, and what to do', () => {
    for (const text of [metadata.title, metadata.description.detects, metadata.description.misses]) {
      expect(text.length).toBeGreaterThan(10);
    }
    expect(metadata.false_positives.length).toBeGreaterThanOrEqual(2);
    expect(metadata.runbook.length).toBeGreaterThanOrEqual(3);
    for (const reference of metadata.references) expect(reference).toMatch(/^https:\/\//);
  });

  it('is tagged with MITRE ATLAS and OWASP ids', () => {
    for (const tag of metadata.tags) expect(tag).toMatch(/^(?:AML\.T\d{4}(?:\.\d{3})?|ASI\d{2}|LLM\d{2}|MCP\d{2})$/);
    expect(metadata.tags.some((tag) => tag.startsWith('AML.'))).toBe(true);
    expect(metadata.tags.some((tag) => !tag.startsWith('AML.'))).toBe(true);
  });

  it('watches known types, begins with a state of its own, and has examples of both kinds', () => {
    for (const type of watches) expect(EVENT_TYPES).toContain(type);
    const state = initial();
    if (typeof state === 'object') expect(initial()).not.toBe(state);
    expect(examples.filter((example) => example.fires).length).toBeGreaterThanOrEqual(3);
    expect(examples.filter((example) => !example.fires).length).toBeGreaterThanOrEqual(4);
    expect(new Set(examples.map((example) => example.name)).size).toBe(examples.length);
  });
});
