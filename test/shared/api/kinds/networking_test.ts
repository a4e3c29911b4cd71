import * as assert from "uvu/assert";
import { ingressClasses } from "../../../../shared/api/kinds/ingress_class.ts";
import { ingresses } from "../../../../shared/api/kinds/ingress.ts";
import { networkPolicies } from "../../../../shared/api/kinds/network_policy.ts";
import type { Kind } from "../../../../shared/api/resource.ts";
import { admit, cells } from "../../../kit/admit.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("networking.k8s.io");
const metadata = { name: "web" };
const of = (spec: object) => ({ metadata, spec });
const peer = (...from: object[]) => of({ ingress: [{ from }] });
const port = (port: object) => of({ egress: [{ ports: [port] }] });
const backend = { service: { name: "web", port: { number: 80 } } };
const path = (path: object, host?: string) =>
  of({ rules: [{ ...host !== undefined && { host }, http: { paths: [{ backend, ...path }] } }] });
const to = (backend: object) => of({ defaultBackend: backend });
const classOf = (parameters: object) => of({ controller: "acme.io/ingress", parameters });
const here = "spec.rules[0].http.paths[0]", first = "spec.ingress[0].from[0]", out = "spec.egress[0].ports[0]";

const wrong: readonly [kind: Kind<never>, input: object, ...causes: string[]][] = [
  [networkPolicies as never, peer({}), `${first}: Required value: must specify a peer`],
  [
    networkPolicies as never,
    peer({ podSelector: {}, ipBlock: { cidr: "10.0.0.0/8" } }),
    `${first}: Forbidden: may not specify both ipBlock and another peer`,
  ],
  [
    networkPolicies as never,
    peer({ ipBlock: { cidr: "10.0.0.1" } }),
    `${first}.ipBlock.cidr: Invalid value: "10.0.0.1": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)`,
  ],
  [
    networkPolicies as never,
    peer({ ipBlock: { cidr: "10.0.0.0/8", except: ["10.1.0.0/16", "11.0.0.0/16", "10.0.0.0/8", "fd00::/8"] } }),
    ...["11.0.0.0/16", "10.0.0.0/8", "fd00::/8"].map((part, i) =>
      `${first}.ipBlock.except[${i + 1}]: Invalid value: "${part}": must be a strict subset of \`cidr\``
    ),
  ],
  [
    networkPolicies as never,
    peer({ podSelector: { matchExpressions: [{ key: "a", operator: "In" }] } }),
    `${first}.podSelector.matchExpressions[0].values: Required value: must be specified when \`operator\` is 'In' or 'NotIn'`,
  ],
  [networkPolicies as never, port({ port: 0 }), `${out}.port: Invalid value: 0: must be between 1 and 65535, inclusive`],
  [networkPolicies as never, port({ port: "x--y" }), `${out}.port: Invalid value: "x--y": must not contain consecutive hyphens`],
  [networkPolicies as never, port({ endPort: 9 }), `${out}.endPort: Invalid value: 9: may not be specified when \`port\` is not specified`],
  [
    networkPolicies as never,
    port({ port: "http", endPort: 9 }),
    `${out}.endPort: Invalid value: 9: may not be specified when \`port\` is non-numeric`,
  ],
  [
    networkPolicies as never,
    port({ port: 10, endPort: 9 }),
    `${out}.endPort: Invalid value: 10: must be greater than or equal to \`port\``,
  ],
  [
    networkPolicies as never,
    of({ policyTypes: ["Sideways"] }),
    'spec.policyTypes[0]: Unsupported value: "Sideways": supported values: "Egress", "Ingress"',
  ],
  [ingresses as never, of({}), "spec: Invalid value: null: either `defaultBackend` or `rules` must be specified"],
  [ingresses as never, path({ path: "/" }), `${here}.pathType: Required value`],
  [ingresses as never, path({ path: "x", pathType: "Prefix" }), `${here}.path: Invalid value: "x": must be an absolute path`],
  [ingresses as never, path({ path: "/a//b", pathType: "Exact" }), `${here}.path: Invalid value: "/a//b": must not contain '//'`],
  [ingresses as never, path({ path: "/a/..", pathType: "Exact" }), `${here}.path: Invalid value: "/a/..": cannot end with '/..'`],
  [
    ingresses as never,
    path({ path: "/", pathType: "Exact" }, "10.0.0.1"),
    'spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address',
  ],
  [ingresses as never, to({}), 'spec.defaultBackend: Invalid value: "": resource or service backend is required'],
  [
    ingresses as never,
    to({ ...backend, resource: { kind: "Bucket", name: "b" } }),
    'spec.defaultBackend: Invalid value: "": cannot set both resource and service backends',
  ],
  [ingresses as never, to({ resource: { kind: "", name: "b" } }), "spec.defaultBackend.resource.kind: Required value"],
  [ingresses as never, to({ service: { name: "web" } }), "spec.defaultBackend: Required value: port name or number is required"],
  [
    ingresses as never,
    to({ service: { name: "web", port: { number: 80, name: "http" } } }),
    'spec.defaultBackend: Invalid value: "": cannot set both port name & port number',
  ],
  [
    ingresses as never,
    to({ service: { name: "web", port: { number: 70000 } } }),
    "spec.defaultBackend.service.port.number: Invalid value: 70000: must be between 1 and 65535, inclusive",
  ],
  [
    ingresses as never,
    {
      metadata: { ...metadata, annotations: { "kubernetes.io/ingress.class": "a" } },
      spec: { ...to(backend).spec, ingressClassName: "b" },
    },
    'annotations.kubernetes.io/ingress.class: Invalid value: "a": can not be set when the class field is also set',
  ],
  [
    ingresses as never,
    { ...to(backend), status: { loadBalancer: { ingress: [{ ip: "sea" }] } } },
    'status.loadBalancer.ingress[0].ip: Invalid value: "sea": must be a valid IP address',
  ],
  [ingressClasses as never, of({}), "spec.controller: Required value"],
  [
    ingressClasses as never,
    of({ controller: "acme" }),
    'spec.controller: Invalid value: "acme": must be a domain-prefixed path (such as "acme.io/foo")',
  ],
  [
    ingressClasses as never,
    classOf({ kind: "K", name: "n", scope: "Namespace" }),
    "spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'",
  ],
  [
    ingressClasses as never,
    classOf({ kind: "K", name: "n", namespace: "x" }),
    "spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'",
  ],
];
for (const [kind, input, ...causes] of wrong) {
  test(`${kind.plural} may not be so: ${causes[0]}`, () => assert.equal(admit(kind as unknown as Kind, input).causes, causes));
}
test("hosts may begin with a star, and nowhere else have one", () => {
  const rule = { path: "/", pathType: "Prefix" };
  assert.equal(admit(ingresses, path(rule, "*.example.com")).causes, []);
  assert.match(admit(ingresses, path(rule, "a.*.com")).causes[0]!, /^spec.rules\[0\].host: Invalid value: "a.\*.com": a wildcard DNS-1123/);
  assert.match(
    admit(ingresses, of({ rules: [{}], tls: [{ hosts: ["A"] }] })).causes[0]!,
    /^spec.tls\[0\].hosts: Invalid value: "A": a lower/,
  );
});
test("what a policy is about follows from its rules", () => {
  const types = (spec: object) => admit(networkPolicies, of(spec)).object.spec!.policyTypes;
  assert.equal([types({}), types({ egress: [{}] }), types({ egress: [{}], policyTypes: ["Egress"] })], [
    ["Ingress"],
    ["Ingress", "Egress"],
    ["Egress"],
  ]);
  assert.equal(admit(networkPolicies, { metadata }).object.spec, { podSelector: {}, policyTypes: ["Ingress"] });
  assert.is(admit(networkPolicies, port({ port: 1 })).object.spec!.egress![0]!.ports![0]!.protocol, "TCP");
});
test("a class keeps its controller, an Ingress of old its annotation", () => {
  const old = admit(ingressClasses, of({ controller: "acme.io/ingress" })).object;
  assert.equal(admit(ingressClasses, of({ controller: "acme.io/other" }), old).causes, [
    'spec.controller: Invalid value: "acme.io/other": field is immutable',
  ]);
  const annotated = { ...to(backend), metadata: { ...metadata, annotations: { "kubernetes.io/ingress.class": "a" } } };
  const before = admit(ingresses, annotated).object;
  assert.equal(admit(ingresses, { ...annotated, spec: { ...annotated.spec, ingressClassName: "a" } }, before).causes, []);
});
test("are shown in a row", () => {
  assert.is(cells(networkPolicies, of({ podSelector: { matchLabels: { app: "web" } } }))["Pod-Selector"], "app=web");
  assert.is(cells(networkPolicies, of({}))["Pod-Selector"], "<none>");
  const hosts = (...hosts: string[]) => of({ rules: hosts.map((host) => ({ host })) });
  const shown = (input: object) => ["Class", "Hosts", "Address", "Ports"].map((name) => cells(ingresses, input)[name]);
  assert.equal(shown(of({})), ["<none>", "*", "", "80"]);
  assert.equal(shown(hosts("a", "b", "c", "d"))[1], "a,b,c + 1 more...");
  const status = { loadBalancer: { ingress: [{ ip: "192.0.2.1" }, { hostname: "lb.example.com" }] } };
  assert.equal(shown({ ...of({ ingressClassName: "acme", tls: [{}] }), status }), ["acme", "*", "192.0.2.1,lb.example.com", "80, 443"]);
  assert.is(cells(ingressClasses, classOf({ apiGroup: "acme.io", kind: "Settings", name: "s" })).Parameters, "Settings.acme.io/s");
});
