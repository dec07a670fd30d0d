/** One rule: what it detects and misses, what to do with a finding, its examples, and its alerts. */
import type { ComponentChildren } from 'preact';
import type { Rule } from '../api_types.ts';
import { inTenant } from '../url_state.ts';
import { Inert } from './inert.tsx';
import { Badge } from './words.tsx';

export function RuleDetail({ rule, close }: { rule: Rule; close(): void }) {
  const { rule_id, title, severity, version, status, kind, origin, file, detects, misses, caught } = rule;
  return (
    <section class="panel" aria-label={`Rule ${rule_id}`}>
      <div class="title">
        <h2>
          <Badge severity={severity} /> <Inert text={title} />
        </h2>
        <button type="button" onClick={close}>
          Close
        </button>
      </div>
      <p class="meta">
        <Inert text={rule_id} />, version {version}, {status}, {kind === 'detector' ? 'a detector' : `${origin} rule`}
        {file !== null && (
          <>
            {' in '}
            <Inert text={file} />
          </>
        )}
      </p>
      <p>
        <strong>Detects:</strong> <Inert text={detects} />
      </p>
      {misses !== '' && (
        <p>
          <strong>Misses:</strong> <Inert text={misses} />
        </p>
      )}
      <p>
        {caught.alerts === 0 ? (
          'No alert in this time.'
        ) : (
          <a href={inTenant(`/alerts?q=${encodeURIComponent(`rule_id:"${rule_id}"`)}&range=all`)}>
            {caught.alerts} {caught.alerts === 1 ? 'alert' : 'alerts'} in {caught.sessions}{' '}
            {caught.sessions === 1 ? 'session' : 'sessions'}
          </a>
        )}{' '}
        {caught.alerts > 0 &&
          `${caught.true_positives} true, ${caught.benign} benign, ${caught.false_positives} false, ${caught.duplicates} duplicates, ${caught.tests} tests`}
      </p>
      <List title="What to do" items={rule.runbook} ordered />
      <List title="Known false positives" items={rule.false_positives} />
      <List
        title="Examples"
        items={rule.examples.map(({ name, fires }) => `${fires ? 'fires' : 'stays silent'}: ${name}`)}
      />
      <List title="Tags" items={rule.tags} />
      <List title="References" items={rule.references} />
    </section>
  );
}

function List({ title, items, ordered = false }: { title: string; items: readonly string[]; ordered?: boolean }) {
  if (items.length === 0) return null;
  const lines: ComponentChildren = items.map((item) => (
    <li key={item}>
      <Inert text={item} />
    </li>
  ));
  return (
    <>
      <h3>{title}</h3>
      {ordered ? <ol>{lines}</ol> : <ul>{lines}</ul>}
    </>
  );
}
