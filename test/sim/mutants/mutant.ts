// A bug that implementations of Raft or of its storage have had, put back at one place of the real code or at few, so that the simulation proves that it would see
// it. A mutant is a replacement in a copy of the source: the code that ships has no switches for its own destruction. Text that no longer stands in its file
// exactly once fails sim_test.

/** One replacement. */
export interface Edit {
  /** Below master/store/. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}
export interface Mutant extends Edit {
  readonly name: string;
  /** What is wrong with it, and who had it. B numbers before the colon name classics; mutants.ts lists them. */
  readonly bug: string;
  /** Where a second line of the code covers the first one: that goes, too. */
  readonly also?: readonly Edit[];
}

export const raft = (file: string): string => `raft/${file}.ts`;
const editsOf = ({ file, from, to, also = [] }: Mutant): readonly Edit[] => [{ file, from, to }, ...also];
export const filesOf = (mutant: Mutant): readonly string[] => [...new Set(editsOf(mutant).map(({ file }) => file))];
/** The text of a file with the bug in it; of one that it does not touch, as it is. @throws Error where what it replaces does not stand there exactly once */
export function mutated(text: string, file: string, mutant: Mutant): string {
  for (const { from, to } of editsOf(mutant).filter((edit) => edit.file === file)) {
    if (text.split(from).length !== 2) throw new Error(`Mutant ${mutant.name}: ${file} does not have this exactly once: ${from}`);
    text = text.replace(from, () => to);
  }
  return text;
}
/** `B2: …` or `B11, B20: …`. */
export const classicsOf = ({ bug }: Mutant): string[] => /^(B\d+(?:, B\d+)*):/.exec(bug)?.[1]?.split(", ") ?? [];
