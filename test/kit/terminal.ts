// A program in a terminal of its own, typed into and resized as a person does. No runtime of ours makes terminals: Python does.
import { spawn } from "node:child_process";
import { eventually } from "./eventually.ts";

const python = `
import fcntl, json, os, pty, select, struct, sys, termios
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
def resize(columns, rows):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
resize(80, 24)
asked, listening = b"", [terminal, 0]
while True:
    ready = select.select(listening, [], [])[0]
    if terminal in ready:
        try:
            said = os.read(terminal, 4096)
        except OSError:
            break
        if not said:
            break
        os.write(1, said)
    if 0 in ready:
        more = os.read(0, 4096)
        if not more:
            listening = [terminal]
        asked += more
        while b"\\n" in asked:
            line, asked = asked.split(b"\\n", 1)
            word = json.loads(line)
            if "type" in word:
                os.write(terminal, word["type"].encode())
            else:
                resize(*word["resize"])
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 255)
`;

export interface Terminal {
  /** Waits until it has printed this, since the last time it was asked. */
  sees(wanted: RegExp): Promise<void>;
  type(text: string): void;
  resize(columns: number, rows: number): void;
  /** Resolves with the exit code. */
  readonly ended: Promise<number>;
  close(): void;
}

/** Of 80 columns and 24 rows at first. */
export function terminal(program: string, args: readonly string[], env: Readonly<Record<string, string>>): Terminal {
  const child = spawn("python3", ["-c", python, program, ...args], { env: { ...env, TERM: "xterm" } });
  let out = "";
  child.stdout.on("data", (data) => out += data);
  child.stderr.on("data", (data) => out += data);
  child.stdin.on("error", () => {}); // it has ended
  const say = (word: object): void => void child.stdin.write(`${JSON.stringify(word)}\n`);
  return {
    sees: async (wanted) => {
      await eventually(`it prints ${wanted}`, () => wanted.test(out) || Promise.reject(new Error(JSON.stringify(out))));
      out = "";
    },
    type: (text) => say({ type: text }),
    resize: (columns, rows) => say({ resize: [columns, rows] }),
    ended: new Promise((resolve) => child.once("close", (code) => resolve(code ?? -1))),
    close: () => void child.kill(),
  };
}
