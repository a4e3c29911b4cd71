import * as assert from "uvu/assert";
import { strategicMergePatch } from "../../../master/registry/strategic_merge.ts";
import { Deployment } from "../../../shared/api/kinds/deployment.ts";
import { ConfigMap } from "../../../shared/api/kinds/configmap.ts";
import { Node } from "../../../shared/api/kinds/node.ts";
import { Pod } from "../../../shared/api/kinds/pod.ts";
import { Service } from "../../../shared/api/kinds/service.ts";
import type { Field, Json, Message, Type } from "../../../shared/api/schema.ts";
import { type Random, seeded } from "../../../shared/util/clock.ts";
import { suite } from "../../kit/suite.ts";

const merge = suite("strategicMergePatch()");

const template = (...containers: Json[]): Json => ({ spec: { template: { spec: { containers } } } });
const web = template({ name: "nginx", image: "nginx:1", ports: [{ containerPort: 80 }] }, { name: "log", image: "vector:1" });

/** What kubectl 1.27 and 1.33 send, and what becomes of a Deployment. */
const bodies: Readonly<Record<string, { target: Json; patch: Json; result: Json }>> = {
  "apply, of a new image": {
    target: web,
    patch: { spec: { template: { spec: { $setElementOrder_containers: 0, containers: [{ image: "nginx:2", name: "nginx" }] } } } },
    result: template({ name: "nginx", image: "nginx:2", ports: [{ containerPort: 80 }] }, { name: "log", image: "vector:1" }),
  },
  "set image": {
    target: web,
    patch: {
      spec: {
        template: {
          spec: { "$setElementOrder/containers": [{ name: "nginx" }, { name: "log" }], containers: [{ image: "vector:2", name: "log" }] },
        },
      },
    },
    result: template({ name: "nginx", image: "nginx:1", ports: [{ containerPort: 80 }] }, { name: "log", image: "vector:2" }),
  },
  "set env": {
    target: template({ name: "nginx", env: [{ name: "B", value: "1" }] }),
    patch: {
      spec: {
        template: {
          spec: { "$setElementOrder/containers": [{ name: "nginx" }], containers: [{ env: [{ name: "A", value: "b" }], name: "nginx" }] },
        },
      },
    },
    result: template({ name: "nginx", env: [{ name: "A", value: "b" }, { name: "B", value: "1" }] }),
  },
  "set env B-": {
    target: template({ name: "nginx", env: [{ name: "A", value: "b" }, { name: "B", value: "1" }] }),
    patch: template({ $setElementOrder_env: 0, env: [{ $patch: "delete", name: "B" }], name: "nginx" }),
    result: template({ name: "nginx", env: [{ name: "A", value: "b" }] }),
  },
  "set resources": {
    target: web,
    patch: {
      spec: {
        template: {
          spec: {
            "$setElementOrder/containers": [{ name: "nginx" }, { name: "log" }],
            containers: [{ name: "log", resources: { limits: { cpu: "1" } } }],
          },
        },
      },
    },
    result: template({ name: "nginx", image: "nginx:1", ports: [{ containerPort: 80 }] }, {
      name: "log",
      image: "vector:1",
      resources: { limits: { cpu: "1" } },
    }),
  },
  "apply, with a container gone and one new": {
    target: web,
    patch: {
      spec: {
        template: {
          spec: {
            "$setElementOrder/containers": [{ name: "side" }, { name: "nginx" }],
            containers: [{ $patch: "delete", name: "log" }, { name: "side", image: "side:1" }],
          },
        },
      },
    },
    result: template({ name: "side", image: "side:1" }, { name: "nginx", image: "nginx:1", ports: [{ containerPort: 80 }] }),
  },
  "apply, of another strategy": {
    target: { spec: { strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1 } } } },
    patch: { spec: { strategy: { $retainKeys: ["type"], type: "Recreate" } } },
    result: { spec: { strategy: { type: "Recreate" } } },
  },
  "rollout restart": {
    target: web,
    patch: { spec: { template: { metadata: { annotations: { "kubectl.kubernetes.io/restartedAt": "2026-11-20T20:37:08Z" } } } } },
    result: {
      spec: {
        template: {
          ...(web.spec as { template: Json }).template,
          metadata: { annotations: { "kubectl.kubernetes.io/restartedAt": "2026-11-20T20:37:08Z" } },
        },
      },
    },
  },
  "rollout resume": {
    target: { spec: { paused: true, replicas: 2 } },
    patch: { spec: { paused: null } },
    result: { spec: { replicas: 2 } },
  },
  "patch, of a new container: to the front, as upstream": {
    target: web,
    patch: template({ name: "redis", image: "redis" }),
    result: template(
      { name: "redis", image: "redis" },
      ...(web.spec as { template: { spec: { containers: Json[] } } }).template.spec.containers,
    ),
  },
  "apply, with the field of an unknown name": {
    target: {},
    patch: { spec: { bogus: { a: null, b: 1 } } },
    result: { spec: { bogus: { b: 1 } } },
  },
};
for (const [title, { target, patch, result }] of Object.entries(bodies)) {
  merge(`does what kubectl means: ${title}`, () => {
    const before = structuredClone([target, patch]), named = spell(patch);
    assert.equal(strategicMergePatch(Deployment, target, named), result);
    assert.equal([target, patch], before, "its arguments are left alone");
  });
}
/** `$setElementOrder_x: 0` stands for a client that orders exactly what it patches and does not delete. */
function spell(value: Json): Json {
  const written = JSON.parse(JSON.stringify(value), (_, inner) => {
    if (typeof inner !== "object" || inner === null) return inner;
    for (const key of Object.keys(inner).filter((key) => key.startsWith("$setElementOrder_"))) {
      const list = key.slice("$setElementOrder_".length);
      delete inner[key];
      inner[`$setElementOrder/${list}`] = inner[list].filter((item: Json) => !item.$patch).map(({ name }: Json) => ({ name }));
    }
    return inner;
  });
  return written;
}

