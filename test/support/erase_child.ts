/** A process that erases a user in a folder and is killed, as by kill -9, at a chosen statement of the store. */
import { openService } from '../../cli/service.ts';
import { loadConfig } from '../../core/config.ts';
import type { Store } from '../../core/store/store.ts';
import { eraseContent } from '../../ingest/erase.ts';

const [data = '', user_id = '', at = '0'] = process.argv.slice(2);
const service = await openService({ config: loadConfig({ data }, {}), deliver: false });
let left = Number(at);
const step = () => {
  if (left-- === 0) process.kill(process.pid, 'SIGKILL');
};
const store = new Proxy(service.store, {
  get(target, name: keyof Store) {
    const member = target[name] as unknown;
    if (typeof member !== 'function') return member;
    if (name !== 'command' && name !== 'insert') return member.bind(target);
    return (...args: unknown[]) => {
      step();
      return member.apply(target, args);
    };
  },
});
await eraseContent(store, service.writer, {
  tenant: 'default',
  user_id,
  reason: 'asked for',
  actor: 'test',
  now_ms: Date.now(),
});
await service.close();
process.stdout.write('erased\n');
