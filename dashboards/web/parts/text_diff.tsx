/** Two texts side by side, with what is in only one of them marked. */
import { type ChangeObject, diffLines, diffWordsWithSpace } from 'diff';
import { InertLines, SHOWN_CHARS_MAX } from './inert.tsx';

/** Beyond this the comparison is given up, and each side is marked whole. */
const COMPARE_MS = 200;

interface Props {
  before: string;
  after: string;
  by: 'words' | 'lines';
  /** What the two sides are, for who does not see them side by side. */
  labels: readonly [string, string];
}

export function TextDiff({ before, after, by, labels }: Props) {
  const [old, fresh] = [before.slice(0, SHOWN_CHARS_MAX), after.slice(0, SHOWN_CHARS_MAX)];
  const limit = { timeout: COMPARE_MS };
  const found = by === 'words' ? diffWordsWithSpace(old, fresh, limit) : diffLines(old, fresh, limit);
  const changes = found ?? whole(old, fresh);
  const cut = before.length > SHOWN_CHARS_MAX || after.length > SHOWN_CHARS_MAX;
  return (
    <>
      <div class="sides">
        <Side label={labels[0]} changes={changes.filter(({ added }) => !added)} />
        <Side label={labels[1]} changes={changes.filter(({ removed }) => !removed)} />
      </div>
      {cut && <p class="gone">Compared are the first {SHOWN_CHARS_MAX} characters; the API has it whole.</p>}
    </>
  );
}

type Change = Pick<ChangeObject<string>, 'value' | 'added' | 'removed'>;

function whole(before: string, after: string): Change[] {
  return [
    { value: before, removed: true, added: false },
    { value: after, removed: false, added: true },
  ];
}

function Side({ label, changes }: { label: string; changes: readonly Change[] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section tabIndex={0} aria-label={label}>
      <p class="label">{label}</p>
      <pre>
        {changes.map(({ value, added, removed }, at) => {
          const key = `${at} ${value.length}`;
          const text = <InertLines text={value} />;
          if (added) return <ins key={key}>{text}</ins>;
          return removed ? <del key={key}>{text}</del> : <span key={key}>{text}</span>;
        })}
      </pre>
    </section>
  );
}
