import { Buffer } from "node:buffer";
import * as assert from "uvu/assert";
import { certificateSigningRequests, isApproved } from "../../../../shared/api/kinds/certificate_signing_request.ts";
import { admit, cells } from "../../../kit/admit.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("certificateSigningRequests");
const request = Buffer.from("-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n").toString("base64");
const metadata = { name: "a" }, spec = { request, signerName: "skerry.dev/node", username: "join:abcdef", expirationSeconds: 3600 };
const approved = { type: "Approved", status: "True" }, denied = { type: "Denied", status: "True" };
const withStatus = (status: object) => admit(certificateSigningRequests, { metadata, spec, status });

test("show what was decided", () => {
  const row = (status: object) => cells(certificateSigningRequests, withStatus(status).object);
  assert.equal(Object.entries(row({})), [
    ["Name", "a"],
    ["Age", "<unknown>"],
    ["SignerName", "skerry.dev/node"],
    ["Requestor", "join:abcdef"],
    ["RequestedDuration", "60m"],
    ["Condition", "Pending"],
  ]);
  assert.is(row({ conditions: [approved] }).Condition, "Approved");
  assert.is(row({ conditions: [approved], certificate: "AAAA" }).Condition, "Approved,Issued");
  assert.is(row({ conditions: [denied] }).Condition, "Denied");
});
test("are approved only if nobody denied them", () => {
  assert.is(isApproved(withStatus({ conditions: [{ type: "Approved" }] }).object), true);
  assert.is(isApproved(withStatus({ conditions: [approved, denied] }).object), false);
  assert.is(isApproved(withStatus({}).object), false);
});
for (
  const [title, change, ...causes] of [
    ["what is no request", { request: "AAAA" }, 'spec.request: Invalid value: "AAAA": PEM block type must be CERTIFICATE REQUEST'],
    [
      "a signer without a domain",
      { signerName: "node" },
      "spec.signerName: Invalid value: \"node\": must be a fully qualified domain and path of the form 'example.com/signer-name'",
    ],
    [
      "a certificate for a minute",
      { expirationSeconds: 60 },
      "spec.expirationSeconds: Invalid value: 60: may not specify a duration less than 600 seconds (10 minutes)",
    ],
  ] as [string, object, ...string[]][]
) test(`refuse ${title}`, () => assert.equal(admit(certificateSigningRequests, { metadata, spec: { ...spec, ...change } }).causes, causes));

test("cannot be approved and denied", () => {
  assert.equal(withStatus({ conditions: [approved, denied] }).causes, [
    'status.conditions[1].type: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive',
  ]);
});
test("keep request, decision and certificate", () => {
  const old = withStatus({ conditions: [approved], certificate: "AAAA" }).object;
  const fields = (object: object) =>
    admit(certificateSigningRequests, { ...old, ...object }, old).causes.map((cause) => cause.split(":")[0]);
  assert.equal(fields({}), []);
  assert.equal(fields({ spec: { ...spec, username: "admin" } }), ["spec"]);
  assert.equal(fields({ status: { certificate: "AAAA" } }), ["status.conditions"]);
  assert.equal(fields({ status: { ...old.status, certificate: "BBBB" } }), ["status.certificate"]);
});
