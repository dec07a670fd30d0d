/** The settings of mail: the server that takes it, how it is reached, and to whom mail may go. */
import { z } from 'zod';

const LOCAL = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*";
const LABEL = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?';
const DOMAIN = `(?:${LABEL}\\.)*${LABEL}`;
const ADDRESS = new RegExp(`^${LOCAL}@${DOMAIN}$`);
const ADDRESS_CHARS_MAX = 254; // RFC 5321, 4.5.3.1.3, without the angle brackets
const LOCAL_CHARS_MAX = 64;

/** Whether a text is one plain mail address: no name, no quotes, no list, nothing that could end a header. */
export function isMailAddress(text: string): boolean {
  return text.length <= ADDRESS_CHARS_MAX && text.indexOf('@') <= LOCAL_CHARS_MAX && ADDRESS.test(text);
}

const host = z.string().min(1).max(253);

export const MailSettings = z
  .strictObject({
    host,
    port: z.coerce.number().int().min(1).max(65_535).default(587),
    /** `starttls`: it must begin, or nothing is sent. `none`: in clear, and without a password. */
    security: z.enum(['starttls', 'tls', 'none']).default('starttls'),
    /** PEM. Without it the authorities that the system trusts. */
    ca_file: z.string().min(1).optional(),
    /** The name that the server's certificate must bear, where it is not `host`. */
    server_name: host.optional(),
    user: z.string().min(1).max(320).optional(),
    password: z.string().min(1).max(4_096).optional(),
    from: z.string().refine(isMailAddress, 'must be one plain mail address'),
    /** Mail goes to these domains and addresses, and to no other. */
    recipients: z
      .array(
        z
          .string()
          .refine(
            (text) => new RegExp(`^${DOMAIN}$`).test(text) || isMailAddress(text),
            'must be a domain or a mail address',
          ),
      )
      .min(1)
      .max(1_000),
  })
  .refine(({ user, password }) => (user === undefined) === (password === undefined), {
    path: ['password'],
    message: 'goes with a user, and a user with it',
  })
  .refine(({ security, password }) => security !== 'none' || password === undefined, {
    path: ['security'],
    message: 'must not be none where there is a password',
  });
export type MailSettings = z.infer<typeof MailSettings>;

/** Whether the settings let mail go to an address. The part before the @ is compared as it stands, a domain without case. */
export function mayBeMailed(address: string, { recipients }: Pick<MailSettings, 'recipients'>): boolean {
  if (!isMailAddress(address)) return false;
  const [local = '', domain = ''] = address.split('@');
  return recipients.some((each) => {
    const [of_local, of_domain] = each.includes('@') ? each.split('@') : [undefined, each];
    return (of_local === undefined || of_local === local) && of_domain?.toLowerCase() === domain.toLowerCase();
  });
}
