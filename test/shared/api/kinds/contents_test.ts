import { Buffer } from "node:buffer";
import * as assert from "uvu/assert";
import { configMaps } from "../../../../shared/api/kinds/configmap.ts";
import { secrets } from "../../../../shared/api/kinds/secret.ts";
import { admit, cells } from "../../../kit/admit.ts";
import { suite } from "../../../kit/suite.ts";

const metadata = { name: "a" };
const base64 = (text: string) => Buffer.from(text).toString("base64");
const badKey =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
const locked = "Forbidden: field is immutable when `immutable` is set";

const test = suite("contents");
for (
  const [title, object, ...causes] of [
    ["a key with a slash", { data: { "a/b": "" } }, `data[a/b]: Invalid value: "a/b": ${badKey}`],
    ["a key that leads out of its folder", { data: { "..": "" } }, `data[..]: Invalid value: "..": must not be '..'`],
    ["a key in both", { data: { a: "" }, binaryData: { a: "" } }, 'binaryData[a]: Invalid value: "a": duplicate of key present in data'],
    ["more than a MiB", { data: { a: "x".repeat(1024 * 1024), b: "x" } }, "[]: Too long: may not be more than 1048576 bytes"],
  ] as [string, object, ...string[]][]
) test(`ConfigMaps refuse ${title}`, () => assert.equal(admit(configMaps, { metadata, ...object }).causes, causes));

test("ConfigMaps hold a MiB, and the keys that JavaScript knows otherwise", () => {
  const data = JSON.parse('{"__proto__":"1","constructor":"2"}');
  assert.equal(admit(configMaps, { metadata, data: { a: "x".repeat(1024 * 1024) } }).causes, []);
  const { object, causes } = admit(configMaps, { metadata, data });
  assert.equal(causes, []);
  assert.equal(Object.entries(object.data!), [["__proto__", "1"], ["constructor", "2"]]);
  assert.is(cells(configMaps, object).Data, 2);
});
test("ConfigMaps that are immutable stay so, with all their data", () => {
  const old = { metadata, data: { a: "1", b: "2" }, immutable: true };
  assert.equal(admit(configMaps, { ...old, data: { b: "2", a: "1" } }, old).causes, []);
  assert.equal(admit(configMaps, { ...old, data: { a: "1" } }, old).causes, [`data: ${locked}`]);
  assert.equal(admit(configMaps, { ...old, immutable: false }, old).causes, [`immutable: ${locked}`]);
});

test("Secrets fold stringData into data, over what is there", () => {
  const { object, causes } = admit(secrets, { metadata, data: { a: base64("1"), b: base64("2") }, stringData: { a: "ä" } });
  assert.equal(causes, []);
  assert.equal(object, { metadata, data: { a: base64("ä"), b: base64("2") }, type: "Opaque" });
});
for (
  const [title, object, ...causes] of [
    ["a pair without its key", { type: "kubernetes.io/tls", data: { "tls.crt": "" } }, "data[tls.key]: Required value"],
    ["a login without anything", { type: "kubernetes.io/basic-auth" }, "data[username]: Required value", "data[password]: Required value"],
    ["an empty ssh key", { type: "kubernetes.io/ssh-auth", data: { "ssh-privatekey": "" } }, "data[ssh-privatekey]: Required value"],
    [
      "a token of nobody",
      { type: "kubernetes.io/service-account-token" },
      "metadata.annotations[kubernetes.io/service-account.name]: Required value",
    ],
    [
      "credentials that are no JSON, without showing them",
      { type: "kubernetes.io/dockercfg", stringData: { ".dockercfg": "hush" } },
      'data[.dockercfg]: Invalid value: "<secret contents redacted>": must be valid JSON',
    ],
  ] as [string, object, ...string[]][]
) test(`Secrets refuse ${title}`, () => assert.equal(admit(secrets, { metadata, ...object }).causes, causes));

test("Secrets count their bytes, not their base64", () => {
  const data = { a: Buffer.alloc(1024 * 1024).toString("base64") };
  assert.equal(admit(secrets, { metadata, data }).causes, []);
  assert.equal(admit(secrets, { metadata, data: { ...data, b: base64("x") } }).causes, [
    "data: Too long: may not be more than 1048576 bytes",
  ]);
});
test("Secrets cannot change their type", () => {
  const old = admit(secrets, { metadata, type: "a" }).object;
  assert.equal(admit(secrets, { metadata, type: "b" }, old).causes, ['type: Invalid value: "b": field is immutable']);
});
