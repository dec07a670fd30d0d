/** A query in the language of the API, kept in the address. A fault is shown with a mark under its place. */
import { useState } from 'preact/hooks';
import type { ApiFault } from '../api.ts';
import { useUrlState } from '../url_state.ts';

interface Props {
  /** Names of fields, offered while somebody types. */
  fields: readonly string[];
  example: string;
  fault: ApiFault | undefined;
}

const LAST_WORD = /[\w.]+$/;

export function QueryBar({ fields, example, fault }: Props) {
  const { get, set } = useUrlState();
  const [text, setText] = useState(get('q'));
  const typed = LAST_WORD.exec(text)?.[0] ?? '';
  const offered = typed === '' ? [] : fields.filter((name) => name.startsWith(typed) && name !== typed);
  const place = fault?.query;
  return (
    <form
      class="query"
      aria-label="Query"
      onSubmit={(event) => {
        event.preventDefault();
        set({ q: text.trim(), cursor: '' });
      }}
    >
      <label>
        Query{' '}
        <input
          class="wide"
          type="search"
          list="query-fields"
          placeholder={example}
          value={text}
          aria-invalid={place !== undefined}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
      </label>
      <datalist id="query-fields">
        {offered.map((name) => (
          <option key={name} value={`${text.replace(LAST_WORD, '')}${name}:`} />
        ))}
      </datalist>
      <button type="submit">Search</button>
      {place !== undefined && (
        <p class="caret" role="alert">
          {get('q').slice(0, place.at)}
          <mark>{get('q').slice(place.at, place.at + place.chars) || ' '}</mark>
          {get('q').slice(place.at + place.chars)}
        </p>
      )}
    </form>
  );
}
