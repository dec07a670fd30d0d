/**
 * Incidents: alerts that belong together, so that a person works on one thing and not on forty. Pure: the same alerts in
 * the order of the log give the same incidents, whoever asks and however often.
 *
 * Two alerts belong together when they are of one session, when one event proves both (so a value that was followed from
 * one session into another joins them), or when a person closed one as a duplicate of the other.
 */

/** An alert as far as grouping looks at it. Alerts come in the order of the log. */
export interface GroupedAlert {
  alert_id: string;
  session_id: string;
  /** Events that prove it. */
  evidence: readonly { log: string; seq: number; event_id: string }[];
  /** The alert of which a person said that this one repeats it; '' for none. */
  duplicate_of: string;
}

/** Why an alert is in its incident: what it has in common with an earlier one. */
export interface Joint {
  by: 'session' | 'evidence' | 'duplicate';
  /** The other alert. */
  alert_id: string;
  /** The session or the event in common; of a duplicate, empty. */
  common: string;
}

export interface Incident<T extends GroupedAlert> {
  /** Id of its first alert. */
  incident_id: string;
  /** In the order of the log. The first one is joined to nothing. */
  members: { alert: T; joints: Joint[] }[];
}

/** Alerts of one tenant, in the order of the log, as incidents in the order of their first alerts. */
export function groupIncidents<T extends GroupedAlert>(alerts: readonly T[]): Incident<T>[] {
  const groups = new Groups(alerts.length);
  const of_session = new Map<string, number>();
  const of_event = new Map<string, number>();
  const places = new Map(alerts.map(({ alert_id }, at) => [alert_id, at]));
  const joints: Joint[][] = alerts.map(() => []);
  const join = (at: number, other: number, by: Joint['by'], common: string) => {
    groups.join(at, other);
    joints[at]?.push({ by, alert_id: (alerts[other] as T).alert_id, common });
  };
  alerts.forEach((alert, at) => {
    const earlier = alert.session_id === '' ? undefined : of_session.get(alert.session_id);
    if (earlier !== undefined) join(at, earlier, 'session', alert.session_id);
    else of_session.set(alert.session_id, at);
    for (const { log, seq, event_id } of alert.evidence) {
      const key = `${seq} ${log}`;
      const proven = of_event.get(key);
      if (proven === undefined) of_event.set(key, at);
      // Alerts of one session are joined already, and name their session and not each event.
      else if (alerts[proven]?.session_id !== alert.session_id) join(at, proven, 'evidence', event_id);
    }
  });
  alerts.forEach(({ duplicate_of }, at) => {
    const other = duplicate_of === '' ? undefined : places.get(duplicate_of);
    if (other !== undefined && other !== at) join(at, other, 'duplicate', '');
  });
  const incidents = new Map<number, Incident<T>>();
  alerts.forEach((alert, at) => {
    const first = groups.first(at);
    const member = { alert, joints: joints[at] ?? [] };
    const incident = incidents.get(first);
    if (incident === undefined) incidents.set(first, { incident_id: alert.alert_id, members: [member] });
    else incident.members.push(member);
  });
  return [...incidents.values()];
}

/** Disjoint sets of numbers, each named by its least member. */
class Groups {
  private readonly parents: Uint32Array;

  constructor(count: number) {
    this.parents = Uint32Array.from({ length: count }, (_, at) => at);
  }

  first(of: number): number {
    let at = of;
    for (;;) {
      const parent = this.parents[at] as number;
      if (parent === at) return at;
      // Every second step is cut short, so that chains stay short.
      this.parents[at] = this.parents[parent] as number;
      at = this.parents[at] as number;
    }
  }

  join(one: number, other: number): void {
    const [a, b] = [this.first(one), this.first(other)];
    this.parents[Math.max(a, b)] = Math.min(a, b);
  }
}
