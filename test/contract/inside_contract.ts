// What the agent relies on inside of a pod: commands that run beside what runs, attaching to that, and connections to its ports.
import * as assert from "uvu/assert";
import type { RuntimeError } from "../../agent/runtime/runtime.ts";
import { eventually } from "../kit/eventually.ts";
import { rejects, type Test } from "../kit/suite.ts";
import { containerIn, missingCommand, readySandbox, reasonOf, runContainer, type RuntimeUnderTest, sh } from "./runtime_setup.ts";

export function insideContract<C extends RuntimeUnderTest>(test: Test<C>): void {
  test("exec() gives output and exit code", async (on) => {
    const sandbox = await readySandbox(on);
    const id = await runContainer(on, sandbox);
    const limits = { timeoutMs: 10_000, maxOutputBytes: 1000 };
    assert.equal(await on.runtime.exec(id, ["sh", "-c", "hostname; exit 5"], limits), {
      exitCode: 5,
      output: `${sandbox.spec.hostname}\n`,
    });
    assert.is((await on.runtime.exec(id, ["sh", "-c", "echo 123456789"], { ...limits, maxOutputBytes: 4 })).output, "1234");
    assert.is((await on.runtime.exec(id, [missingCommand], limits)).exitCode, 127);
    assert.is(await reasonOf(on.runtime.exec(id, ["sleep", "60"], { ...limits, timeoutMs: 500 })), "Timeout");
  });

  test("open() carries stdin, stdout, stderr and the exit code", async (on) => {
    const id = await runContainer(on, await readySandbox(on));
    const cat = await on.runtime.open(id, ["cat"], { stdin: true, tty: false });
    const writer = cat.stdin!.getWriter();
    await writer.write(new TextEncoder().encode("through"));
    await writer.close();
    assert.is(await new Response(cat.stdout).text(), "through");
    assert.is(await cat.done, 0);
    const both = await on.runtime.open(id, ["sh", "-c", "echo out; echo err >&2; exit 4"], { stdin: false, tty: false });
    assert.is(both.stdin, undefined);
    assert.equal(await Promise.all([new Response(both.stdout).text(), new Response(both.stderr!).text(), both.done]), [
      "out\n",
      "err\n",
      4,
    ]);
    assert.is((await on.runtime.open(id, ["true"], { stdin: false, tty: true })).stderr, undefined);
  });

  test("open() without a command attaches to what runs until it ends, and to nothing that has ended", async (on) => {
    const id = await runContainer(on, await readySandbox(on), sh("sleep 2; exit 6"));
    const attached = await on.runtime.open(id, undefined, { stdin: false, tty: false });
    assert.equal(await Promise.all([new Response(attached.stdout).text(), new Response(attached.stderr!).text(), attached.done]), [
      "",
      "",
      6,
    ]);
    await containerIn(on, id, "exited");
    const error = await rejects(on.runtime.open(id, undefined, { stdin: false, tty: false })) as RuntimeError;
    assert.match(error.message, "is not running");
    assert.is((await containerIn(on, id, "exited")).exitCode, 6, "it stays as it was");
  });

  test("connect() reaches a port of the pod's localhost, and says when nobody listens", async (on) => {
    const id = await runContainer(on, await readySandbox(on));
    const answer = async (request: string): Promise<string> => {
      const connection = await eventually("somebody listens", () => on.runtime.connect(id, 8080));
      connection.end(request); // our end is no reason not to answer
      let text = "";
      for await (const bytes of connection) text += bytes;
      return text;
    };
    assert.match(await answer("GET / HTTP/1.0\r\nConnection: close\r\n\r\n"), /^HTTP\/1\.[01] 200 OK\r\n[^]*pod web-\d+/);
    const all = await Promise.all(Array.from({ length: 20 }, () => answer("GET / HTTP/1.0\r\nConnection: close\r\n\r\n")));
    assert.is(all.filter((text) => text.includes(" 200 OK")).length, 20);
    const idle = await runContainer(on, await readySandbox(on), sh("sleep 1000"));
    const error = await rejects(on.runtime.connect(idle, 8081)) as RuntimeError;
    assert.equal([error.reason, error.message], ["Refused", "dial tcp4 127.0.0.1:8081: connect: connection refused"]);
  });
}
