/** Who may do what: one table of roles and permissions, which a test walks over every route. */
import type { Role } from '../../core/role.ts';

/** `public` needs no key; everything else is granted by the table below. */
export const PERMISSIONS = [
  'events:write',
  'receipts:read',
  'log:read',
  'sessions:read',
  'content:read',
  'alerts:read',
  'alerts:act',
  'rejected:read',
  'log:verify',
  'keys:manage',
  'subscriptions:read',
  'subscriptions:manage',
  'enforcement:read',
  'enforcement:act',
  'enforcement:answer',
  'erasures:read',
  'erasures:manage',
  'holds:read',
  'holds:manage',
  'metrics:read',
  'actions:read',
  'tools:decide',
  'controls:read',
] as const;
export type Permission = (typeof PERMISSIONS)[number];

const GRANTS: Record<Role, readonly Permission[]> = {
  ingest: ['events:write', 'receipts:read', 'log:read'],
  gateway: ['events:write', 'receipts:read', 'log:read', 'enforcement:read', 'enforcement:answer'],
  viewer: ['receipts:read', 'log:read', 'sessions:read', 'alerts:read'],
  analyst: ['receipts:read', 'log:read', 'sessions:read', 'content:read', 'alerts:read', 'alerts:act', 'rejected:read'],
  responder: [
    'receipts:read',
    'log:read',
    'sessions:read',
    'content:read',
    'alerts:read',
    'alerts:act',
    'rejected:read',
    'subscriptions:read',
    'enforcement:read',
    'enforcement:act',
    'holds:read',
    'holds:manage',
    'tools:decide',
  ],
  auditor: [
    'receipts:read',
    'log:read',
    'sessions:read',
    'content:read',
    'alerts:read',
    'rejected:read',
    'log:verify',
    'subscriptions:read',
    'erasures:read',
    'holds:read',
    'actions:read',
    'controls:read',
  ],
  monitor: ['log:read', 'metrics:read'],
  admin: PERMISSIONS,
};

export function mayDo(role: Role, permission: Permission): boolean {
  return GRANTS[role].includes(permission);
}
