// The only place that spells MQTT topics. `s/v1/<nodeId>/u/…` goes up, `s/v1/<nodeId>/d/…` comes down. Access control and its tests read this table.
// A new message is a new leaf below `u` or `d`; `v2` only when a meaning changes.

const wireVersion = 1;
const root = `s/v${wireVersion}`;

/** Leaves a node publishes to. `session` and `operation` take one more level: an id. */
export const up = {
  birth: { qos: 1, id: false },
  will: { qos: 1, id: false },
  heartbeat: { leaf: "hb", qos: 0, id: false },
  get: { qos: 1, id: false },
  ack: { qos: 1, id: false },
  report: { leaf: "rep", qos: 1, id: false },
  events: { leaf: "ev", qos: 1, id: false },
  session: { leaf: "c", qos: 0, id: true },
  operation: { leaf: "op", qos: 1, id: true },
  renew: { qos: 1, id: false },
} as const satisfies Record<string, Leaf>;
/** Leaves a node receives: one subscription, `s/v1/<nodeId>/d/#`, covers them. */
export const down = {
  desired: { qos: 1, id: false },
  put: { qos: 1, id: false },
  cumulative: { leaf: "cum", qos: 1, id: false },
  session: { leaf: "c", qos: 0, id: true },
  operation: { leaf: "op", qos: 1, id: true },
  renew: { qos: 1, id: false },
  time: { qos: 1, id: false },
} as const satisfies Record<string, Leaf>;

interface Leaf {
  /** How it is spelled; its own name, if left out. */
  readonly leaf?: string;
  readonly qos: 0 | 1;
  readonly id: boolean;
}
export type Up = keyof typeof up;
export type Down = keyof typeof down;

/** What an enrolled key whose certificate's dates are wrong may still do. */
export const renewalOnly: { readonly up: readonly Up[]; readonly down: readonly Down[] } = { up: ["renew"], down: ["renew", "time"] };

const spell = (direction: "u" | "d", nodeId: string, name: string, leaf: Leaf, id?: string): string =>
  `${root}/${nodeId}/${direction}/${leaf.leaf ?? name}${leaf.id ? `/${id}` : ""}`;
export const upTopic = (nodeId: string, name: Up, id?: string): string => spell("u", nodeId, name, up[name], id);
export const downTopic = (nodeId: string, name: Down, id?: string): string => spell("d", nodeId, name, down[name], id);
/** The one filter a node subscribes to. */
export const downFilter = (nodeId: string): string => `${root}/${nodeId}/d/#`;

export interface Place {
  readonly nodeId: string;
  readonly direction: "up" | "down";
  readonly name: string;
  readonly id?: string;
}

const nodeIdText = /^[a-z2-7]{26}$/;
const sessionIdText = /^[A-Za-z0-9_-]{1,32}$/;
const byLeaf = (table: Record<string, Leaf>): Map<string, [string, Leaf]> =>
  new Map(Object.entries(table).map(([name, leaf]) => [leaf.leaf ?? name, [name, leaf]]));
const leaves = { u: byLeaf(up), d: byLeaf(down) };

/** What a topic means; undefined if it is none of ours. Wildcards are never ours. */
export function parseTopic(topic: string): Place | undefined {
  const [s, v, nodeId, direction, leaf, id, ...rest] = topic.split("/");
  if (`${s}/${v}` !== root || !nodeId || !nodeIdText.test(nodeId) || (direction !== "u" && direction !== "d") || !leaf || rest.length > 0) {
    return undefined;
  }
  const found = leaves[direction].get(leaf);
  if (!found || found[1].id !== (id !== undefined) || (id !== undefined && !sessionIdText.test(id))) return undefined;
  return { nodeId, direction: direction === "u" ? "up" : "down", name: found[0], ...(id !== undefined && { id }) };
}
