import { Buffer } from "node:buffer";
import * as assert from "uvu/assert";
import { type Command, decodeCommand, encodeCommand } from "../../../master/store/command.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("command");
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const everything: Command = {
  do: "transact",
  quotaBytes: 2 ** 29,
  transaction: {
    compares: [
      { key: "/r/core/pods/default/web", target: "modRevision", is: 2 ** 52 },
      { key: "ü", target: "createRevision", is: 0 },
      { key: "😀", target: "version", is: 7 },
      { key: "v", target: "value", is: bytes("old") },
    ],
    then: [{ do: "put", key: "a", value: bytes("1"), lease: 9 }, { do: "put", key: "b", value: bytes("") }, { do: "delete", key: "c" }],
    else: [{ do: "get", key: "d" }],
  },
};
const all: Command[] = [
  everything,
  { do: "compact", revision: 12 },
  { do: "grant", ttlMs: 15_000 },
  { do: "keepAlive", lease: 1 },
  { do: "revoke", lease: 2 },
  { do: "expire", lease: 3 },
  { do: "expire", lease: 3, renewals: 7 },
];

test("decodeCommand() gives back what encodeCommand() was given", () => {
  for (const command of all) assert.equal(decodeCommand(encodeCommand(command)), command);
});

test("encodeCommand() writes the bytes that older logs hold", () => {
  assert.is(
    Buffer.from(encodeCommand(everything)).toString("hex"),
    "0100" + "000000000000c041" +
      "0400" + "001800" + Buffer.from("/r/core/pods/default/web").toString("hex") + "0000000000003043" + "010200c3bc0000000000000000" +
      "020400f09f98800000000000001c40" + "0301007603000000" + "6f6c64" +
      "0300" + "010100610000000000002240" + "0100000031" + "0101006200000000000000000000" + "0000" + "02010063" +
      "0100" + "00010064",
  );
  assert.equal(all.slice(1).map((command) => Buffer.from(encodeCommand(command)).toString("hex")), [
    "01010000000000002840",
    "010200000000004ccd40",
    "0103000000000000f03f",
    "01040000000000000040",
    "01050000000000000840",
    "010500000000000008400000000000001c40",
  ]);
});

test("decodeCommand() refuses every truncation, and formats and kinds it does not know", () => {
  const encoded = encodeCommand(everything);
  for (let length = 0; length < encoded.length; length++) assert.throws(() => decodeCommand(encoded.subarray(0, length)), /log entry/);
  assert.throws(() => decodeCommand(Uint8Array.of(2, 0)), /format 2/);
  assert.throws(() => decodeCommand(Uint8Array.of(1, 99)), /number 99/);
});
