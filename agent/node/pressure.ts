// Is something running out? Pure, with hysteresis: a condition that has begun ends only when there is clearly more room again, or it would be written every
// few seconds.

export interface Amounts {
  readonly memoryBytes: number;
  readonly memoryAvailableBytes: number;
  readonly diskBytes: number;
  readonly diskFreeBytes: number;
  readonly pids: number;
  readonly pidsMost: number;
}
export interface Pressure {
  readonly memoryPressure: boolean;
  readonly diskPressure: boolean;
  readonly pidPressure: boolean;
}
export const noPressure: Pressure = { memoryPressure: false, diskPressure: false, pidPressure: false };

/** Begins below the first share of what there is, ends above the second. */
const shares = { memory: [0.05, 0.1], disk: [0.1, 0.15], pids: [0.05, 0.1] } as const;

export function pressure(amounts: Amounts, before: Pressure): Pressure {
  const short = (left: number, all: number, [begin, end]: readonly [number, number], is: boolean): boolean =>
    all > 0 && left / all < (is ? end : begin);
  return {
    memoryPressure: short(amounts.memoryAvailableBytes, amounts.memoryBytes, shares.memory, before.memoryPressure),
    diskPressure: short(amounts.diskFreeBytes, amounts.diskBytes, shares.disk, before.diskPressure),
    pidPressure: short(amounts.pidsMost - amounts.pids, amounts.pidsMost, shares.pids, before.pidPressure),
  };
}
