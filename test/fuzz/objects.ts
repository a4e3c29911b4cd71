// Valid objects of every kind, without anybody having written them: made by chance out of the schema, and mended by what the server says is wrong with them.
import { kinds } from "../../shared/api/kinds/mod.ts";
import { apiVersionOf, type Kind, pathOf, verbsOf } from "../../shared/api/resource.ts";
import type { Json, Message } from "../../shared/api/schema.ts";
import { type Random, seeded } from "../../shared/util/clock.ts";
import { mergePatch } from "../../master/registry/patch.ts";
import { type ApiContext, ask } from "../kit/api_server.ts";
import { pick, upTo } from "../kit/chance.ts";
import { type Palette, randomValue, type Typed } from "../kit/random_value.ts";

/** What may stand in a field, by its name; the first that fits. */
const words: readonly [RegExp, readonly string[]][] = [
  [/^(image)$/, ["nginx:1", "registry.example/web@sha256:" + "a".repeat(64)]],
  [/[pP]ath$|^mountPath$/, ["/a", "/var/lib/b"]],
  [/IPs?$|^ip$|^addresses$/, ["10.0.0.7", "192.168.1.1"]],
  [/^schedule$/, ["*/5 * * * *", "@daily"]],
  [/[kK]ind$/, ["Deployment", "Pod", "ClusterRole", "Node", "User"]],
  [/[aA]piGroup$/, ["rbac.authorization.k8s.io", "apps", ""]],
  [/apiVersion$/i, ["v1", "apps/v1"]],
  [/^operator$/, ["In", "Exists", "Equal"]],
  [/^verbs$/, ["get", "list", "*"]],
  [/^(resource|resources)$/, ["pods", "cpu", "limits.cpu"]],
  [/^clusterIP$/, ["None", "10.43.0.9"]],
  [/^port$/, ["80", "http"]],
  [/[tT]ime[zZ]one$/, ["Europe/Berlin"]],
];
const names = ["a", "b", "web", "pi-1", "a.b", "skerry.dev/x"];
export const likely: Palette = {
  text: (random, name) => pick(random, words.find(([fits]) => fits.test(name))?.[1] ?? names),
  number: (random, name) => /[pP]ort$/.test(name) ? 1 + upTo(random, 65_535) : upTo(random, 20) || -1,
  share: 0.16,
  depth: 6,
};

const selected = { selector: { matchLabels: { app: "web" } }, template: { metadata: { labels: { app: "web" } } } };
/** What chance does not hit: fields that must agree with each other, and texts with a form of their own. */
const known: Readonly<Record<string, Json>> = {
  DaemonSet: { spec: selected },
  Deployment: { spec: selected },
  ReplicaSet: { spec: selected },
  StatefulSet: { spec: selected },
  ReplicationController: { spec: { selector: { app: "web" }, template: selected.template } },
  LocalSubjectAccessReview: { spec: { user: "x", resourceAttributes: { namespace: "default" }, nonResourceAttributes: null } },
  CertificateSigningRequest: {
    spec: { request: btoa("-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n"), signerName: "skerry.dev/x" },
  },
  Enrollment: {
    metadata: { name: "a".repeat(26) },
    spec: { publicKeys: ["0".repeat(64)], sealKey: `${"A".repeat(43)}=`, nodeName: "pi-1" },
  },
};

/** @returns undefined where chance made nothing that the server takes */
export async function validObject(context: Pick<ApiContext, "app">, kind: Kind, random: Random): Promise<Json | undefined> {
  const palette = { ...likely, share: pick(random, [0.1, 0.2, 0.3]) };
  const made = { ...randomValue(random, { type: kind.schema }, palette) as Json, apiVersion: apiVersionOf(kind), kind: kind.kind };
  const object = mergePatch({ ...made, metadata: { name: "valid" }, status: null }, known[kind.kind] ?? {}) as Json;
  if (kind.view && kind.kind === "Event") {
    Object.assign(object, { regarding: { namespace: "default" }, eventTime: "2026-01-01T00:00:00.000000Z" });
  }
  const path = `${collection(kind, "default")}?dryRun=All`;
  for (let attempt = 0; attempt < 15; attempt++) {
    const { status, body } = await ask(context, "POST", path, { body: object });
    if (status < 300) return object;
    if (status !== 422 || !body.details?.causes) return undefined;
    for (const { field, reason } of body.details.causes) mend(random, kind.schema, object, stepsOf(field ?? ""), reason);
  }
  return undefined;
}
export const collection = (kind: Kind, namespace: string): string =>
  `${pathOf(kind)}${kind.namespaced ? `/namespaces/${namespace}` : ""}/${kind.plural}`;

/** `spec.containers[0].name` → its steps. */
const stepsOf = (field: string): string[] => field.split(/[.[\]]+/).filter((step) => step !== "");

/** What is missing is put there, what is wrong or too much goes, with the item around it if it has to be there; every time. */
function mend(random: Random, type: Message, object: Json, steps: readonly string[], reason: string): void {
  let at: unknown = object, typed: Typed | undefined = { type };
  for (const [i, step] of steps.entries()) {
    if (typeof at !== "object" || at === null) return;
    const inner: Typed | undefined = typed?.type.type === "message"
      ? (typed.type as Message).fields[step]
      : typed?.type.item && { type: typed.type.item };
    if (i < steps.length - 1) {
      if (!Object.hasOwn(at, step) && inner) (at as Json)[step] = inner.type.type === "message" ? {} : [];
      at = (at as Json)[step];
      typed = inner;
    } else if (reason !== "FieldValueRequired") {
      if (Array.isArray(at)) at.splice(Number(step), 1);
      else delete (at as Json)[step];
    } else if (inner) {
      const value = randomValue(random, inner, { ...likely, share: 0.1 }, step);
      (at as Json)[step] = Array.isArray(value) && value.length === 0
        ? [randomValue(random, { type: inner.type.item! }, likely, step)]
        : value;
    }
  }
}

export type Corpus = ReadonlyMap<Kind, readonly Json[]>;
/** Up to `each` of every kind that can be created; always the same. */
export async function validObjects(context: Pick<ApiContext, "app">, each: number): Promise<Corpus> {
  const corpus = new Map<Kind, Json[]>();
  for (const [number, kind] of kinds.entries()) {
    if (!verbsOf(kind).includes("create")) continue;
    const random = seeded(number), found: Json[] = [];
    for (let attempt = 0; attempt < 4 * each && found.length < each; attempt++) {
      const object = await validObject(context, kind, random);
      if (object) found.push(object);
    }
    corpus.set(kind, found);
  }
  return corpus;
}
