/** What a page shows, as a line for a shell or another program. */
import { useState } from 'preact/hooks';
import { apiAddress } from '../api.ts';

interface Props {
  path: string;
  query: Record<string, string | number | undefined>;
  /** The subcommand of the command line that shows the same. */
  command: string;
}

/** For a POSIX shell: nothing inside single quotes means anything but a single quote. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

export function CopyAs({ path, query, command }: Props) {
  const [copied, setCopied] = useState('');
  const address = `${location.origin}${apiAddress(path, query)}`;
  const options = Object.entries(query)
    .filter(([name, value]) => value !== undefined && value !== '' && name !== 'cursor' && name !== 'q')
    .map(([name, value]) => `--${name} ${quoted(String(value))}`);
  const forms = {
    curl: `curl -H "Authorization: Bearer $TRACEWARDEN_KEY" ${quoted(address)}`,
    'command line': ['tracewarden', command, ...(query.q ? [quoted(String(query.q))] : []), ...options].join(' '),
    link: location.href,
  };
  const copy = async (name: string, text: string) => {
    await navigator.clipboard.writeText(text);
    setCopied(name);
  };
  return (
    <details class="menu">
      <summary>Copy as</summary>
      <div>
        {Object.entries(forms).map(([name, text]) => (
          <button key={name} type="button" onClick={() => copy(name, text)}>
            {name}
          </button>
        ))}
        <span role="status">{copied === '' ? '' : `${copied} copied`}</span>
      </div>
    </details>
  );
}
