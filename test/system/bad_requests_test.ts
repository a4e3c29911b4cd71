// Requests that nobody should send, and what comes of them: an answer that says what is wrong, and nothing else.
import { Buffer } from "node:buffer";
import * as assert from "uvu/assert";
import { documentDepth, requestBodyBytes } from "../../shared/limits.ts";
import { type Answer, apiClient, type AskOptions } from "../kit/api_client.ts";
import { besieged, maps, unharmed } from "../kit/besieged_master.ts";

const test = besieged("a master that is sent nonsense");

interface Bad extends AskOptions {
  readonly method?: string;
  readonly path?: string;
  /** Status and reason, as in "400 BadRequest"; plain text has no reason. */
  readonly is: string;
  /** Sent without the admin's certificate. */
  readonly unknown?: boolean;
  /** What its message must say. */
  readonly says?: RegExp;
}
const sets = "/apis/apps/v1/namespaces/default/deployments";
const map = (more: object = {}): object => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "bad" }, ...more });
const meta = (metadata: object): object => map({ metadata: { name: "bad", ...metadata } });
const deep = (open: string, close: string, levels: number): string => open.repeat(levels) + close.repeat(levels);
const raw = (text: string): string => `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"bad"},${text}}`;
const many = (count: number, value: (index: number) => unknown): object =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`key-${index}`, value(index)]));
const deployment = (spec: unknown): object => ({ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "bad" }, spec });
const yaml = "application/yaml", strategic = "application/strategic-merge-patch+json", merge = "application/merge-patch+json";
const jsonPatch = "application/json-patch+json";
const invalid = "422 Invalid", bad = "400 BadRequest";

