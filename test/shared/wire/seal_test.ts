import { Buffer } from "node:buffer";
import * as assert from "uvu/assert";
import { generateSealKey, privateFrom, seal, sealInfo, sealWith, unseal } from "../../../shared/wire/seal.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("seal"), hex = (text: string): Buffer => Buffer.from(text, "hex");

test("sealWith() gives the vector of RFC 9180 §A.2.1 (base mode, X25519, ChaCha20-Poly1305)", () => {
  const ephemeral = privateFrom(hex("f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600"));
  const recipient = hex("4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a");
  const info = hex("4f6465206f6e2061204772656369616e2055726e"), aad = hex("436f756e742d30");
  const plain = hex("4265617574792069732074727574682c20747275746820626561757479");
  assert.is(
    Buffer.from(sealWith(ephemeral, recipient, info, aad, plain)).toString("hex"),
    "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a" +
      "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28",
  );
});

test("unseal() opens for the key and object it was sealed for, and nowhere else", () => {
  const mine = generateSealKey(), other = generateSealKey(), info = sealInfo("c", "n", "u-1"), plain = new TextEncoder().encode("hunter2");
  const sealed = seal(mine.publicKey, info, plain);
  assert.equal([...unseal(mine.privateKey, info, sealed)], [...plain]);
  assert.throws(() => unseal(other.privateKey, info, sealed), /Cannot unseal/);
  assert.throws(() => unseal(mine.privateKey, sealInfo("c", "n", "u-2"), sealed), /Cannot unseal/);
  const changed = Uint8Array.from(sealed);
  changed[40]! ^= 1;
  assert.throws(() => unseal(mine.privateKey, info, changed), /Cannot unseal/);
  assert.throws(() => unseal(mine.privateKey, info, sealed.subarray(0, 20)), /too short/);
});
