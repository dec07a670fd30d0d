/**
 * A small gateway's side of containment, as a model for others: it polls what to enforce, refuses what is suspended,
 * and says so in signed answers. It keeps the last state while the service does not answer.
 */
import { newId } from '../../core/ids.ts';
import { signedHeaders } from './signing.ts';

interface Item {
  command_id: string;
  target: { kind: string; id: string; user_id: string };
  confirmed: boolean;
}

export interface EnforcementClientOptions {
  url: string;
  /** Key of the role `gateway`. */
  key: string;
  /** `whsec_…` of its subscription. */
  secret: string;
}

export class EnforcementClient {
  private readonly options: EnforcementClientOptions;
  private suspended: Item[] = [];
  private etag = '';
  private readonly answered = new Set<string>();

  constructor(options: EnforcementClientOptions) {
    this.options = options;
  }

  /** Whether a call of this session, agent and token is to be refused. */
  refuses(call: { session_id: string; agent: string; user_id: string; token_ref?: string }): boolean {
    return this.suspended.some(({ target: { kind, id, user_id } }) => {
      if (kind === 'session') return id === call.session_id;
      if (kind === 'token') return id === call.token_ref;
      return id === call.agent && (user_id === '' || user_id === call.user_id);
    });
  }

  /** Asks once and answers what is new. Returns how many answers were taken. */
  async poll(): Promise<number> {
    const { url, key } = this.options;
    const headers = { authorization: `Bearer ${key}`, ...(this.etag !== '' && { 'if-none-match': this.etag }) };
    const response = await fetch(`${url}/v1/enforcement`, { headers });
    if (response.status === 304) return 0;
    if (response.status !== 200) throw new Error(`the service answers ${response.status}`);
    const { suspended, released } = (await response.json()) as { suspended: Item[]; released: Item[] };
    this.suspended = suspended;
    let taken = 0;
    let all = true;
    for (const { command_id, confirmed } of [...suspended, ...released]) {
      if (confirmed || this.answered.has(command_id)) continue;
      // Only now, since from here on calls are refused.
      if ((await this.answer(command_id, 'applied')) !== 200) {
        all = false;
        continue;
      }
      this.answered.add(command_id);
      taken++;
    }
    // When an answer was not taken, the next poll must not stop at 304.
    this.etag = all ? (response.headers.get('etag') ?? '') : '';
    return taken;
  }

  /** Sends one signed answer and gives its status. */
  async answer(command_id: string, result: string, id: string = newId('answer')): Promise<number> {
    const { url, key, secret } = this.options;
    const body = JSON.stringify({ command_id, result });
    const hmac = Buffer.from(secret.replace('whsec_', ''), 'base64');
    const message = { id, timestamp_s: Math.floor(Date.now() / 1000), body };
    const signature = signedHeaders(message, [{ hmac, ed25519: Buffer.alloc(32) }]);
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...signature };
    return (await fetch(`${url}/v1/enforcement/callback`, { method: 'POST', headers, body })).status;
  }
}
