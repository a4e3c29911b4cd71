import * as assert from "uvu/assert";
import { type Service, services } from "../../../../shared/api/kinds/service.ts";
import { admit, cells } from "../../../kit/admit.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("services");
const metadata = { name: "web" };
const service = (spec: object): object => ({ metadata, spec });
const port = { port: 80 };

const defaultsOf = (spec: object) => admit(services, service(spec)).object.spec;

test("get the defaults of their type", () => {
  assert.equal(defaultsOf({ ports: [port] }), {
    ports: [{ protocol: "TCP", port: 80, targetPort: 80 }],
    type: "ClusterIP",
    sessionAffinity: "None",
    ipFamilyPolicy: "SingleStack",
    ipFamilies: ["IPv4"],
    internalTrafficPolicy: "Cluster",
  });
  assert.is(defaultsOf({ type: "NodePort", ports: [port] })?.externalTrafficPolicy, "Cluster");
  assert.is(defaultsOf({ type: "LoadBalancer", ports: [port] })?.allocateLoadBalancerNodePorts, true);
  assert.equal(defaultsOf({ type: "ExternalName", externalName: "example.com" }), {
    type: "ExternalName",
    sessionAffinity: "None",
    externalName: "example.com",
  });
});
test("get the long form of what is said shortly", () => {
  const spec = defaultsOf({ clusterIP: "10.0.0.1", sessionAffinity: "ClientIP", ports: [{ port: 80, targetPort: "http" }] });
  assert.equal(spec?.clusterIPs, ["10.0.0.1"]);
  assert.equal(spec?.sessionAffinityConfig, { clientIP: { timeoutSeconds: 10_800 } });
  assert.is(spec?.ports?.[0]?.targetPort, "http");
});

const wrong: readonly [title: string, spec: object, ...causes: string[]][] = [
  ["no ports", {}, "spec.ports: Required value"],
  [
    "an unknown type",
    { type: "Cluster", ports: [port] },
    'spec.type: Unsupported value: "Cluster": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
  ],
  [
    "a port outside 1 to 65535",
    { ports: [{ port: 70_000 }] },
    "spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive",
  ],
  [
    "several ports without names",
    { ports: [port, { port: 81 }] },
    "spec.ports[0].name: Required value",
    "spec.ports[1].name: Required value",
  ],
  ["a name twice", { ports: [{ ...port, name: "a" }, { port: 81, name: "a" }] }, 'spec.ports[1].name: Duplicate value: "a"'],
  [
    "a port twice",
    { ports: [{ ...port, name: "a" }, { ...port, name: "b" }] },
    'spec.ports[1]: Duplicate value: {"protocol":"TCP","port":80}',
  ],
  [
    "a targetPort that is no port name",
    { ports: [{ port: 80, targetPort: "a_b" }] },
    'spec.ports[0].targetPort: Invalid value: "a_b": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
  ],
  [
    "a node port of type ClusterIP",
    { ports: [{ port: 80, nodePort: 30_080 }] },
    "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
  ],
  [
    "a node port out of range",
    { type: "NodePort", ports: [{ port: 80, nodePort: 80 }] },
    "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767",
  ],
  [
    "a clusterIP that is none",
    { clusterIP: "x", ports: [port] },
    'spec.clusterIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
  ],
  [
    "a headless NodePort",
    { type: "NodePort", clusterIP: "None", ports: [port] },
    "spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services",
  ],
  ["an ExternalName without a name", { type: "ExternalName" }, "spec.externalName: Required value"],
  [
    "an ExternalName with an address",
    { type: "ExternalName", externalName: "a.b", clusterIPs: ["10.0.0.1"] },
    "spec.clusterIPs: Forbidden: may not be set for ExternalName services",
  ],
  [
    "an external address on the loopback",
    { externalIPs: ["127.0.0.1"], ports: [port] },
    'spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
  ],
  [
    "external traffic to a ClusterIP",
    { externalTrafficPolicy: "Local", ports: [port] },
    'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services',
  ],
  [
    "affinity for a week",
    { sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP: { timeoutSeconds: 604_800 } }, ports: [port] },
    "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 604800: must be greater than 0 and less than 86400",
  ],
  [
    "a broken label in the selector",
    { selector: { app: "-" }, ports: [port] },
    "spec.selector: Invalid value: \"-\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
  ],
];
for (const [title, spec, ...causes] of wrong) test(`refuse ${title}`, () => assert.equal(admit(services, service(spec)).causes, causes));

test("may be headless without ports", () => assert.equal(admit(services, service({ clusterIP: "None" })).causes, []));

const live = (spec: object): Service => admit(services, service(spec)).object;

test("keep address and node ports that an update leaves out", () => {
  const old = live({ type: "NodePort", clusterIP: "10.0.0.1", ports: [{ port: 80, nodePort: 30_080 }] });
  const { object, causes } = admit(services, service({ type: "NodePort", ports: [{ port: 81 }] }), old);
  assert.equal(causes, []);
  assert.is(object.spec?.clusterIP, "10.0.0.1");
  assert.equal(object.spec?.clusterIPs, ["10.0.0.1"]);
  assert.is(object.spec?.ports?.[0]?.nodePort, 30_080);
});
test("cannot change their address", () => {
  const old = live({ clusterIP: "10.0.0.1", ports: [port] });
  const { causes } = admit(services, { ...old, spec: { ...old.spec, clusterIP: "10.0.0.2" } }, old);
  assert.equal(causes, ['spec.clusterIPs[0]: Invalid value: ["10.0.0.2"]: may not change once set']);
});
test("lose with their type what only it had", () => {
  const old = live({ type: "NodePort", clusterIP: "10.0.0.1", ports: [{ port: 80, nodePort: 30_080 }] });
  const inside = admit(services, { ...old, spec: { ...old.spec, type: "ClusterIP" } }, old);
  assert.equal(inside.causes, []);
  assert.is(inside.object.spec?.externalTrafficPolicy, undefined);
  assert.is(inside.object.spec?.ports?.[0]?.nodePort, undefined);
  const elsewhere = admit(services, { ...old, spec: { ...old.spec, type: "ExternalName", externalName: "example.com" } }, old);
  assert.equal(elsewhere.causes, []);
  assert.is(elsewhere.object.spec?.clusterIP, undefined);
});

test("show where they can be reached", () => {
  const nodePort = live({ type: "NodePort", clusterIP: "10.0.0.1", selector: { b: "2", a: "1" }, ports: [{ port: 80, nodePort: 30_080 }] });
  assert.equal(cells(services, nodePort), {
    Name: "web",
    Type: "NodePort",
    "Cluster-IP": "10.0.0.1",
    "External-IP": "<none>",
    "Port(s)": "80:30080/TCP",
    Age: "<unknown>",
    Selector: "a=1,b=2",
  });
  const external = (object: object) => cells(services, object)["External-IP"];
  assert.is(external(live({ type: "LoadBalancer", ports: [port] })), "<pending>");
  assert.is(external({ spec: { type: "LoadBalancer" }, status: { loadBalancer: { ingress: [{ ip: "192.0.2.1" }] } } }), "192.0.2.1");
  assert.is(external(live({ type: "ExternalName", externalName: "example.com" })), "example.com");
  assert.is(cells(services, live({ clusterIP: "None" }))["Port(s)"], "<none>");
});
