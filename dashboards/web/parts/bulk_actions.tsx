/** One action on all selected alerts. Each is an action of its own in the log; what fails is named. */
import { useState } from 'preact/hooks';
import { ApiFault, apiAddress, postJson } from '../api.ts';

const ACTIONS = [
  ['acknowledge', 'Acknowledge', {}],
  ['close:benign', 'Close as benign', { verdict: 'benign' }],
  ['close:false_positive', 'Close as false positive', { verdict: 'false_positive' }],
  ['close:true_positive', 'Close as true positive', { verdict: 'true_positive' }],
] as const;

export function BulkActions({ chosen, done }: { chosen: readonly string[]; done: () => void }) {
  const [says, setSays] = useState('');
  const act = async (action: string, fields: Record<string, string>, name: string) => {
    let failed = '';
    let count = 0;
    for (const alert_id of chosen) {
      const path = `/v1/alerts/${encodeURIComponent(alert_id)}/status`;
      const body = { action: action.split(':')[0], ...fields, request_id: crypto.randomUUID() };
      try {
        await postJson(apiAddress(path), body);
        count++;
      } catch (error) {
        failed = error instanceof ApiFault ? error.message : String(error);
      }
    }
    setSays(`${name}: ${count} of ${chosen.length} done${failed === '' ? '' : `; the last that failed: ${failed}`}`);
    done();
  };
  return (
    <div class="bulk" role="toolbar" aria-label="Actions on selected alerts">
      <span>{chosen.length} selected</span>
      {ACTIONS.map(([action, name, fields]) => (
        <button key={action} type="button" disabled={chosen.length === 0} onClick={() => act(action, fields, name)}>
          {name}
        </button>
      ))}
      <span role="status">{says}</span>
    </div>
  );
}
