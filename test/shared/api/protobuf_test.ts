import * as assert from "uvu/assert";
import { decode } from "../../../shared/api/decode.ts";
import { Deployment } from "../../../shared/api/kinds/deployment.ts";
import { Lease } from "../../../shared/api/kinds/lease.ts";
import { Secret } from "../../../shared/api/kinds/secret.ts";
import { TokenReview } from "../../../shared/api/kinds/token_review.ts";
import { ControllerRevision } from "../../../shared/api/kinds/controller_revision.ts";
import { decodeProtobuf, decodeWire, encodeWire, unwrap, wrap } from "../../../shared/api/protobuf.ts";
import { any, duration, object } from "../../../shared/api/scalars.ts";
import {
  double,
  field,
  int32,
  int64,
  type Json,
  later,
  list,
  map,
  type Message,
  message,
  optional,
  string,
  type Type,
} from "../../../shared/api/schema.ts";
import { ApiError } from "../../../shared/api/status.ts";
import { WireError, Writer } from "../../../shared/api/wire.ts";
import { documentValues } from "../../../shared/limits.ts";
import { seeded } from "../../../shared/util/clock.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("decodeWire()");

/** Through the schema, to bytes, and back. */
function roundTrip(schema: Message, object: Json): void {
  const { value, unreadable, unknown } = decode(schema, object);
  assert.equal([unreadable, unknown], [[], []]);
  const { apiVersion: _, kind: __, ...rest } = value as Json;
  assert.equal(decodeWire(schema, encodeWire(schema, value as Json)), rest);
}
test("brings back what was sent: quantities, times, inlined messages, maps, zeros of pointers", () => {
  const container = {
    name: "nginx",
    image: "nginx:1",
    ports: [{ containerPort: 80, protocol: "TCP" }],
    env: [{ name: "A", value: "ü" }, { name: "B", valueFrom: { configMapKeyRef: { name: "c", key: "k", optional: false } } }],
    resources: { limits: { cpu: "500m", memory: "64Mi" } },
    livenessProbe: { httpGet: { port: "http", path: "/" }, periodSeconds: 5 },
    readinessProbe: { tcpSocket: { port: 80 } },
    securityContext: { runAsUser: 0, privileged: false, capabilities: { drop: ["ALL"] } },
  };
  const volumes = [{ name: "a", emptyDir: {} }, { name: "b", secret: { secretName: "s", defaultMode: 0 } }];
  roundTrip(Deployment, {
    metadata: { name: "web", labels: { app: "web", empty: "" }, creationTimestamp: "2026-01-02T03:04:05Z", generation: 2 ** 40 },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: "web" } },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 0, maxUnavailable: "25%" } },
      template: { metadata: { labels: { app: "web" } }, spec: { containers: [container], volumes } },
    },
  });
  roundTrip(Lease, { metadata: { name: "x" }, spec: { renewTime: "2026-01-02T03:04:05.000123Z", leaseDurationSeconds: 40 } });
  roundTrip(Secret, { metadata: { name: "x" }, data: { a: "AAECAw==", b: "" } });
  roundTrip(TokenReview, { spec: { token: "t" }, status: { user: { username: "u", extra: { scopes: ["a", "b"], none: [] } } } });
  roundTrip(ControllerRevision, { metadata: { name: "x" }, revision: 3, data: { spec: { replicas: 0, text: "ü" } } });
});

class Odd extends message("x.v1.Odd", "All that is rare.", {
  numbers: field(1, list(int32), "Numbers."),
  big: optional(2, int64, "A big number."),
  real: field(3, double, "A real number."),
  span: field(4, duration, "A span."),
  tree: field(5, any, "Anything."),
  trees: field(6, map(object), "Objects."),
  self: field(7, later((): Type<Odd> => Odd), "Another."),
  name: field(8, string, "A name."),
}) {}

