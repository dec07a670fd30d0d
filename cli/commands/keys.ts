/** `tracewarden keys`: list, create and revoke keys of the API. */
import { type Command, Option } from 'commander';
import { ROLES } from '../../core/role.ts';
import { type CommonFlags, useBackend, useLog, withBackend } from '../command.ts';
import { inert, print, printJson, say, table } from '../output.ts';

interface KeyFlags extends CommonFlags {
  role?: string;
  tenant?: string;
  expires?: string;
  overlap?: string;
}

interface KeyJson {
  key_id: string;
  name: string;
  role: string;
  tenant: string;
  created_at: string;
  expires_at: string | null;
  revoked: boolean;
  key?: string;
}

export function keysCommand(program: Command): void {
  const keys = program.command('keys').description('list, create and revoke keys of the API');
  withBackend(keys.command('list', { isDefault: true })).action(list);
  withBackend(keys.command('create').argument('<name>'))
    .addOption(new Option('--role <role>').choices(ROLES).makeOptionMandatory())
    .option('--tenant <tenant>', 'the one tenant it may see, or * for all', 'default')
    .option('--expires <time>', 'RFC 3339')
    .action(create);
  withBackend(keys.command('rotate').argument('<key_id>'))
    .description('make a key in the place of another, which works on for a while')
    .option('--overlap <seconds>', 'how long both keys work', '86400')
    .action(rotate);
  withBackend(keys.command('revoke').argument('<key_id>')).action(revoke);
}

async function list(flags: KeyFlags): Promise<void> {
  await useLog(flags, async (backend) => {
    const { keys } = await backend.json<{ keys: KeyJson[] }>('GET', '/v1/keys');
    if (flags.json) for (const key of keys) printJson({ ...key });
    else {
      const cells = keys.map((key) => [
        key.key_id,
        key.name,
        key.role,
        key.tenant,
        key.expires_at ?? 'never',
        key.revoked ? 'revoked' : '',
      ]);
      print(table(['key', 'name', 'role', 'tenant', 'expires', ''], cells));
    }
  });
}

async function create(name: string, flags: KeyFlags): Promise<void> {
  await useBackend(flags, async (backend) => {
    const body = { name, role: flags.role, tenant: flags.tenant, expires_at: flags.expires };
    showNew(await backend.json<KeyJson>('POST', '/v1/keys', body), flags);
  });
}

async function rotate(key_id: string, flags: KeyFlags): Promise<void> {
  await useBackend(flags, async (backend) => {
    const body = { overlap_seconds: Number(flags.overlap) };
    const path = `/v1/keys/${encodeURIComponent(key_id)}/rotation`;
    showNew(await backend.json<KeyJson>('POST', path, body), flags);
    say(`key ${key_id} works for ${flags.overlap} seconds more`);
  });
}

function showNew(key: KeyJson, flags: KeyFlags): void {
  if (flags.json) printJson({ ...key });
  else {
    print(String(key.key));
    say(`key ${key.key_id} with the role ${key.role} for tenant ${inert(key.tenant)}; it is shown this once`);
  }
}

async function revoke(key_id: string, flags: KeyFlags): Promise<void> {
  await useLog(flags, async (backend) => {
    await backend.call('DELETE', `/v1/keys/${encodeURIComponent(key_id)}`);
    if (flags.json) printJson({ key_id, revoked: true });
    else say(`key ${key_id} is revoked`);
  });
}
