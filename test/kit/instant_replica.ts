// A replica that is its own quorum and forgets everything: entries are applied at once. For tests of what stands on top of the log.
import type { Clock } from "../../shared/util/clock.ts";
import type { ReplicaFace } from "../../master/store/face.ts";
import type { StateMachine } from "../../master/store/machine.ts";

export class InstantReplica implements ReplicaFace {
  readonly fatal: Promise<Error> = new Promise(() => {});
  readonly #machine: StateMachine;
  readonly #clock: Clock;
  #index = 0;
  #time = 0;

  constructor(machine: StateMachine, clock: Clock) {
    this.#machine = machine;
    this.#clock = clock;
  }
  async propose(payload: Uint8Array): Promise<unknown> {
    this.#time = Math.max(this.#time, this.#clock.now());
    const index = ++this.#index;
    return this.#machine.apply({ index, term: 1, time: this.#time, proposer: 0, sequence: 0, payload: this.#machine.keep(payload) });
  }
  async readIndex(): Promise<number> {
    return this.#index;
  }
  status(): ReturnType<ReplicaFace["status"]> {
    return { clusterId: "test", clusterEpoch: "0000000000000001", memberId: 1, leaderId: 1, term: 1, appliedIndex: this.#index };
  }
  async lead(_name: string, work: (term: { signal: AbortSignal }) => Promise<void>, signal: AbortSignal): Promise<void> {
    await work({ signal });
  }
  async stop(): Promise<void> {}
}