merge("replaces lists that are atomic, and those of kinds without a schema for them", () => {
  const tainted = { spec: { taints: [{ key: "a", effect: "NoExecute" }] } };
  const patch = { spec: { taints: [{ effect: "NoSchedule", key: "k", value: "v" }] } };
  assert.equal(strategicMergePatch(Node, tainted, patch), patch);
});
merge("merges sets of scalars, and removes from them", () => {
  const target = { metadata: { finalizers: ["a", "b", "c"] } };
  const patch = {
    metadata: { "$deleteFromPrimitiveList/finalizers": ["b"], finalizers: ["d", "c"], "$setElementOrder/finalizers": ["d", "c", "a"] },
  };
  assert.equal(strategicMergePatch(Pod, target, patch), { metadata: { finalizers: ["d", "c", "a"] } });
});
merge("leaves what only the server knows between its neighbours", () => {
  const spec = (...names: string[]) => ({ spec: { containers: names.map((name) => ({ name })) } });
  const known = (...names: string[]) => ({ spec: { "$setElementOrder/containers": names.map((name) => ({ name })) } });
  assert.equal(strategicMergePatch(Pod, spec("a", "injected", "b"), known("a", "b")), spec("a", "injected", "b"));
  assert.equal(strategicMergePatch(Pod, spec("a", "b", "injected"), known("b", "a")), spec("b", "a", "injected"));
});
merge("compares keys as values, and takes equal keys for one item", () => {
  const dns = (tcp: string, udp: string) => ({
    spec: { ports: [{ port: 53, protocol: "TCP", name: tcp }, { port: 53, protocol: "UDP", name: udp }] },
  });
  assert.equal(strategicMergePatch(Service, dns("t", "u"), { spec: { ports: [{ port: 53, name: "x" }] } }), dns("x", "u"));
  const text = strategicMergePatch(Service, dns("t", "u"), { spec: { ports: [{ port: "53" }] } }) as { spec: { ports: Json[] } };
  assert.is(text.spec.ports.length, 3);
});
merge("obeys $patch in a map and in a list", () => {
  const pod = { metadata: { labels: { a: "1" } }, spec: { volumes: [{ name: "x", emptyDir: {} }, { name: "y", emptyDir: {} }] } };
  assert.equal(strategicMergePatch(Pod, pod, { metadata: { labels: { $patch: "replace", b: "2" } } }).metadata, { labels: { b: "2" } });
  assert.equal(strategicMergePatch(Pod, pod, { metadata: { labels: { $patch: "delete" } } }).metadata, { labels: {} });
  const one = { spec: { volumes: [{ name: "z", emptyDir: {} }, { $patch: "replace" }] } };
  assert.equal(strategicMergePatch(Pod, pod, one).spec, { volumes: [{ name: "z", emptyDir: {} }] });
});
merge("replaces one source of a volume by another", () => {
  const pod = { spec: { volumes: [{ name: "x", emptyDir: {} }] } };
  const patch = { spec: { volumes: [{ $retainKeys: ["name", "configMap"], name: "x", configMap: { name: "c" } }] } };
  assert.equal(strategicMergePatch(Pod, pod, patch), { spec: { volumes: [{ name: "x", configMap: { name: "c" } }] } });
});
merge("takes __proto__ for a key like others", () => {
  const merged = strategicMergePatch(ConfigMap, { data: { a: "1" } }, JSON.parse(`{"data":{"__proto__":"p","constructor":"c"}}`));
  assert.is(JSON.stringify(merged), `{"data":{"a":"1","__proto__":"p","constructor":"c"}}`);
});
merge("refuses patches that say something else than they mean", () => {
  const containers = { spec: { containers: [{ name: "a" }, { name: "b" }] } };
  const table: [Json, RegExp][] = [
    [{ spec: { containers: [{ image: "x" }] } }, /does not contain declared merge key: name/],
    [{ spec: { containers: ["x"] } }, /is not an object/],
    [{ spec: { containers: [{ $patch: "merge", name: "a" }] } }, /unknown patch type: "merge"/],
    [{ $patch: "drop" }, /unknown patch type: "drop"/],
    [{ spec: { "$setElementOrder/containers": [{ name: "b" }], containers: [{ name: "a" }] } }, /doesn't match/],
    [{ spec: { "$setElementOrder/containers": 5 } }, /must be a list/],
    [{ metadata: { $retainKeys: ["name"], namespace: "x" } }, /is not in its \$retainKeys/],
  ];
  for (const [patch, message] of table) {
    assert.throws(() => strategicMergePatch(Pod, containers, patch), (error: Error) => message.test(error.message), JSON.stringify(patch));
  }
});

merge("shows of a patch that it refuses no more than anybody reads", () => {
  const patch = { $patch: "x", data: { a: "x".repeat(100_000) } };
  assert.throws(
    () => strategicMergePatch(ConfigMap, {}, patch),
    (error: Error) => /^unknown patch type: "x"/.test(error.message) && error.message.length < 1_200,
  );
});
merge("makes of a what diff(a, b) says, for any two deployments", () => {
  for (let seed = 1; seed <= 400; seed++) {
    const random = seeded(seed), a = deployment(random), b = deployment(random);
    assert.equal(strategicMergePatch(Deployment, a, diff(Deployment, a, b)), b, `seed ${seed}`);
  }
});

/** A naive client: says everything that differs, and the order of every list it knows. */
function diff(type: Type<unknown> | undefined, a: Json, b: Json): Json {
  const patch: Json = {};
  for (const key of Object.keys(a)) if (!Object.hasOwn(b, key)) patch[key] = null;
  for (const [key, to] of Object.entries(b)) {
    const from = a[key], fields = type?.type === "message" ? (type as Message).fields : {}, field: Field | undefined = fields[key];
    const inner = field?.type ?? type?.item;
    if (Array.isArray(to) && Array.isArray(from) && field?.patch?.strategy.startsWith("merge")) {
      patch[`$setElementOrder/${key}`] = field.patch.key ? to.map((item) => ({ [field.patch!.key!]: item[field.patch!.key!] })) : to;
      if (field.patch.key) patch[key] = listDiff(inner!.item!, field.patch.key, from, to);
      else {
        patch[key] = to.filter((item) => !from.includes(item));
        patch[`$deleteFromPrimitiveList/${key}`] = from.filter((item) => !to.includes(item));
      }
    } else if (isMap(to) && isMap(from)) {
      const changes = diff(inner, from, to);
      if (field?.patch?.strategy.includes("retainKeys")) patch[key] = { $retainKeys: Object.keys(to), ...without(changes, from, to) };
      else patch[key] = changes;
    } else patch[key] = to;
  }
  return patch;
}
/** $retainKeys speaks for the keys that are gone. */
const without = (changes: Json, from: Json, to: Json): Json =>
  Object.fromEntries(Object.entries(changes).filter(([key]) => !(Object.hasOwn(from, key) && !Object.hasOwn(to, key))));
function listDiff(item: Type<unknown>, key: string, from: Json[], to: Json[]): Json[] {
  const gone = from.filter((a) => !to.some((b) => a[key] === b[key])).map((a) => ({ $patch: "delete", [key]: a[key] }));
  return [...gone, ...to.map((b) => ({ ...diff(item, from.find((a) => a[key] === b[key]) ?? {}, b), [key]: b[key] }))];
}
const isMap = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);

