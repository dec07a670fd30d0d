/** Writes docs/faults.md from what `npm run test:faults` kept: each cell with how often it was tried, and when last. */
import { readFileSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';

interface Tried {
  cell: string;
  seed: number;
  seconds: number;
  at: string;
}

const [from = 'node_modules/.cache/faults.jsonl', to = 'docs/faults.md'] = process.argv.slice(2);
const results = readFileSync(from, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Tried);
const rows = [...new Set(results.map(({ cell }) => cell))].map((cell) => {
  const own = results.filter((each) => each.cell === cell);
  const longest = Math.max(...own.map(({ seconds }) => seconds));
  const last = own.map(({ at }) => at.slice(0, 10)).sort();
  return `| ${cell} | ${new Set(own.map(({ seed }) => seed)).size} | ${longest.toFixed(0)} s | ${last.at(-1)} |`;
});
writeFileSync(
  to,
  `# Fault table

Logs from Kafka while something breaks: a broker, two workers, a signer and the service, each a process of its own, over one store. Events come in the whole time. A cell passes when every produced event is one leaf, none is missing and none there twice,
the logs of all partitions verify against their signed checkpoints, and the alerts are those of a run in which nothing broke. A cell that fails is not in the table, and fails the run. Sessions with the group time out after 3 s, outages last twice as long.

\`npm test\` tries each cell once, \`npm run test:faults\` twenty times; what is below was tried as often as it says (Node.js ${process.versions.node}, Linux ${release().split('-')[0]}).

| while events come in | seeds | longest | last |
|---|---|---|---|
${rows.join('\n')}

Not in the table: a disk that is full and a store that fails are tried on the writer of logs alone (\`test/log_faults.test.ts\`), a rebalance between any two steps of a takeover in the simulation (\`npm run test:protocol\`). A clock that jumps was not tried: arrival is the broker's time.
`,
);