test("reads negative, large and real numbers, spans and trees", () => {
  roundTrip(Odd, {
    numbers: [-1, 0, 2 ** 31 - 1, -(2 ** 31)],
    big: -(2 ** 52) - 1,
    real: -0.1,
    span: "1h0m0.5s",
    tree: [1, { a: null }],
    trees: { x: {}, y: { z: 1 } },
  });
  for (const span of ["0s", "1ns", "1.5µs", "250ms", "1m30s", "-26h0m0s"]) {
    assert.is(decodeWire(Odd, encodeWire(Odd, { span })).span ?? "0s", span);
  }
});
test("reads packed numbers, merges a message sent in pieces, and skips fields it does not know", () => {
  const bytes = new Writer().raw(1, Uint8Array.of(1, 2, 3)).varint(1, 4)
    .message(7, (odd) => odd.text(8, "a")).message(7, (odd) => odd.varint(2, 0)).double(99, 1).text(98, "x").varint(97, 1).finish();
  assert.equal(decodeWire(Odd, bytes), { numbers: [1, 2, 3, 4], self: { name: "a", big: 0 } });
});
test("leaves out zeros that say nothing, as JSON does", () => {
  const bytes = new Writer().double(3, 0).text(8, "").varint(2, 0).message(7, () => {}).finish();
  assert.equal(decodeWire(Odd, bytes), { big: 0, self: {} });
});
test("fills in what a map's entry leaves out, and takes __proto__ for a key like others", () => {
  const entry = (key: string | undefined, value: string | undefined) => (writer: Writer) => {
    if (key !== undefined) writer.text(1, key);
    if (value !== undefined) writer.text(2, value);
  };
  const bytes = new Writer().message(
    1,
    (meta) => meta.message(11, entry("a", undefined)).message(11, entry(undefined, "b")).message(11, entry("__proto__", "p")),
  ).finish();
  assert.is(JSON.stringify(decodeWire(Lease, bytes)), `{"metadata":{"labels":{"a":"","":"b","__proto__":"p"}}}`);
});
test("refuses bytes that are no message, and never more than that", () => {
  const table: [string, number[]][] = [
    ["truncated", [0x42]],
    ["truncated", [0x42, 0x80]],
    ["a field of 5 bytes does not fit", [0x42, 5, 0x61]],
    ["does not fit", [0x42, 0xff, 0xff, 0xff, 0xff, 0x7f]],
    ["a field of -1 bytes", [0x42, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]],
    ["more than 64 bits", [0x10, ...Array(11).fill(0x80)]],
    ["wire type 0, not 2", [0x40, 1]],
    ["wire type 2, not 0", [0x12, 1, 0]],
    ["wire type 3 is not in use", [0x9b, 0x06]],
    ["no tag of a field", [0x02, 0]],
    ["the message is truncated", [0x19, 1, 2, 3]],
    ["the JSON inside is broken", [0x2a, 3, 0x0a, 1, 0x7b]],
  ];
  for (const [why, bytes] of table) {
    assert.throws(
      () => decodeWire(Odd, Uint8Array.from(bytes)),
      (error: Error) => error instanceof WireError && error.message.includes(why),
      why,
    );
  }
  let deep = new Uint8Array();
  for (let i = 0; i < 150; i++) deep = new Uint8Array(new Writer().raw(7, deep).finish());
  assert.throws(() => decodeWire(Odd, deep), /100 levels deep/);
});
test("survives bytes changed at random", () => {
  const { value } = decode(Deployment, {
    metadata: { name: "a", labels: { a: "b" } },
    spec: {
      selector: { matchLabels: { a: "b" } },
      template: { spec: { containers: [{ name: "x", resources: { limits: { cpu: "1" } } }] } },
    },
  });
  const whole = encodeWire(Deployment, value as Json), random = seeded(1);
  for (let i = 0; i < 20_000; i++) {
    const bytes = Uint8Array.from(whole).subarray(0, random() < 0.3 ? Math.floor(random() * whole.length) : whole.length);
    for (let k = 0; k < 1 + i % 4; k++) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
    try {
      decodeWire(Deployment, bytes);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
    }
  }
});

const frames = suite("decodeProtobuf()");

frames("opens the frame in which kubectl sends objects", () => {
  const raw = encodeWire(Secret, { type: "Opaque" });
  const bytes = wrap({ apiVersion: "v1", kind: "Secret", raw });
  assert.equal([...bytes.subarray(0, 4)], [0x6b, 0x38, 0x73, 0]);
  assert.equal({ ...unwrap(bytes), raw: [...unwrap(bytes).raw] }, { apiVersion: "v1", kind: "Secret", raw: [...raw] });
  assert.equal(decodeProtobuf(Secret, bytes), { apiVersion: "v1", kind: "Secret", type: "Opaque" });
});
frames("answers 400 to anything else", () => {
  for (const bytes of [[], [0x6b, 0x38], [0x7b, 0x7d], [0x6b, 0x38, 0x73, 0, 0x12, 5], [0x6b, 0x38, 0x73, 0, 0x1a, 1, 0x78]]) {
    assert.throws(
      () => decodeProtobuf(Secret, Uint8Array.from(bytes)),
      (error: ApiError) => error.reason === "BadRequest",
      JSON.stringify(bytes),
    );
  }
});
frames("counts what is in a message: two bytes become an object", () => {
  const manyFields = new Uint8Array(2 * (documentValues + 1)).map((_, i) => i % 2 === 0 ? 0x0a : 0); // field 1, empty, again and again
  const body = wrap({ apiVersion: "v1", kind: "Secret", raw: manyFields });
  assert.throws(() => decodeProtobuf(Secret, body), (error: ApiError) => /more than 120000 fields/.test(error.message));
});
