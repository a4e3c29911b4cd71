// What the desired set says about service routes. Pure; remembers what it has parsed, so that one changed service costs one parse.
import { type EndpointSlice, serviceNameLabel } from "../../shared/api/kinds/endpoint_slice.ts";
import type { Service } from "../../shared/api/kinds/service.ts";
import type { DesiredSet, Rendered } from "../../shared/wire/desired.ts";
import type { RoutesView, ServiceView } from "./ruleset.ts";

/** The node's own object, as the master renders it. */
interface NodePart extends Rendered {
  readonly spec?: { readonly podCIDR?: string; readonly podCIDRs?: readonly string[] };
  readonly cluster?: { readonly podNetwork?: string; readonly serviceNetwork?: string };
}
interface Parsed {
  readonly hash: string;
  /** Undefined: of no kind that routes are made of. */
  readonly object: Rendered | undefined;
}

const kinds = new Set(["Service", "EndpointSlice", "Node"]);
/** CIDRs of both families in one option are separated by commas. */
const cidrs = (text: string | undefined): string[] => (text ?? "").split(",").map((part) => part.trim()).filter(Boolean);

export class ViewReader {
  #parsed = new Map<string, Parsed>();
  #services = new Map<string, ServiceView>();

  /** Undefined until the set has the node's own object: without it nobody knows which endpoints are here. */
  read(set: DesiredSet): RoutesView | undefined {
    const parsed = new Map<string, Parsed>();
    const services = new Map<string, Rendered>(), slices = new Map<string, Rendered[]>();
    let node: NodePart | undefined;
    for (const [uid, { hash, body }] of set.objects) {
      const known = this.#parsed.get(uid), entry = known?.hash === hash ? known : { hash, object: parse(body) };
      parsed.set(uid, entry);
      const { object } = entry;
      if (object?.kind === "Node") node = object as NodePart;
      else if (object?.kind === "Service") services.set(`${object.metadata.namespace}/${object.metadata.name}`, object);
      else if (object?.kind === "EndpointSlice") {
        const key = `${object.metadata.namespace}/${object.metadata.labels?.[serviceNameLabel]}`;
        slices.set(key, [...slices.get(key) ?? [], object]);
      }
    }
    this.#parsed = parsed;
    if (!node) return undefined;
    const views = new Map<string, ServiceView>();
    for (const key of [...services.keys()].sort()) {
      const service = services.get(key)!, of = slices.get(key) ?? [], known = this.#services.get(key);
      const same = known !== undefined && isObject(known.service, service) && known.slices.length === of.length &&
        known.slices.every((slice, i) => isObject(slice, of[i]!));
      views.set(key, same ? known : { key, service: service as unknown as Service, slices: of as unknown as EndpointSlice[] });
    }
    this.#services = views;
    return {
      nodeName: node.metadata.name,
      networks: {
        pods: cidrs(node.cluster?.podNetwork),
        services: cidrs(node.cluster?.serviceNetwork),
        localPods: node.spec?.podCIDRs?.length ? node.spec.podCIDRs : cidrs(node.spec?.podCIDR),
      },
      services: [...views.values()],
    };
  }
}

const isObject = (a: unknown, b: unknown): boolean => a === b;

/** The masters are newer than the agents: what cannot be read is none of ours, and must not stop the rest. */
function parse(body: string): Rendered | undefined {
  try {
    const object = JSON.parse(body) as Rendered;
    return kinds.has(object.kind) && typeof object.metadata?.name === "string" ? object : undefined;
  } catch {
    return undefined;
  }
}
