/** Events in order, with what was sent and what came back, as text that does nothing. */
import { useEffect, useRef } from 'preact/hooks';
import type { EventView } from '../api_types.ts';
import { Inert, InertBlock } from './inert.tsx';
import { ProofButton } from './proof_button.tsx';
import { Time } from './words.tsx';

interface Props {
  events: readonly EventView[];
  evidence: ReadonlySet<number>;
  here: number;
}

export function EventStory({ events, evidence, here }: Props) {
  return (
    <ol class="story">
      {events.map((event) => (
        <EventItem key={event.seq} event={event} proves={evidence.has(event.seq)} here={event.seq === here} />
      ))}
    </ol>
  );
}

function EventItem({ event, proves, here }: { event: EventView; proves: boolean; here: boolean }) {
  const item = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (here) item.current?.scrollIntoView({ block: 'nearest' });
  }, [here]);
  const { seq, type, server = '', tool = '', is_error, content_state, time } = event;
  const place = [server, tool].filter(Boolean).join('.');
  return (
    <li ref={item} id={`r${seq}`} class={`event${proves ? ' proves' : ''}${here ? ' here' : ''}`}>
      <p class="line">
        <a class="seq" href={`#r${seq}`}>
          {seq}
        </a>{' '}
        <span class="type">{type}</span>{' '}
        {place !== '' && (
          <strong>
            <Inert text={place} />
          </strong>
        )}{' '}
        {is_error === true && <span class="tag error">error</span>}
        {proves && <span class="tag proof">evidence</span>} <JoinNote event={event} />
        <span class="when">
          <Time iso={time} />
        </span>
        <ProofButton event_id={event.event_id} />
      </p>
      {content_state === 'kept' ? <Body event={event} /> : <Gone state={content_state} />}
    </li>
  );
}

/** The other half of a call. Where no id joins them, it says so: an inferred join is no fact. */
function JoinNote({ event: { result_seq, call_seq, joined_by, took_ms } }: { event: EventView }) {
  const other = result_seq ?? call_seq;
  if (other === undefined) return null;
  return (
    <span class="meta">
      {result_seq === undefined ? 'answers' : 'answered by'} <a href={`#r${other}`}>{other}</a>
      {took_ms !== undefined && ` after ${took_ms} ms`}
      {joined_by !== 'call_id' && ' (by order)'}
    </span>
  );
}

function Gone({ state }: { state: string }) {
  if (state === 'withheld') {
    return <p class="gone">Content is withheld: your role does not include content:read.</p>;
  }
  const how = state === 'expired' ? 'removed when its time was over' : 'erased';
  return <p class="gone">Content was {how}; the log still vouches for the record.</p>;
}

function Body({ event }: { event: EventView }) {
  const { params, content, content_json, tools, data_sources, reason } = event;
  return (
    <>
      {Array.isArray(tools) && <ToolList tools={tools} />}
      {params !== undefined && <InertBlock label="parameters" text={JSON.stringify(params, null, 2)} />}
      {typeof content === 'string' && <InertBlock text={content_json === true ? readable(content) : content} />}
      {data_sources !== undefined && <InertBlock label="data sources" text={JSON.stringify(data_sources, null, 2)} />}
      {typeof reason === 'string' && <InertBlock label="reason" text={reason} />}
    </>
  );
}

const TOOLS_SHOWN = 100;

function ToolList({ tools }: { tools: readonly unknown[] }) {
  return (
    <details>
      <summary>
        {tools.length} {tools.length === 1 ? 'tool' : 'tools'}
      </summary>
      <ul>
        {tools.slice(0, TOOLS_SHOWN).map((tool, at) => {
          const { name, description } = Object(tool) as Record<string, unknown>;
          return (
            <li key={at}>
              <strong>
                <Inert text={String(name ?? '')} />
              </strong>{' '}
              <Inert text={String(description ?? '').slice(0, 1_000)} />
            </li>
          );
        })}
      </ul>
    </details>
  );
}

/** MCP content blocks of text as their text, any other JSON with line breaks. */
function readable(content: string): string {
  try {
    const value: unknown = JSON.parse(content);
    const texts = Array.isArray(value) ? value.map((part) => (Object(part) as { text?: unknown }).text) : [undefined];
    return texts.every((text) => typeof text === 'string') ? texts.join('\n') : JSON.stringify(value, null, 2);
  } catch {
    return content; // cut at the limit of a field
  }
}