function deployment(random: Random): Json {
  const under = (end: number) => Math.floor(random() * end);
  const some = <T>(names: readonly T[]): T[] =>
    names.map((name) => ({ name, place: random() })).filter(({ place }) => place < 0.6).sort((x, y) => x.place - y.place).map(({ name }) =>
      name
    );
  const maybe = (object: Json): Json => Object.fromEntries(Object.entries(object).filter(() => random() < 0.8));
  const container = (name: string): Json => ({
    name,
    ...maybe({
      image: `i:${under(3)}`,
      args: some(["-a", "-b"]),
      env: some(["A", "B", "C", "D"]).map((name) => ({ name, value: `${under(2)}` })),
      ports: some([80, 81, 443]).map((containerPort) => ({ containerPort, ...maybe({ name: `p${under(3)}` }) })),
      volumeMounts: some(["/a", "/b", "/c"]).map((mountPath) => ({ mountPath, name: `v${under(3)}` })),
      resources: { limits: maybe({ cpu: `${under(4)}`, memory: "1Gi" }) },
    }),
  });
  return {
    metadata: maybe({
      labels: maybe({ a: `${under(3)}`, b: "1" }),
      finalizers: some(["x/a", "x/b", "x/c"]),
      ownerReferences: some(["u1", "u2"]).map((uid) => ({ uid, name: `${under(2)}` })),
    }),
    spec: maybe({
      replicas: under(4),
      strategy: random() < 0.5
        ? { type: "Recreate" }
        : { type: "RollingUpdate", rollingUpdate: maybe({ maxSurge: under(3), maxUnavailable: "25%" }) },
      template: {
        spec: maybe({
          containers: some(["a", "b", "c", "d", "e"]).map(container),
          initContainers: some(["i", "j"]).map(container),
          volumes: some(["v0", "v1", "v2"]).map((name) =>
            random() < 0.5 ? { name, emptyDir: maybe({ medium: "Memory" }) } : { name, configMap: { name: `${under(2)}` } }
          ),
          tolerations: some(["t", "u"]).map((key) => ({ key, effect: "NoExecute" })),
          nodeSelector: maybe({ disk: `${under(2)}`, arch: "arm64" }),
        }),
      },
    }),
  };
}