const table: Readonly<Record<string, Bad>> = {
  "JSON cut short": { body: '{"apiVersion":"v1","kind":', is: bad, says: /JSON/ },
  "JSON with a trailing comma": { body: raw('"data":{"a":"b",}'), is: bad },
  "text where JSON should be": { body: "hello", is: bad },
  "bytes that are not UTF-8": { body: Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]), is: bad },
  "no body": { is: bad, says: /no body/ },
  "a list": { body: "[]", is: bad },
  "null": { body: "null", is: bad },
  "a number": { body: "1e999", is: bad },
  "YAML with a tab": { body: "apiVersion: v1\n\tkind: ConfigMap", type: yaml, is: bad, says: /YAML/ },
  "YAML with an open quote": { body: 'a: "b', type: yaml, is: bad },
  "YAML bomb of aliases": {
    body: `a: &a [x,x,x,x,x,x,x,x,x]\n${
      "bcdefghi".split("").map((key, at) => `${key}: &${key} [${Array(9).fill(`*${"abcdefgh"[at]}`)}]`).join("\n")
    }\n`,
    type: yaml,
    is: bad,
  },
  "nested too deep": { body: raw(`"data":${deep("[", "]", documentDepth + 10)}`), is: bad },
  "nested far too deep": { body: deep("[", "]", 200_000), is: bad },
  "YAML of 20,000 aliases": {
    body: Array.from({ length: 20_000 }, (_, i) => `- &a${i} b\n- *a${i}\n`).join(""),
    type: yaml,
    is: bad,
    says: /100 aliases/,
  },
  "500,000 empty objects": { body: raw(`"x":[${Array(500_000).fill("{}")}]`), is: bad, says: /keys and items/ },
  "twice 50,000 fields, far down": {
    body: raw(
      `"x":${`{"${"a".repeat(10_000)}":`.repeat(90)}{${Array.from({ length: 50_000 }, (_, i) => `"${i}":1,"${i}":2`)}}${"}".repeat(90)}`,
    ),
    path: `${maps}?fieldValidation=Strict`,
    is: bad,
    says: /duplicate field/,
  },
  "YAML nested far too deep": { body: deep("[", "]", 20_000), type: yaml, is: bad },
  "objects nested far too deep": { body: '{"a":'.repeat(100_000) + "1" + "}".repeat(100_000), is: bad },
  "protobuf that is none": { body: "k8s\0garbage and more garbage", type: "application/vnd.kubernetes.protobuf", is: bad },
  "protobuf without its magic": { body: "\x0a\x00\x12\x00", type: "application/vnd.kubernetes.protobuf", is: bad },
  "protobuf whose lengths lie": {
    body: Buffer.from("6b38730012ffffffff0f0a", "hex"),
    type: "application/vnd.kubernetes.protobuf",
    is: bad,
  },
  "a type nobody reads": { body: "<xml/>", type: "application/xml", is: "415 UnsupportedMediaType" },
  "a type that is none": { body: "{}", type: "none;;;=", is: "415 UnsupportedMediaType" },
  "a form": { body: "a=b", type: "application/x-www-form-urlencoded", is: "415 UnsupportedMediaType" },
  "a body just too large": { body: " ".repeat(requestBodyBytes + 1), is: "413 RequestEntityTooLarge", says: /limit is 3145728/ },
  "a value too large": { body: map({ data: { text: "x".repeat(1_200_000) } }), is: invalid, says: /Too long/ },

  "another kind": { body: { apiVersion: "v1", kind: "Secret", metadata: { name: "bad" } }, is: bad },
  "another version": { body: { apiVersion: "v7", kind: "ConfigMap", metadata: { name: "bad" } }, is: bad },
  "a kind that is a number": { body: { apiVersion: 1, kind: 2 }, is: bad },
  "no name": { body: { apiVersion: "v1", kind: "ConfigMap" }, is: invalid, says: /name or generateName is required/ },
  "a name with capitals": { body: meta({ name: "Bad_Name" }), is: invalid, says: /metadata.name: Invalid value: "Bad_Name"/ },
  "a name too long": { body: meta({ name: "a".repeat(300) }), is: invalid, says: /253/ },
  "a name of 2 MB": { body: meta({ name: "a-".repeat(1_000_000) }), is: invalid, says: /^.{1000,5000}$/s },
  "a name that climbs": { body: meta({ name: "../../etc" }), is: invalid },
  "a name with zero": { body: meta({ name: "a\0b" }), is: invalid },
  "a name that is a list": { body: meta({ name: ["bad"] }), is: bad },
  "metadata that is text": { body: map({ metadata: "bad" }), is: bad },
  "data that is a list": { body: map({ data: ["a"] }), is: bad },
  "a value that is a number": { body: map({ data: { a: 1 } }), is: bad },
  "a value that is null": { body: map({ data: { a: { b: null } } }), is: bad },
  "a key with a slash": { body: map({ data: { "a/b": "c" } }), is: invalid },
  "a label that is a number": { body: meta({ labels: { a: 1 } }), is: bad },
  "a label with spaces": { body: meta({ labels: { "a b": "c d" } }), is: invalid },
  "data of __proto__": { body: raw('"data":{"__proto__":{"polluted":"yes"}}'), is: bad },
  "annotations too large": { body: meta({ annotations: many(300, () => "x".repeat(1000)) }), is: invalid },
  "100,000 labels": { body: meta({ labels: many(100_000, () => "!") }), is: invalid },
  "50,000 keys": { body: map({ data: many(50_000, () => "") }), is: invalid, says: /data: Too many: 50000/ },
  "another namespace": { body: meta({ namespace: "kube-system" }), is: bad },
  "a namespace that is not there": {
    path: "/api/v1/namespaces/nowhere/configmaps",
    body: map(),
    is: "404 NotFound",
    says: /namespaces "nowhere" not found/,
  },
  "a resourceVersion on create": { body: meta({ resourceVersion: "5" }), is: bad },
  "an unknown field, strictly": { path: `${maps}?fieldValidation=Strict`, body: map({ dota: {} }), is: bad, says: /unknown field "dota"/ },
  "a field twice, strictly": {
    path: `${maps}?fieldValidation=Strict`,
    body: raw('"data":{},"data":{}'),
    is: bad,
    says: /duplicate field "data"/,
  },
  "fieldValidation nobody knows": { path: `${maps}?fieldValidation=Fierce`, body: map(), is: invalid },
  "dryRun nobody knows": { path: `${maps}?dryRun=maybe`, body: map(), is: invalid, says: /supported values: "All"/ },

  "a Deployment without a spec": { path: sets, body: deployment(undefined), is: invalid, says: /spec.selector: Required value/ },
  "replicas below zero": {
    path: sets,
    body: deployment({ replicas: -1, selector: { matchLabels: { a: "b" } }, template: {} }),
    is: invalid,
  },
  "replicas as text": { path: sets, body: deployment({ replicas: "three" }), is: bad },
  "replicas past 2^53": { path: sets, body: deployment({ replicas: 1e300 }), is: bad },
  "quantities of words": {
    path: "/api/v1/namespaces/default/pods",
    body: {
      metadata: { name: "bad" },
      spec: { containers: [{ name: "a", image: "a", resources: { limits: { memory: "much" } } }] },
    },
    is: bad,
  },
  "10,000 containers": {
    path: "/api/v1/namespaces/default/pods",
    body: { metadata: { name: "bad" }, spec: { containers: Array.from({ length: 10_000 }, () => ({ name: "a" })) } },
    is: invalid,
  },

  "a kind nobody knows": { method: "GET", path: "/api/v1/namespaces/default/widgets", is: "404 -" },
  "a group nobody knows": { method: "GET", path: "/apis/nobody.example/v1/things", is: "404 -" },
  "a version nobody knows": { method: "GET", path: "/api/v9/pods", is: "404 -" },
  "a path nobody knows": { method: "GET", path: "/etc/passwd", is: "404 -" },
  "a path that climbs": { method: "GET", path: "/api/v1/../../../etc/passwd", is: "404 -" },
  "a path with broken escapes": { method: "GET", path: "/api/v1/namespaces/%zz/pods", is: "404 -" },
  "a path with zero": { method: "GET", path: "/api/v1/namespaces/a%00b/configmaps/c", is: "404 NotFound" },
  "a slash in a name": { method: "GET", path: `${maps}/a%2Fb`, is: "404 NotFound" },
  "__proto__ as a kind": { method: "GET", path: "/api/v1/__proto__", is: "404 -" },
  "constructor as a name": { method: "GET", path: `${maps}/constructor`, is: "404 NotFound" },
  "a subresource nobody knows": { method: "GET", path: `${maps}/kube-root-ca.crt/frobnicate`, is: "404 -" },
  "a path of 12,000 characters": { method: "GET", path: `/api/v1/${"a".repeat(12_000)}`, is: "404 -" },
  "a method nobody knows": { method: "PROPFIND", path: maps, is: "405 MethodNotAllowed" },
  "PUT of a collection": { method: "PUT", path: maps, body: map(), is: "405 MethodNotAllowed" },
  "POST of an object": { path: `${maps}/bad`, body: map(), is: "405 MethodNotAllowed" },
  "PUT of another name": { method: "PUT", path: `${maps}/kube-root-ca.crt`, body: map(), is: bad, says: /name of the object/ },
  "PUT of what is not there": {
    method: "PUT",
    path: `${maps}/absent`,
    body: meta({ name: "absent", resourceVersion: "1" }),
    is: "404 NotFound",
  },
  "PUT with a version that is none": {
    method: "PUT",
    path: `${maps}/kube-root-ca.crt`,
    body: meta({ name: "kube-root-ca.crt", resourceVersion: "x" }),
    is: "409 Conflict",
  },
  "PUT with an old version": {
    method: "PUT",
    path: `${maps}/kube-root-ca.crt`,
    body: meta({ name: "kube-root-ca.crt", resourceVersion: "1" }),
    is: "409 Conflict",
  },
  "DELETE of what is not there": { method: "DELETE", path: `${maps}/absent`, is: "404 NotFound" },
  "DELETE with broken options": { method: "DELETE", path: `${maps}/kube-root-ca.crt`, body: "{", is: bad },
  "DELETE with a policy nobody knows": {
    method: "DELETE",
    path: `${maps}/kube-root-ca.crt`,
    body: { propagationPolicy: "Sideways" },
    is: invalid,
  },
  "DELETE of another uid": {
    method: "DELETE",
    path: `${maps}/kube-root-ca.crt`,
    body: { preconditions: { uid: "another" } },
    is: "409 Conflict",
  },
  "a patch nobody knows": { method: "PATCH", path: `${maps}/kube-root-ca.crt`, body: "{}", is: "415 UnsupportedMediaType" },
  "a merge patch that is text": { method: "PATCH", path: `${maps}/kube-root-ca.crt`, type: merge, body: '"x"', is: bad },
  "a merge patch to wrong types": { method: "PATCH", path: `${maps}/kube-root-ca.crt`, type: merge, body: { data: 5 }, is: bad },
  "a strategic patch with a directive nobody knows": {
    method: "PATCH",
    path: `${maps}/kube-root-ca.crt`,
    type: strategic,
    body: { data: { $patch: "explode" } },
    is: bad,
  },
  "a JSON patch that is an object": { method: "PATCH", path: `${maps}/kube-root-ca.crt`, type: jsonPatch, body: {}, is: bad },
  "a JSON patch to nowhere": {
    method: "PATCH",
    path: `${maps}/kube-root-ca.crt`,
    type: jsonPatch,
    body: [{ op: "remove", path: "/no/where" }],
    is: invalid,
  },
  "a JSON patch of __proto__": {
    method: "PATCH",
    path: `${maps}/kube-root-ca.crt`,
    type: jsonPatch,
    body: [{ op: "add", path: "/__proto__/polluted", value: "yes" }],
    is: invalid,
  },
  "a JSON patch of 20,000 operations": {
    method: "PATCH",
    path: `${maps}/kube-root-ca.crt`,
    type: jsonPatch,
    body: Array.from({ length: 20_000 }, () => ({ op: "test", path: "/kind", value: "ConfigMap" })),
    is: "413 RequestEntityTooLarge",
  },

  "a continue token that is none": { method: "GET", path: `${maps}?limit=1&continue=garbage`, is: bad, says: /continue key is not valid/ },
  "a continue token of another making": {
    method: "GET",
    path: `${maps}?limit=1&continue=${Buffer.from('{"rv":-1,"start":"../../secrets/"}').toString("base64url")}`,
    is: bad,
  },
  "a limit below zero": { method: "GET", path: `${maps}?limit=-5`, is: bad },
  "a limit of words": { method: "GET", path: `${maps}?limit=some`, is: bad },
  "a version of words": { method: "GET", path: `${maps}?resourceVersion=newest`, is: invalid },
  "a version from the future": {
    method: "GET",
    path: `${maps}?resourceVersion=999999999`,
    is: "504 Timeout",
    says: /Too large resource version/,
  },
  "a version past 2^53": { method: "GET", path: `${maps}?resourceVersion=99999999999999999999`, is: invalid },
  "a watch from words": { method: "GET", path: `${maps}?watch=1&resourceVersion=newest`, is: bad },
  "a watch for a time of words": { method: "GET", path: `${maps}?watch=1&timeoutSeconds=soon`, is: bad },
  "a label selector that is none": { method: "GET", path: `${maps}?labelSelector=a+in+(`, is: bad },
  "a field selector nobody has": { method: "GET", path: `${maps}?fieldSelector=spec.x%3Dy`, is: bad },
  "a form nobody has": { method: "GET", path: maps, headers: { accept: "text/html;q=1,image/*" }, is: "406 NotAcceptable" },
  "a token nobody gave": {
    method: "GET",
    path: maps,
    headers: { authorization: "Bearer not-a-token" },
    unknown: true,
    is: "401 Unauthorized",
  },
  "a password": { method: "GET", path: maps, headers: { authorization: "Basic YTpi" }, unknown: true, is: "401 Unauthorized" },
  "nobody's wish to create": { body: map(), unknown: true, is: "403 Forbidden", says: /system:anonymous/ },
  "nobody's 10 MB": { body: "x".repeat(10_000_000), unknown: true, is: "413 RequestEntityTooLarge" },
};

const described = ({ status, body }: Answer): string => `${status} ${typeof body === "object" && body.reason ? body.reason : "-"}`;

test("answers each with its own Status, writes nothing, and serves the others", async (context) => {
  const wrong: string[] = [];
  const { client } = context.master, nobody = apiClient({ ...client, cert: "", key: "" });
  for (const [name, { method = "POST", path = maps, is, says, unknown, ...options }] of Object.entries(table)) {
    const answer = await (unknown ? nobody : client).ask(method, path, options);
    const { body } = answer, text = String(typeof body === "object" ? body.message : body);
    const whole = typeof body !== "object" || (body.kind === "Status" && body.status === "Failure" && body.code === answer.status);
    if (described(answer) !== is || !whole || (says && !says.test(text))) {
      wrong.push(`${name}: expected ${is} ${says ?? ""}, answered with ${described(answer)}: ${text.slice(0, 200)}`);
    }
  }
  nobody.close();
  assert.is(wrong.join("\n"), "");
  assert.is(({} as { polluted?: string }).polluted, undefined);
  await unharmed(context, 2_000);
});
