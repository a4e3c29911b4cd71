// What may be skipped as root on Debian, and which kernel feature or program is missing. Any other skip there fails the run.

export interface AllowedSkip {
  /** Part of the test's name. */
  readonly test: string;
  /** Part of the reason it prints. */
  readonly reason: string;
}

export const allowedSkips: readonly AllowedSkip[] = [];
