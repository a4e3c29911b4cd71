// The bare thing beside a program's memory: a runtime that waits. `--libraries`: with what a master is made of, loaded and listening, and nothing of ours.
// `--mqtt`: with the client that an agent speaks MQTT with, loaded.
import process from "node:process";

if (process.argv.includes("--libraries")) {
  const [{ Hono }, { getRequestListener }, { Aedes }, { default: https }, { default: tls }] = await Promise.all([
    import("hono"),
    import("@hono/node-server"),
    import("aedes"),
    import("node:https"),
    import("node:tls"),
  ]);
  const app = new Hono().get("/", (c) => c.text("ok")), broker = await Aedes.createBroker();
  https.createServer({}, getRequestListener(app.fetch)).listen(0, "127.0.0.1");
  tls.createServer({}, (socket) => void broker.handle(socket)).listen(0, "127.0.0.1");
}
if (process.argv.includes("--mqtt")) await import("mqtt");
setInterval(() => {}, 60_000);
process.stdout.write("waiting\n");
