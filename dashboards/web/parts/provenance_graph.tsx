/** Which value went from which result into which call. Every box can be reached by keyboard; the table below says the same. */
// biome-ignore-all lint/a11y/useSemanticElements: parts of a picture cannot be elements of a form
import { useMemo } from 'preact/hooks';
import type { Edge } from '../api_types.ts';
import { BOX_HEIGHT, BOX_WIDTH, type Box, type Line, layoutOf } from '../provenance_layout.ts';

interface Props {
  edges: readonly Edge[];
  evidence: ReadonlySet<number>;
  here: number;
  select(seq: number): void;
}

const LABEL_CHARS = 26;

export function ProvenanceGraph({ edges, evidence, here, select }: Props) {
  const { boxes, lines, width, height, collapsed } = useMemo(() => layoutOf(edges), [edges]);
  return (
    <figure class="graph">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section class="scroll" tabIndex={0} aria-label="Provenance graph">
        <svg width={width} height={height} role="group" aria-label="Values from results into calls">
          <defs>
            <marker id="tip" viewBox="0 0 8 8" refX={8} refY={4} markerWidth={7} markerHeight={7} orient="auto">
              <path d="M0 0L8 4L0 8z" class="tip" />
            </marker>
          </defs>
          {lines.map((line) => (
            <GraphLine key={`${line.from}\u0001${line.to}`} line={line} />
          ))}
          {boxes.map((box) => (
            <GraphBox
              key={box.id}
              box={box}
              proves={evidence.has(box.seq)}
              here={box.seq === here}
              select={() => box.seq >= 0 && select(box.seq)}
            />
          ))}
        </svg>
      </section>
      <figcaption>
        <span class="key untrusted" /> written by others <span class="key proves" /> evidence of an alert{' '}
        <span class="line-key secret" /> a secret <span class="line-key destination" /> names a destination{' '}
        <span class="line-key" /> any other value
        {collapsed && <strong> More than 500 events: drawn by tool.</strong>}
      </figcaption>
    </figure>
  );
}

function GraphLine({ line: { edges, path } }: { line: Line }) {
  const secret = edges.some(({ kind }) => kind === 'secret');
  const destination = edges.some((edge) => edge.destination);
  const kinds = [...new Set(edges.map(({ kind, path }) => `${kind} into ${path}`))].slice(0, 8).join('\n');
  return (
    <path
      class={`flow${secret ? ' secret' : destination ? ' destination' : ''}`}
      d={path}
      marker-end="url(#tip)"
      stroke-width={Math.min(6, 1 + Math.log2(edges.length + 1))}
    >
      <title>{kinds}</title>
    </path>
  );
}

interface BoxProps {
  box: Box;
  proves: boolean;
  here: boolean;
  select(): void;
}

function GraphBox({ box, proves, here, select }: BoxProps) {
  const name = [box.server, box.tool].filter(Boolean).join('.') || 'event';
  const label = box.seq >= 0 ? `record ${box.seq}` : `${box.events} events`;
  return (
    <g
      class={`box${box.untrusted ? ' untrusted' : ''}${proves ? ' proves' : ''}${here ? ' here' : ''}`}
      transform={`translate(${box.x} ${box.y})`}
      role="button"
      tabindex={0}
      aria-pressed={here}
      onClick={select}
      onKeyDown={({ key }) => key === 'Enter' && select()}
    >
      <rect width={BOX_WIDTH} height={BOX_HEIGHT} rx={6} />
      <text x={10} y={18} class="name">
        {shortened(name)}
      </text>
      <text x={10} y={34} class="sub">
        {label}
        {box.untrusted && ' · written by others'}
      </text>
    </g>
  );
}

/** One line of a box; characters that turn direction or show nothing are taken out of so short a label. */
function shortened(name: string): string {
  const plain = name.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu, '�');
  return plain.length > LABEL_CHARS ? `${plain.slice(0, LABEL_CHARS - 1)}…` : plain;
}
