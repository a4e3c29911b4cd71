// What the desired set says about service routes. Pure; remembers what it has parsed, so that one changed service costs one parse.
import { type EndpointSlice, serviceNameLabel } from "../../shared/api/kinds/endpoint_slice.ts";
import type { Service } from "../../shared/api/kinds/service.ts";
import type { DesiredSet, Rendered } from "../../shared/wire/desired.ts";
import type { Networks } from "./base.ts";
import type { RoutesView, ServiceView } from "./ruleset.ts";

/** The node's own object, as the master renders it. */
interface NodePart extends Rendered {
  readonly spec?: { readonly podCIDR?: string; readonly podCIDRs?: readonly string[] };
  readonly cluster?: { readonly podNetwork?: string; readonly serviceNetwork?: string };
}
const kinds = new Set(["Service", "EndpointSlice", "Node"]);
/** CIDRs of both families in one option are separated by commas. */
const cidrs = (text: string | undefined): string[] => (text ?? "").split(",").map((part) => part.trim()).filter(Boolean);

/** Follows the set from one state to the next: what has not changed is neither parsed nor looked at again. */
export class ViewReader {
  #set: DesiredSet["objects"] = new Map();
  /** Those that routes are made of, by uid. */
  readonly #parsed = new Map<string, Rendered>();
  readonly #services = new Map<string, Rendered>();
  readonly #slices = new Map<string, Map<string, Rendered>>();
  readonly #views = new Map<string, ServiceView>();
  #sorted: readonly ServiceView[] = [];
  #node: NodePart | undefined;

  /** Undefined until the set has the node's own object: without it nobody knows which endpoints are here. */
  read({ objects }: DesiredSet): RoutesView | undefined {
    const touched = new Set<string>();
    for (const uid of this.#set.keys()) if (!objects.has(uid)) this.#drop(uid, touched);
    for (const [uid, { hash, body }] of objects) {
      if (this.#set.get(uid)?.hash === hash) continue;
      this.#drop(uid, touched);
      this.#take(uid, parse(body), touched);
    }
    this.#set = objects;
    for (const key of touched) this.#build(key);
    if (touched.size > 0) this.#sorted = [...this.#views.values()].sort((a, b) => a.key < b.key ? -1 : 1);
    return this.#node && { nodeName: this.#node.metadata.name, networks: networksOf(this.#node), services: this.#sorted };
  }

  #take(uid: string, object: Rendered | undefined, touched: Set<string>): void {
    if (!object) return;
    this.#parsed.set(uid, object);
    if (object.kind === "Node") return void (this.#node = object);
    const key = keyOf(object);
    touched.add(key);
    if (object.kind === "Service") this.#services.set(key, object);
    else this.#slices.set(key, (this.#slices.get(key) ?? new Map()).set(uid, object));
  }
  #drop(uid: string, touched: Set<string>): void {
    const object = this.#parsed.get(uid);
    if (!object) return;
    this.#parsed.delete(uid);
    if (object.kind === "Node") return void (this.#node = undefined);
    const key = keyOf(object);
    touched.add(key);
    if (object.kind === "Service") {
      if (this.#services.get(key) === object) this.#services.delete(key); // else: made anew under the same name
    } else {
      this.#slices.get(key)?.delete(uid);
      if (this.#slices.get(key)?.size === 0) this.#slices.delete(key);
    }
  }
  #build(key: string): void {
    const service = this.#services.get(key), slices = [...this.#slices.get(key)?.values() ?? []];
    if (!service) return void this.#views.delete(key);
    this.#views.set(key, { key, service: service as unknown as Service, slices: slices as unknown as EndpointSlice[] });
  }
}

/** Of a slice, the key of its service. */
const keyOf = ({ kind, metadata: { namespace, name, labels } }: Rendered): string =>
  `${namespace}/${kind === "Service" ? name : labels?.[serviceNameLabel]}`;

const networksOf = ({ spec, cluster }: NodePart): Networks => ({
  pods: cidrs(cluster?.podNetwork),
  services: cidrs(cluster?.serviceNetwork),
  localPods: spec?.podCIDRs?.length ? spec.podCIDRs : cidrs(spec?.podCIDR),
});

/** The masters are newer than the agents: what cannot be read is none of ours, and must not stop the rest. */
function parse(body: string): Rendered | undefined {
  try {
    const object = JSON.parse(body) as Rendered;
    return kinds.has(object.kind) && typeof object.metadata?.name === "string" ? object : undefined;
  } catch {
    return undefined;
  }
}
