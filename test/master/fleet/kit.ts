// Nodes that have joined, their pods, and what they say of them.
import { type Device, type FleetKit, newPod, pods } from "../../kit/fleet.ts";

export async function joined(kit: FleetKit, name = "pi", more: object = {}): Promise<Device> {
  const device = await kit.device(name);
  await device.join(kit.fleet, await kit.fleet.tokens.create(), more);
  return device;
}
export async function pod(kit: FleetKit, name: string, nodeName: string, spec: object = {}): Promise<string> {
  const { uid } = await kit.registry.create(pods, newPod(name, nodeName, spec));
  await kit.settled();
  return uid;
}
export const statusOf = async (kit: FleetKit, name: string) => (await kit.registry.get(pods, { namespace: "default", name })).object.status;
export const running = (uid: string, more: object = {}) => ({
  uid,
  at: Date.now(),
  state: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] },
  ...more,
});
