/** `npm run bench -- NAME [--json]`: measured speed and memory, each as a ratio to the bare cost of the same work. */
import { baselinesBench } from './baselines.ts';
import { batchesBench } from './batches.ts';
import { deliveriesBench } from './deliveries.ts';
import { detectBench } from './detect.ts';
import { detectionReport } from './detection_report.ts';
import { fitBench } from './fit.ts';
import { ingestBench } from './ingest.ts';
import { kafkaBench } from './kafka.ts';
import { killBench } from './kill.ts';
import { otlpBench } from './otlp.ts';
import { readBench } from './read.ts';
import { type Report, reportTo } from './report.ts';
import { enforcementBench } from './response.ts';

const BENCHES: Record<string, (report: Report, count?: number) => Promise<void>> = {
  ingest: ingestBench,
  read: readBench,
  batches: batchesBench,
  kafka: kafkaBench,
  kill: killBench,
  enforcement: enforcementBench,
  deliveries: deliveriesBench,
  detect: (report) => detectBench(report, []),
  baselines: baselinesBench,
  otlp: otlpBench,
};

if (process.argv[2] === 'fit') {
  await fitBench(process.argv.slice(3));
  process.exit();
}

if (process.argv[2] === 'report') {
  await detectionReport(process.argv.slice(3));
  process.exit();
}

if (process.argv[2] === 'detect') {
  const files = process.argv.slice(3).filter((word) => !word.startsWith('--'));
  await detectBench(reportTo(process.argv.includes('--json')), files);
  process.exit();
}

const words = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const json = process.argv.includes('--json');
const count = words.find((word) => /^\d+$/.test(word));
const names = words.filter((word) => !/^\d+$/.test(word));
for (const name of names.length > 0 ? names : Object.keys(BENCHES)) {
  const bench = BENCHES[name];
  if (bench === undefined) {
    process.stderr.write(`no bench ${name}; there are: ${Object.keys(BENCHES).join(', ')}\n`);
    process.exit(2);
  }
  process.stderr.write(`${name} ...\n`);
  await bench(reportTo(json), count === undefined ? undefined : Number(count));
}
