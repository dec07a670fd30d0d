/** What is wrong with rules in YAML, each with its place. */
import type { RuleFault } from '../api_types.ts';
import { Inert } from './inert.tsx';

export function RuleFaults({ faults }: { faults: readonly RuleFault[] }) {
  return (
    <ul>
      {faults.map(({ file, line, column, path, value, problem }) => (
        <li key={`${file}:${line}:${column}:${path}`}>
          {file}:{line}:{column} <Inert text={[path, value, problem].filter(Boolean).join(' ')} />
        </li>
      ))}
    </ul>
  );
}
